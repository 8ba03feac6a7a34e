"""The custodians' calls: duties out for as long as they stay, answers in."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from blindsum_aggregator.answers import take_answer, take_refusal
from blindsum_aggregator.duties import (
    AcceptDuty,
    AdmitDuty,
    CloseDuty,
    Duty,
    DutyKey,
    EndorseDuty,
    ReleaseDuty,
    load_duty,
    outstanding,
)
from blindsum_aggregator.service.door import Context, Door, Visit
from blindsum_crypto.errors import Refused, Rejected
from blindsum_protos.convert.exception import signed_exception_to_message
from blindsum_protos.convert.signed import open_signed, to_wire
from blindsum_protos.v1 import aggregator_pb2, signed_pb2
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed

# Any: the body of an answer is one of six kinds, named by the field that carries it.
_ANSWERS: Final[Mapping[str, type[Any]]] = {
    "acceptance": Acceptance,
    "admission": Admission,
    "endorsement": Endorsement,
    "release": Release,
    "close": Close,
    "refusal": Refusal,
}


class CustodianCalls:
    """What custodians call. Method names are the service's."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def Attend(  # noqa: N802 - the service's name
        self, request: aggregator_pb2.Attendance, context: Context
    ) -> None:
        """Tell a custodian its duties until it leaves or the aggregator stops."""
        async with self._door.visit(context, "Attend", request) as visit:
            visit.check_study(request.study)
            study = visit.study
            study.attending.arrive(visit.name)
            study.board.work.touch()
            try:
                await _tell(visit, context)
            finally:
                study.attending.leave(visit.name)
                study.board.work.touch()

    async def Answer(  # noqa: N802
        self, request: aggregator_pb2.DutyAnswer, context: Context
    ) -> aggregator_pb2.DutyAnswered:
        """Take a custodian's answer."""
        async with self._door.visit(context, "Answer", request) as visit:
            study = visit.study
            answer = await asyncio.to_thread(_read_answer, request, visit)
            visit.about = answer.digest
            if isinstance(answer.body, Refusal):
                await study.store.writing(lambda c: take_refusal(study, c, answer))
                return aggregator_pb2.DutyAnswered()
            refusal = await study.store.writing(lambda c: take_answer(study, c, answer))
            if refusal is not None:
                raise refusal
            await study.refresh()
            return aggregator_pb2.DutyAnswered()


async def _tell(visit: Visit, context: Context) -> None:
    """Tell what is outstanding: at once when it becomes so, and again while it stays so."""
    study, custodian = visit.study, visit.name
    loop, resend_seconds = asyncio.get_running_loop(), study.settings.resend_seconds
    told: dict[DutyKey, float] = {}
    while not study.board.is_stopping:
        if custodian in study.callers.revoked:
            raise Refused("revoked", f"expected a custodian whose keys count, got {custodian!r}")
        seen = study.board.duties.count
        keys = await study.store.reading(lambda c: outstanding(study, c, custodian))
        told = {key: told[key] for key in keys if key in told}
        for key in keys:
            if loop.time() < told.get(key, -resend_seconds) + resend_seconds:
                continue
            duty = await study.store.reading(partial(load_duty, study, key, custodian))
            await context.write(_duty_to_message(duty))
            told[key] = loop.time()
        again = min(told.values(), default=loop.time()) + resend_seconds
        await study.board.duties.wait(seen, max(0.0, again - loop.time()))


def _read_answer(request: aggregator_pb2.DutyAnswer, visit: Visit) -> Signed[Any]:
    field = request.WhichOneof("kind")
    if field is None:
        raise Rejected("malformed-message", "DutyAnswer.kind: expected one of the six answers")
    message: signed_pb2.Signed = getattr(request, field)
    answer = open_signed(_ANSWERS[field], message, visit.study.callers.custodian_keys)
    if answer.signer != visit.name:
        raise Refused("not-own-answer", f"expected an answer of {visit.name!r}")
    return answer


def _duty_to_message(duty: Duty) -> aggregator_pb2.Duty:
    match duty:
        case AcceptDuty():
            accept = aggregator_pb2.AcceptDuty(spec=to_wire(duty.spec))
            return aggregator_pb2.Duty(accept=accept)
        case AdmitDuty():
            return aggregator_pb2.Duty(admit=_admit_to_message(duty))
        case EndorseDuty():
            return aggregator_pb2.Duty(endorse=_endorse_to_message(duty))
        case ReleaseDuty():
            release = aggregator_pb2.ReleaseDuty(
                round_number=duty.number,
                freeze_digest=duty.freeze_digest,
                endorsements=[to_wire(one) for one in duty.endorsements],
                pages_here=duty.pages_here,
            )
            return aggregator_pb2.Duty(release=release)
        case CloseDuty():
            close = aggregator_pb2.CloseDuty(round_number=duty.number, handed_to=duty.handed_to)
            return aggregator_pb2.Duty(close=close)


def _endorse_to_message(duty: EndorseDuty) -> aggregator_pb2.EndorseDuty:
    exception = None if duty.exception is None else signed_exception_to_message(duty.exception)
    return aggregator_pb2.EndorseDuty(
        round_number=duty.number,
        freeze_digest=duty.freeze_digest,
        exception_operator=None if exception is None else exception.operator,
        exception_officer=None if exception is None else exception.officer,
    )


def _admit_to_message(duty: AdmitDuty) -> aggregator_pb2.AdmitDuty:
    return aggregator_pb2.AdmitDuty(
        page=to_wire(duty.page),
        entries=[
            aggregator_pb2.HeaderEntry(contribution=signed_pb2.Signed.FromString(header), wrap=wrap)
            for header, wrap in duty.entries
        ],
    )
