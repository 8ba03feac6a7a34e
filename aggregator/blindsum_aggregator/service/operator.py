"""The calls of the operator, and those that every party may make: signed messages, status."""

from typing import Final

from blindsum_aggregator.eras import Eras
from blindsum_aggregator.operating import operate
from blindsum_aggregator.service.door import Context, Door
from blindsum_aggregator.status import RoundStatus, study_status
from blindsum_aggregator.store.messages import MessageKind, find_served
from blindsum_crypto.errors import Refused
from blindsum_protos.convert.amendment import amendments_from_messages
from blindsum_protos.convert.exception import signed_exception_from_message
from blindsum_protos.convert.signed import open_signed
from blindsum_protos.limits import CHUNK_BYTES
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.exception import SignedException
from blindsum_rules.requests import OperatorRequest

_NEWEST_AMENDMENTS: Final = 100


class OperatorCalls:
    """What the operator, and everybody in the manifest, calls. Method names are the service's."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def Operate(  # noqa: N802 - the service's name
        self, request: aggregator_pb2.OperatorSubmission, context: Context
    ) -> aggregator_pb2.OperatorReply:
        """Take a signed request of the operator."""
        async with self._door.visit(context, "Operate", request) as visit:
            study = visit.study
            signed = open_signed(OperatorRequest, request.request, study.manifest.operator_key)
            visit.about = signed.digest
            exception = _exception(request)
            amendments = amendments_from_messages(request.amendments)
            text = await study.store.writing(
                lambda c: operate(study, c, signed, exception, amendments)
            )
            await study.refresh()
            return aggregator_pb2.OperatorReply(text=text)

    async def FetchSigned(  # noqa: N802
        self, request: aggregator_pb2.FetchRequest, context: Context
    ) -> aggregator_pb2.Piece:
        """A piece of a signed message by its digest; releases and receipts are not served."""
        async with self._door.visit(context, "FetchSigned", request) as visit:
            visit.check_study(request.study)
            data = await visit.study.store.reading(
                lambda c: find_served(c, visit.study.name, request.digest)
            )
            if data is None:
                raise Refused("unknown-digest", "expected the digest of a signed message")
            piece = data[request.offset : request.offset + CHUNK_BYTES]
            return aggregator_pb2.Piece(total_bytes=len(data), data=piece)

    async def GetStatus(  # noqa: N802
        self, request: aggregator_pb2.StatusRequest, context: Context
    ) -> aggregator_pb2.StudyStatus:
        """How the study stands."""
        async with self._door.visit(context, "GetStatus", request) as visit:
            visit.check_study(request.study)
            study = visit.study
            rounds = await study.store.reading(lambda c: study_status(study, c))
            return aggregator_pb2.StudyStatus(
                study=study.name,
                rounds=[_round_to_message(one) for one in rounds],
                ended=study.board.view.ended,
                attending=sorted(study.attending.names),
                amendments=_amendments_to_messages(study.callers.eras),
            )


def _exception(request: aggregator_pb2.OperatorSubmission) -> SignedException | None:
    if not request.HasField("exception"):
        return None
    return signed_exception_from_message(request.exception)


def _round_to_message(status: RoundStatus) -> aggregator_pb2.RoundStatus:
    row = status.row
    return aggregator_pb2.RoundStatus(
        round_number=row.number,
        state=row.state.value,
        round_id=row.round_id,
        model_version=row.model_version,
        invited=row.invited,
        received=status.received,
        frozen=status.frozen,
        accepted_by=status.signers[MessageKind.ACCEPTANCE],
        endorsed_by=status.signers[MessageKind.ENDORSEMENT],
        released_by=status.signers[MessageKind.RELEASE],
        closed_by=status.signers[MessageKind.CLOSE],
        ended_by_rule=row.rule,
        seconds=status.seconds,
        refusals=status.refusals,
        opening_steps_done=0 if status.opening is None else status.opening.steps_done,
        opening_steps=0 if status.opening is None else status.opening.steps,
    )


def _amendments_to_messages(eras: Eras) -> list[aggregator_pb2.AmendmentStatus]:
    """The newest hundred amendments, in order: since which round in force, or pending."""
    messages = []
    for amendment in eras.known.amendments[-_NEWEST_AMENDMENTS:]:
        body, since = amendment.body, eras.since(amendment.body.number)
        messages.append(
            aggregator_pb2.AmendmentStatus(
                number=body.number,
                reason=body.reason,
                in_force=since is not None,
                since_round=since or 0,
            )
        )
    return messages
