"""Signed messages on disk: each step's message once, found by its place or by its digest."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, func, insert, select

from blindsum_aggregator.store.tables import EVIDENCE, MESSAGES
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules.signed import BodyT, Signed

NO_PAGE: Final = -1

MOST_EVIDENCE_OF_A_ROUND: Final = 16
"""Of one signer. The first contradictions prove as much as a thousand, and a signed message may
take more than a megabyte: a custodian must not fill the disk with its own lies."""


class MessageKind(StrEnum):
    """The steps of a round that leave a signed message, and what the operator hands in for it."""

    SPEC = "spec"
    ACCEPTANCE = "acceptance"
    CONTRIBUTION = "contribution"
    RECEIPT = "receipt"
    PAGE = "page"
    ADMISSION = "admission"
    FREEZE = "freeze"
    ENDORSEMENT = "endorsement"
    RELEASE = "release"
    CERTIFICATE = "certificate"
    ABORT = "abort"
    CLOSE = "close"
    EXCEPTION = "exception"


SERVED: Final = frozenset(MessageKind) - {MessageKind.RELEASE, MessageKind.RECEIPT}
"""What every party of the manifest may fetch. A release opens a sum: it stays with the entitled."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one message stands; no second one ever stands there.

    Attributes:
        study: Study id.
        number: Round number.
        kind: The step.
        subject: Whose message it is: the signer, for receipts the client.
        page: The page, for pages, admissions and releases.
    """

    study: str
    number: int
    kind: MessageKind
    subject: str
    page: int = NO_PAGE

    def matches(self) -> ColumnElement[bool]:
        """The condition that selects it."""
        return and_(
            MESSAGES.c.study == self.study,
            MESSAGES.c.number == self.number,
            MESSAGES.c.kind == self.kind,
            MESSAGES.c.page == self.page,
            MESSAGES.c.subject == self.subject,
        )


def add_message(connection: Connection, place: Place, signed: Signed[Any]) -> None:
    """Keep a message.

    Raises:
        sqlalchemy.exc.IntegrityError: when another one stands in that place; callers look first.
    """
    connection.execute(
        insert(MESSAGES).values(
            study=place.study,
            number=place.number,
            kind=place.kind,
            page=place.page,
            subject=place.subject,
            digest=signed.digest,
            signed=signed_to_bytes(signed),
        )
    )


def add_evidence(connection: Connection, place: Place, rule: str, signed: Signed[Any]) -> None:
    """Keep a verified message that contradicts what stands in its place.

    The first of a signer and place, up to 16 of a signer and round; what comes later is dropped.
    """
    known = select(EVIDENCE.c.rule).where(
        EVIDENCE.c.study == place.study,
        EVIDENCE.c.number == place.number,
        EVIDENCE.c.kind == place.kind,
        EVIDENCE.c.page == place.page,
        EVIDENCE.c.subject == place.subject,
    )
    if connection.execute(known).first() is not None:
        return
    kept = select(func.count()).where(
        EVIDENCE.c.study == place.study,
        EVIDENCE.c.number == place.number,
        EVIDENCE.c.subject == place.subject,
    )
    if connection.execute(kept).scalar_one() >= MOST_EVIDENCE_OF_A_ROUND:
        return
    connection.execute(
        insert(EVIDENCE).values(
            study=place.study,
            number=place.number,
            kind=place.kind,
            page=place.page,
            subject=place.subject,
            rule=rule,
            signed=signed_to_bytes(signed),
        )
    )


def find_message(connection: Connection, place: Place) -> bytes | None:
    """The bytes of the message in that place, a serialised `Signed`, or None."""
    row = connection.execute(select(MESSAGES.c.signed).where(place.matches())).first()
    return None if row is None else bytes(row.signed)


def message_digest(connection: Connection, place: Place) -> bytes | None:
    """The digest of the message in that place, or None."""
    row = connection.execute(select(MESSAGES.c.digest).where(place.matches())).first()
    return None if row is None else bytes(row.digest)


def find_served(connection: Connection, study: str, digest: bytes) -> bytes | None:
    """The bytes of a message that any party may fetch, by its digest, or None."""
    row = connection.execute(
        select(MESSAGES.c.signed).where(
            MESSAGES.c.study == study, MESSAGES.c.digest == digest, MESSAGES.c.kind.in_(SERVED)
        )
    ).first()
    return None if row is None else bytes(row.signed)


def round_of_digest(connection: Connection, study: str, digest: bytes) -> int | None:
    """The round that a message belongs to, by the message's digest, or None."""
    row = connection.execute(
        select(MESSAGES.c.number).where(MESSAGES.c.study == study, MESSAGES.c.digest == digest)
    ).first()
    return None if row is None else int(row.number)


def messages_of(
    connection: Connection,
    study: str,
    number: int,
    kind: MessageKind,
    body: type[BodyT],
    before: int | None = None,
) -> list[Signed[BodyT]]:
    """All messages of one step of a round, by page, then subject in byte order.

    Args:
        connection: The transaction.
        study: Study id.
        number: Round number.
        kind: The step.
        body: The class of its messages.
        before: Only those that were kept before this position (`message_position`).
    """
    query = select(MESSAGES.c.page, MESSAGES.c.subject, MESSAGES.c.signed).where(
        _of_step(study, number, kind)
    )
    if before is not None:
        query = query.where(MESSAGES.c.id < before)
    # Sorted here: databases collate text by their own locale, the protocol sorts ids bytewise.
    rows = sorted(connection.execute(query), key=lambda row: (row.page, row.subject))
    return [signed_from_bytes(body, row.signed) for row in rows]


def message_position(connection: Connection, place: Place) -> int | None:
    """Where the message stands in the order in which all were kept, or None."""
    row = connection.execute(select(MESSAGES.c.id).where(place.matches())).first()
    return None if row is None else int(row.id)


def one_message(connection: Connection, place: Place, body: type[BodyT]) -> Signed[BodyT] | None:
    """The message in that place, read again, or None."""
    data = find_message(connection, place)
    return None if data is None else signed_from_bytes(body, data)


def subjects_of(connection: Connection, study: str, number: int, kind: MessageKind) -> list[str]:
    """Whose messages of one step there are, ascending, each once."""
    query = select(MESSAGES.c.subject).where(_of_step(study, number, kind)).distinct()
    return sorted(row.subject for row in connection.execute(query))


def pages_answered(
    connection: Connection,
    study: str,
    number: int,
    custodian: str,
    kind: MessageKind = MessageKind.ADMISSION,
) -> set[int]:
    """The pages of one step of a round that there are of a custodian."""
    query = select(MESSAGES.c.page).where(
        _of_step(study, number, kind), MESSAGES.c.subject == custodian
    )
    return {int(row.page) for row in connection.execute(query)}


def rounds_answered(
    connection: Connection, study: str, kind: MessageKind, custodian: str
) -> set[int]:
    """The rounds in which a custodian has answered one step."""
    query = select(MESSAGES.c.number).where(
        MESSAGES.c.study == study, MESSAGES.c.kind == kind, MESSAGES.c.subject == custodian
    )
    return {int(row.number) for row in connection.execute(query)}


def count_messages(connection: Connection, study: str, number: int, kind: MessageKind) -> int:
    """How many messages of one step of a round there are."""
    query = select(func.count()).where(_of_step(study, number, kind))
    return int(connection.execute(query).scalar_one())


def _of_step(study: str, number: int, kind: MessageKind) -> ColumnElement[bool]:
    return and_(MESSAGES.c.study == study, MESSAGES.c.number == number, MESSAGES.c.kind == kind)
