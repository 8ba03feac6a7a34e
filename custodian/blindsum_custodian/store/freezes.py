"""The freezes that this custodian knows, its own and those it learned of, and all closes."""

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Connection, select, true, update
from sqlalchemy.dialects.sqlite import insert

from blindsum_custodian.store.tables import CLOSES, FREEZES
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules.close import Close
from blindsum_rules.differencing import EarlierFreeze, counts_as_released
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import DifferencingScope
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


def keep_freeze(connection: Connection, freeze: Signed[Freeze], model_version: int) -> None:
    """Remember a freeze that is known; one that is remembered already stays as it is."""
    body = freeze.body
    connection.execute(
        insert(FREEZES)
        .values(
            study=body.study,
            round_number=body.round_number,
            freeze_digest=freeze.digest,
            model_version=model_version,
            endorsed=False,
            freeze=signed_to_bytes(freeze),
            clients=_lines(body.clients),
        )
        .on_conflict_do_nothing()
    )


def mark_endorsed(connection: Connection, freeze: Signed[Freeze]) -> None:
    """Remember that this custodian endorsed a freeze that it keeps."""
    connection.execute(
        update(FREEZES)
        .where(
            FREEZES.c.study == freeze.body.study,
            FREEZES.c.round_number == freeze.body.round_number,
            FREEZES.c.freeze_digest == freeze.digest,
        )
        .values(endorsed=True)
    )


def endorsed_freeze(connection: Connection, study: str, round_number: int) -> Signed[Freeze] | None:
    """The one freeze of a round that this custodian endorsed, or None."""
    query = select(FREEZES.c.freeze).where(
        FREEZES.c.study == study,
        FREEZES.c.round_number == round_number,
        FREEZES.c.endorsed.is_(true()),
    )
    data = connection.execute(query).scalar_one_or_none()
    return None if data is None else signed_from_bytes(Freeze, data)


def known_freezes(connection: Connection, study: str, round_number: int) -> frozenset[bytes]:
    """The digests of a round's freezes that are remembered."""
    query = select(FREEZES.c.freeze_digest).where(
        FREEZES.c.study == study, FREEZES.c.round_number == round_number
    )
    return frozenset(connection.scalars(query))


def keep_close(connection: Connection, close: Signed[Close]) -> None:
    """Remember a custodian's close, this custodian's own included."""
    connection.execute(
        insert(CLOSES)
        .values(
            study=close.body.study,
            round_number=close.body.round_number,
            custodian=close.signer,
            close_digest=close.digest,
            close=signed_to_bytes(close),
        )
        .on_conflict_do_nothing()
    )


def closes_of(connection: Connection, study: str, round_number: int) -> Sequence[Signed[Close]]:
    """Every close of a round that is known."""
    query = select(CLOSES.c.close).where(
        CLOSES.c.study == study, CLOSES.c.round_number == round_number
    )
    return [signed_from_bytes(Close, data) for data in connection.scalars(query)]


def released_elsewhere(
    connection: Connection,
    spec: Spec,
    scope: DifferencingScope | frozenset[int],
    quorum_of: Callable[[int], int],
    clients: frozenset[str],
) -> Iterator[EarlierFreeze]:
    """The freezes of other rounds that may stand against a set of clients.

    They count as released, whatever the aggregator says. Those of that very set stand against
    nobody, and stay where they are: a study whose cohort is always the same reads none of them.

    Args:
        connection: The store.
        spec: The round that is asked about.
        scope: What `scope_of` says: `version` leaves out what was frozen under other model
            versions, and a set what was frozen under versions outside of it.
        quorum_of: The quorum of the committee that closed a round, by its number.
        clients: The set that is asked about.

    Returns:
        One freeze at a time: a set of 100,000 clients takes some megabytes.
    """
    query = (
        select(FREEZES.c.round_number, FREEZES.c.freeze_digest, FREEZES.c.model_version)
        .where(FREEZES.c.study == spec.study, FREEZES.c.round_number != spec.round_number)
        .where(FREEZES.c.clients != _lines(clients))
        .order_by(FREEZES.c.round_number)
    )
    if scope is not DifferencingScope.STUDY:
        versions = scope if isinstance(scope, frozenset) else {spec.model_version}
        query = query.where(FREEZES.c.model_version.in_(sorted(versions)))
    for row in connection.execute(query).all():
        closes = closes_of(connection, spec.study, row.round_number)
        if counts_as_released(row.freeze_digest, closes, quorum_of(row.round_number)):
            yield EarlierFreeze(
                round_number=row.round_number,
                model_version=row.model_version,
                freeze_digest=row.freeze_digest,
                clients=clients_of(connection, spec.study, row.round_number, row.freeze_digest),
            )


def clients_of(
    connection: Connection, study: str, round_number: int, digest: bytes
) -> frozenset[str]:
    """The client ids of a freeze that is remembered."""
    query = select(FREEZES.c.clients).where(
        FREEZES.c.study == study,
        FREEZES.c.round_number == round_number,
        FREEZES.c.freeze_digest == digest,
    )
    return frozenset(connection.execute(query).scalar_one().split("\n"))


def _lines(clients: frozenset[str]) -> str:
    """A set as it is kept: its ids, ascending, a line each."""
    return "\n".join(sorted(clients))
