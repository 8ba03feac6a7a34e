"""Contributions on disk: from header to receipt, page, admissions and U."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    func,
    insert,
    select,
    update,
)

from blindsum_aggregator.store.tables import CONTRIBUTIONS, WRAPS
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.header import Contribution
from blindsum_rules.signed import Signed

_C: Final = CONTRIBUTIONS.c


@dataclass(frozen=True, slots=True)
class ContributionRow:
    """One client's contribution to one round.

    Attributes:
        study: Study id.
        number: Round number.
        client: Client id.
        digest: Digest of the signed header, 32 bytes.
        payload_digest: Digest of the sealed bytes, 32 bytes.
        payload_bytes: Their exact length.
        entry_bytes: Bytes of the signed header and the longest wrap: its room on a page.
        received_unix: When it was receipted, or None.
        page: The page it stands on, or None.
        admitted: Bitmask of the custodian indices that admitted it.
        admissions: How many they are.
        denied_rule: The first denial's rule, or empty.
        folded: Whether the partial sum contains it.
        damaged: Whether its spool file no longer fits its digest.
        member: Whether it is in U.
    """

    study: str
    number: int
    client: str
    digest: bytes
    payload_digest: bytes
    payload_bytes: int
    entry_bytes: int
    received_unix: float | None
    page: int | None
    admitted: int
    admissions: int
    denied_rule: str
    folded: bool
    damaged: bool
    member: bool


_COLUMNS: Final = [_C[field.name] for field in fields(ContributionRow)]


def _of_round(study: str, number: int) -> ColumnElement[bool]:
    return and_(_C.study == study, _C.number == number)


def _rows(connection: Connection, *conditions: ColumnElement[bool]) -> list[ContributionRow]:
    rows = connection.execute(select(*_COLUMNS).where(*conditions))
    # Sorted here: databases collate text by their own locale, the protocol sorts ids bytewise.
    return sorted((ContributionRow(*values) for values in rows), key=lambda row: row.client)


def find_contribution(
    connection: Connection, study: str, number: int, client: str
) -> ContributionRow | None:
    """A client's contribution to a round, or None."""
    rows = _rows(connection, _of_round(study, number), _C.client == client)
    return rows[0] if rows else None


def find_by_digest(connection: Connection, study: str, digest: bytes) -> ContributionRow | None:
    """A contribution by the digest of its signed header, or None."""
    rows = _rows(connection, _C.study == study, _C.digest == digest)
    return rows[0] if rows else None


def receipted(connection: Connection, study: str, number: int) -> list[ContributionRow]:
    """Every receipted contribution of a round, ascending by client."""
    return _rows(connection, _of_round(study, number), _C.received_unix.is_not(None))


def members_of(connection: Connection, study: str, number: int) -> list[ContributionRow]:
    """The contributions of U, ascending by client."""
    return _rows(connection, _of_round(study, number), _C.member)


def folded_of(connection: Connection, study: str, number: int) -> list[ContributionRow]:
    """What the partial sum contains, ascending by client."""
    return _rows(connection, _of_round(study, number), _C.folded)


def unpaged(connection: Connection, study: str, number: int, limit: int) -> list[ContributionRow]:
    """Receipted contributions that stand on no page yet, the earliest, ascending by client."""
    query = (
        select(*_COLUMNS)
        .where(_of_round(study, number), _C.received_unix.is_not(None), _C.page.is_(None))
        .order_by(_C.received_unix)
        .limit(limit)
    )
    rows = (ContributionRow(*values) for values in connection.execute(query))
    return sorted(rows, key=lambda row: row.client)


def on_page(connection: Connection, study: str, number: int, page: int) -> list[ContributionRow]:
    """The contributions of one page, ascending by client."""
    return _rows(connection, _of_round(study, number), _C.page == page)


def foldable(
    connection: Connection, study: str, number: int, quorum: int, limit: int
) -> list[ContributionRow]:
    """A batch of what a quorum admitted and the partial sum does not contain."""
    return _unfolded(connection, study, number, _C.admissions >= quorum, limit)


def foldable_members(
    connection: Connection, study: str, number: int, limit: int
) -> list[ContributionRow]:
    """A batch of U that the partial sum does not contain."""
    return _unfolded(connection, study, number, _C.member, limit)


def _unfolded(
    connection: Connection, study: str, number: int, which: ColumnElement[bool], limit: int
) -> list[ContributionRow]:
    query = (
        select(*_COLUMNS)
        .where(_of_round(study, number), which, ~_C.folded, ~_C.damaged)
        .order_by(_C.client)
        .limit(limit)
    )
    return [ContributionRow(*values) for values in connection.execute(query)]


def count_received(connection: Connection, study: str, number: int) -> int:
    """How many contributions of a round are receipted."""
    query = select(func.count()).where(_of_round(study, number), _C.received_unix.is_not(None))
    return int(connection.execute(query).scalar_one())


def count_members(connection: Connection, study: str, number: int) -> int:
    """|U|; 0 before the freeze."""
    query = select(func.count()).where(_of_round(study, number), _C.member)
    return int(connection.execute(query).scalar_one())


def count_members_without(connection: Connection, study: str, number: int, bit: int) -> int:
    """How many of U the custodian with this bit has not admitted."""
    query = select(func.count()).where(
        _of_round(study, number), _C.member, _C.admitted.bitwise_and(bit) == 0
    )
    return int(connection.execute(query).scalar_one())


def add_contribution(
    connection: Connection, signed: Signed[Contribution], wraps: Sequence[bytes]
) -> None:
    """Remember a checked header and the wraps that go with it, in manifest order."""
    core = signed.body.core
    place = {"study": core.study, "number": core.round_number, "client": core.client}
    connection.execute(
        insert(CONTRIBUTIONS).values(
            **place,
            digest=signed.digest,
            payload_digest=core.payload_digest,
            payload_bytes=core.payload_bytes,
            entry_bytes=len(signed_to_bytes(signed)) + max(map(len, wraps), default=0),
        )
    )
    connection.execute(
        insert(WRAPS), [{**place, "custodian": i, "wrap": wrap} for i, wrap in enumerate(wraps)]
    )


def change_contributions(
    connection: Connection, study: str, number: int, clients: Iterable[str], **values: object
) -> None:
    """Change columns of some contributions of a round."""
    change = (
        update(CONTRIBUTIONS)
        .where(_of_round(study, number), _C.client == bindparam("one_client"))
        .values(**values)
    )
    rows = [{"one_client": client} for client in clients]
    if rows:
        connection.execute(change, rows)


def record_admission(
    connection: Connection,
    study: str,
    number: int,
    bit: int,
    admitted: Iterable[str],
    denied: Mapping[str, str],
) -> None:
    """Add one custodian's word on one page; it speaks of each contribution once.

    Args:
        connection: The transaction.
        study: Study id.
        number: Round number.
        bit: 1 shifted by the custodian's manifest index.
        admitted: Clients that it admits.
        denied: Clients that it denies, with the rule; the first denial's rule is kept.
    """
    change_contributions(
        connection,
        study,
        number,
        admitted,
        admitted=_C.admitted + bit,
        admissions=_C.admissions + 1,
    )
    for client, rule in denied.items():
        connection.execute(
            update(CONTRIBUTIONS)
            .where(_of_round(study, number), _C.client == client, _C.denied_rule == "")
            .values(denied_rule=rule)
        )
