"""Amendments on disk: pending until a spec carries them, in force from its round on."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from blindsum_aggregator.store.tables import AMENDMENTS, HANDOVERS
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules.amendment import Amendment, SignedAmendment


@dataclass(frozen=True, slots=True)
class KeptAmendment:
    """An amendment as the aggregator remembers it.

    Attributes:
        amendment: By the hands that signed it; verified before it was kept.
        since_round: The round whose spec put it in force; None while it is pending.
    """

    amendment: SignedAmendment
    since_round: int | None


def kept_amendments(connection: Connection, study: str) -> list[KeptAmendment]:
    """Everything that was amended, in order; what is pending stands at the end."""
    query = (
        select(AMENDMENTS.c.operator, AMENDMENTS.c.officer, AMENDMENTS.c.since_round)
        .where(AMENDMENTS.c.study == study)
        .order_by(AMENDMENTS.c.number)
    )
    return [
        KeptAmendment(
            SignedAmendment(
                signed_from_bytes(Amendment, row.operator),
                None if row.officer is None else signed_from_bytes(Amendment, row.officer),
            ),
            row.since_round,
        )
        for row in connection.execute(query)
    ]


def amendment_rounds(connection: Connection, study: str) -> tuple[tuple[bytes, int | None], ...]:
    """In order, each amendment's digest and the round that put it in force, or None."""
    query = (
        select(AMENDMENTS.c.digest, AMENDMENTS.c.since_round)
        .where(AMENDMENTS.c.study == study)
        .order_by(AMENDMENTS.c.number)
    )
    return tuple((bytes(row.digest), row.since_round) for row in connection.execute(query))


def keep_amendment(connection: Connection, amendment: SignedAmendment) -> None:
    """Keep an amendment as pending.

    Raises:
        sqlalchemy.exc.IntegrityError: when another one has its number; callers look first.
    """
    body, officer = amendment.body, amendment.officer
    connection.execute(
        insert(AMENDMENTS).values(
            study=body.study,
            number=body.number,
            digest=amendment.digest,
            operator=signed_to_bytes(amendment.operator),
            officer=None if officer is None else signed_to_bytes(officer),
            since_round=None,
        )
    )


def put_in_force(connection: Connection, study: str, up_to: int, number: int) -> None:
    """Remember that the spec of round `number` carries every pending amendment up to one."""
    connection.execute(
        update(AMENDMENTS)
        .where(
            AMENDMENTS.c.study == study,
            AMENDMENTS.c.number <= up_to,
            AMENDMENTS.c.since_round.is_(None),
        )
        .values(since_round=number)
    )


def keep_handover(connection: Connection, study: str, number: int, handed_to: bytes) -> None:
    """Remember to which committee a round is left, before its first close is asked for."""
    connection.execute(insert(HANDOVERS).values(study=study, number=number, handed_to=handed_to))


def kept_handover(connection: Connection, study: str, number: int) -> bytes | None:
    """To which committee a round is left: an amendment's digest or empty; None: not yet decided."""
    query = select(HANDOVERS.c.handed_to).where(
        HANDOVERS.c.study == study, HANDOVERS.c.number == number
    )
    found: bytes | None = connection.scalar(query)
    return None if found is None else bytes(found)
