"""What a custodian still owes, derived from what it has answered: no queue that could lose a duty.

Duties are told in an order in which they can be done: the round at hand first, pages in sequence,
then rounds that were ended without this custodian.
"""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from blindsum_aggregator.exceptions import used_exception
from blindsum_aggregator.released import has_released
from blindsum_aggregator.store.amendments import kept_handover
from blindsum_aggregator.store.contributions import count_members_without, on_page
from blindsum_aggregator.store.entries import headers_on_page, wraps_on_page
from blindsum_aggregator.store.messages import (
    MessageKind,
    Place,
    count_messages,
    message_digest,
    messages_of,
    one_message,
    pages_answered,
    rounds_answered,
)
from blindsum_aggregator.store.rounds import ENDED, RoundRow, all_rounds, find_round
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Refused
from blindsum_rules.admission import HeaderPage
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import SignedException
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState

_PAGES_AHEAD: Final = 4
"""Unanswered pages that are told at once; the next follow as these are answered."""

_CLOSES_AHEAD: Final = 16

_RELEASING: Final = frozenset({AggregatorState.ENDORSED, AggregatorState.RELEASED})


@dataclass(frozen=True, slots=True)
class DutyKey:
    """Which duty it is: the step, the round, and the page for admissions."""

    step: MessageKind
    number: int
    page: int = -1


@dataclass(frozen=True, slots=True)
class AcceptDuty:
    """Check a spec, then sign it."""

    spec: Signed[Spec]


@dataclass(frozen=True, slots=True)
class AdmitDuty:
    """Check one page of headers.

    Attributes:
        page: The signed page.
        entries: Serialised signed headers, each with the custodian's own wrap, in page order.
    """

    page: Signed[HeaderPage]
    entries: tuple[tuple[bytes, bytes], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class EndorseDuty:
    """Check a freeze, then sign it; with the exception by which it may overlap earlier ones."""

    number: int
    freeze_digest: bytes
    exception: SignedException | None = None


@dataclass(frozen=True, slots=True)
class ReleaseDuty:
    """Give the parts for a freeze that a quorum endorsed, save the pages that are here."""

    number: int
    freeze_digest: bytes
    endorsements: tuple[Signed[Endorsement], ...]
    pages_here: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CloseDuty:
    """Leave a round, to the committee of the next one."""

    number: int
    handed_to: bytes = b""


Duty = AcceptDuty | AdmitDuty | EndorseDuty | ReleaseDuty | CloseDuty


def outstanding(study: Study, connection: Connection, custodian: str) -> list[DutyKey]:
    """What a custodian owes now, in the order in which to tell it."""
    eras = study.eras(connection)
    # Who joins is told nothing before its first round, and who left owes what it was seated for.
    rows = [
        row
        for row in all_rounds(connection, study.name)
        if custodian in eras.of_round(row.number).body.custodian_keys
    ]
    at_hand = _at_hand(study, connection, rows[-1], custodian) if rows else []
    closed = rounds_answered(connection, study.name, MessageKind.CLOSE, custodian)
    owed = [row.number for row in rows if row.state in ENDED and row.number not in closed]
    return [*at_hand, *(DutyKey(MessageKind.CLOSE, number) for number in owed[-_CLOSES_AHEAD:])]


def load_duty(study: Study, key: DutyKey, custodian: str, connection: Connection) -> Duty:
    """The duty itself, as it stands now."""
    match key.step:
        case MessageKind.ACCEPTANCE:
            return AcceptDuty(study.spec(connection, key.number))
        case MessageKind.ADMISSION:
            return _admit_duty(study, connection, key, custodian)
        case MessageKind.ENDORSEMENT:
            return _endorse_duty(study, connection, key.number)
        case MessageKind.RELEASE:
            kind = MessageKind.ENDORSEMENT
            endorsements = messages_of(connection, study.name, key.number, kind, Endorsement)
            freeze_digest = _freeze_digest(connection, study, key.number)
            step = MessageKind.RELEASE
            pages = pages_answered(connection, study.name, key.number, custodian, step)
            pages_here = tuple(sorted(pages))
            return ReleaseDuty(key.number, freeze_digest, tuple(endorsements), pages_here)
        case _:
            handed_to = kept_handover(connection, study.name, key.number)
            return CloseDuty(key.number, handed_to or b"")


def _at_hand(study: Study, connection: Connection, row: RoundRow, custodian: str) -> list[DutyKey]:
    """What is owed in the newest round: the first step that is missing, and what may go with it."""
    if row.state in ENDED:
        return []

    def has_answered(step: MessageKind) -> bool:
        place = study.place(row.number, step, custodian)
        return message_digest(connection, place) is not None

    if not has_answered(MessageKind.ACCEPTANCE):
        return [DutyKey(MessageKind.ACCEPTANCE, row.number)]
    keys: list[DutyKey] = []
    if not has_answered(MessageKind.ENDORSEMENT):
        keys += _unanswered_pages(study, connection, row, custodian)
        keys += _freeze_duty(study, connection, row, custodian, MessageKind.ENDORSEMENT)
    if row.state in _RELEASING and not has_released(study, connection, row.number, custodian):
        keys += _freeze_duty(study, connection, row, custodian, MessageKind.RELEASE)
    return keys


def _unanswered_pages(
    study: Study, connection: Connection, row: RoundRow, custodian: str
) -> list[DutyKey]:
    pages = count_messages(connection, study.name, row.number, MessageKind.PAGE)
    answered = pages_answered(connection, study.name, row.number, custodian)
    owed = [page for page in range(pages) if page not in answered]
    return [DutyKey(MessageKind.ADMISSION, row.number, page) for page in owed[:_PAGES_AHEAD]]


def _freeze_duty(
    study: Study, connection: Connection, row: RoundRow, custodian: str, step: MessageKind
) -> list[DutyKey]:
    """The duty on the freeze, for who has admitted all of U; others could not perform it."""
    if not row.freeze_digest:
        return []
    bit = 1 << study.manifest_of(connection, row.number).custodian_index(custodian)
    if count_members_without(connection, study.name, row.number, bit):
        return []
    return [DutyKey(step, row.number)]


def _admit_duty(study: Study, connection: Connection, key: DutyKey, custodian: str) -> AdmitDuty:
    number = key.number
    place = Place(study.name, number, MessageKind.PAGE, study.manifest.aggregator.name, key.page)
    page = one_message(connection, place, HeaderPage)
    if page is None:
        raise Refused("unknown-page", f"expected a page of round {number}, got {key.page}")
    index = study.manifest_of(connection, number).custodian_index(custodian)
    headers = headers_on_page(connection, study.name, number, key.page)
    wraps = wraps_on_page(connection, study.name, number, key.page, index)
    clients = {row.digest: row.client for row in on_page(connection, study.name, number, key.page)}
    ordered = [clients[digest] for digest in page.body.contribution_digests]
    return AdmitDuty(page, tuple((headers[client], wraps[client]) for client in ordered))


def _endorse_duty(study: Study, connection: Connection, number: int) -> EndorseDuty:
    row = find_round(connection, study.name, number)
    if row is None:
        return EndorseDuty(number, b"")
    return EndorseDuty(number, row.freeze_digest, used_exception(study, connection, row))


def _freeze_digest(connection: Connection, study: Study, number: int) -> bytes:
    row = find_round(connection, study.name, number)
    return b"" if row is None else row.freeze_digest
