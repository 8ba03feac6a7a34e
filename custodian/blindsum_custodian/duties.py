"""The custodian's door on the wire: duties become values here, answers become messages.

A duty is read in two steps. The signed message that it is about is read first, so that a refusal
of the rest (an entry of a page that does not parse) can name it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from blindsum_crypto.errors import BlindsumError, Rejected
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.admit import AdmitDuty, HeaderEntry
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.custodian import Duty, RoundStep
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.recollect import Held
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.store.answers import Step
from blindsum_protos.convert import fields
from blindsum_protos.convert.signed import parse_signed, to_wire
from blindsum_protos.convert.strict import refuse_unknown_fields
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, HeaderPage
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import DifferencingException
from blindsum_rules.header import Contribution
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


@dataclass(frozen=True, slots=True)
class UnreadableDuty:
    """A duty that does not parse: why, and the digest that its refusal names, or empty."""

    error: BlindsumError
    request_digest: bytes


def read_duty(message: aggregator_pb2.Duty) -> Duty | UnreadableDuty:
    """Read a duty, or say why it cannot be read; what comes from outside stops no loop."""
    try:
        return duty_from_message(message)
    except BlindsumError as error:
        return UnreadableDuty(error, digest_of_message(message))


def status_request(study: str) -> aggregator_pb2.StatusRequest:
    """The question how a study stands."""
    return aggregator_pb2.StatusRequest(study=study)


def held_in_status(status: aggregator_pb2.StudyStatus, custodian: str) -> tuple[Held, ...]:
    """Which steps of which rounds a status says that a custodian answered; nobody signed it."""
    return tuple(
        Held(one.round_number, step)
        for one in status.rounds
        for step, names in (
            (Step.ACCEPT, one.accepted_by),
            (Step.ENDORSE, one.endorsed_by),
            (Step.RELEASE, one.released_by),
            (Step.CLOSE, one.closed_by),
        )
        if custodian in names
    )


def duty_from_message(message: aggregator_pb2.Duty) -> Duty:
    """Read a duty: its structure, no signature.

    Raises:
        Rejected: `malformed-message`, `unknown-field`, `not-canonical`.
    """
    refuse_unknown_fields(message)
    kind = message.WhichOneof("kind")
    reader = _READERS.get(kind or "")
    if reader is None:
        raise fields.malformed("Duty.kind", "one of the five duties")
    return reader(getattr(message, str(kind)))


def digest_of_message(message: aggregator_pb2.Duty) -> bytes:
    """What a refusal of a duty that cannot be read names: the digest of its signed message.

    Empty when not even that can be read.
    """
    try:
        match message.WhichOneof("kind"):
            case "accept":
                return parse_signed(Spec, message.accept.spec).digest
            case "admit":
                return parse_signed(HeaderPage, message.admit.page).digest
            case "endorse":
                return fields.digest(message.endorse.freeze_digest, "freeze_digest")
            case "release":
                return fields.digest(message.release.freeze_digest, "freeze_digest")
            case _:
                return b""
    except Rejected:
        return b""


def answer_to_message(answer: Signed[Any]) -> aggregator_pb2.DutyAnswer:
    """An answer in the field of its kind, its bytes as they were signed."""
    return aggregator_pb2.DutyAnswer(**{_ANSWER_FIELDS[type(answer.body)]: to_wire(answer)})


def attendance_to_message(study: str, steps: tuple[RoundStep, ...]) -> aggregator_pb2.Attendance:
    """What a custodian says when it connects."""
    return aggregator_pb2.Attendance(
        study=study,
        steps=[
            aggregator_pb2.RoundStep(round_number=step.round_number, state=step.state.value)
            for step in steps
        ],
    )


def _accept_duty(message: aggregator_pb2.AcceptDuty) -> AcceptDuty:
    return AcceptDuty(parse_signed(Spec, message.spec))


def _admit_duty(message: aggregator_pb2.AdmitDuty) -> AdmitDuty:
    return AdmitDuty(
        page=parse_signed(HeaderPage, message.page),
        entries=tuple(
            HeaderEntry(parse_signed(Contribution, entry.contribution), entry.wrap)
            for entry in message.entries
        ),
    )


def _endorse_duty(message: aggregator_pb2.EndorseDuty) -> EndorseDuty:
    return EndorseDuty(
        round_number=fields.ordinal(message.round_number, "EndorseDuty.round_number"),
        freeze_digest=fields.digest(message.freeze_digest, "EndorseDuty.freeze_digest"),
        exception_operator=_exception(message, "exception_operator"),
        exception_officer=_exception(message, "exception_officer"),
    )


def _exception(
    message: aggregator_pb2.EndorseDuty, field: str
) -> Signed[DifferencingException] | None:
    if not message.HasField(field):
        return None
    return parse_signed(DifferencingException, getattr(message, field))


def _release_duty(message: aggregator_pb2.ReleaseDuty) -> ReleaseDuty:
    return ReleaseDuty(
        round_number=fields.ordinal(message.round_number, "ReleaseDuty.round_number"),
        freeze_digest=fields.digest(message.freeze_digest, "ReleaseDuty.freeze_digest"),
        endorsements=tuple(parse_signed(Endorsement, one) for one in message.endorsements),
        pages_here=frozenset(message.pages_here),
    )


def _close_duty(message: aggregator_pb2.CloseDuty) -> CloseDuty:
    return CloseDuty(
        round_number=fields.ordinal(message.round_number, "CloseDuty.round_number"),
        handed_to=fields.optional_digest(message.handed_to, "CloseDuty.handed_to"),
    )


# Any: each reader takes the message that its key names.
_READERS: Final[Mapping[str, Callable[[Any], Duty]]] = MappingProxyType(
    {
        "accept": _accept_duty,
        "admit": _admit_duty,
        "endorse": _endorse_duty,
        "release": _release_duty,
        "close": _close_duty,
    }
)

_ANSWER_FIELDS: Final[Mapping[type[Any], str]] = MappingProxyType(
    {
        Acceptance: "acceptance",
        Admission: "admission",
        Endorsement: "endorsement",
        Release: "release",
        Close: "close",
        Refusal: "refusal",
    }
)
