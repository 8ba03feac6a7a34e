"""The clients' calls: the next round, header and payload, the outcome, models and aggregates."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from sqlalchemy import Connection

from blindsum_aggregator.board import FoundT, View
from blindsum_aggregator.readers import check_reader
from blindsum_aggregator.receiving import Piece, UploadDesk
from blindsum_aggregator.service.door import Context, Door, Visit
from blindsum_aggregator.store.messages import MessageKind, find_message, messages_of
from blindsum_aggregator.store.rounds import ENDED, find_round
from blindsum_aggregator.study import Study
from blindsum_aggregator.upload import UploadState
from blindsum_crypto.errors import Refused, Unavailable
from blindsum_protos.convert.signed import parse_signed, to_wire
from blindsum_protos.convert.strict import refuse_unknown_fields
from blindsum_protos.limits import CHUNK_BYTES
from blindsum_protos.v1 import aggregator_pb2, contribution_pb2, signed_pb2
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.header import Contribution
from blindsum_rules.signed import BodyT
from blindsum_rules.transitions import AggregatorState

MAX_WAIT_SECONDS: Final = 60


class ClientCalls:
    """What clients call. Method names are the service's."""

    def __init__(self, door: Door, desk: UploadDesk, most_waiting: int) -> None:
        """Serve through `door`; at most so many clients may wait at once."""
        self._door = door
        self._desk = desk
        self._most_waiting = most_waiting
        self._waiting = 0

    async def NextRound(  # noqa: N802 - the service's name
        self, request: aggregator_pb2.NextRoundRequest, context: Context
    ) -> aggregator_pb2.RoundAnnouncement:
        """Wait for a round above `after` that a quorum accepted; empty when time is up."""
        async with self._door.visit(context, "NextRound", request) as visit:
            visit.check_study(request.study)

            def newer(view: View) -> int | None:
                return view.newest_accepted if view.newest_accepted > request.after else None

            number = await self._wait_for(visit, newer, request.wait_seconds)
            if number is None:
                return aggregator_pb2.RoundAnnouncement()
            return await visit.study.store.reading(
                lambda connection: _announcement(visit.study, connection, number)
            )

    async def SubmitHeader(  # noqa: N802
        self, request: contribution_pb2.HeaderSubmission, context: Context
    ) -> contribution_pb2.UploadState:
        """Take a header with its wraps and its pair table."""
        async with self._door.visit(context, "SubmitHeader", request) as visit:
            contribution = parse_signed(Contribution, request.contribution)
            visit.about = contribution.digest
            if contribution.signer != visit.name:
                raise Refused("not-own-contribution", "expected the caller's own contribution")
            state = await self._desk.submit(
                visit.study, contribution, list(request.wraps), request.pair_table
            )
            return _state_to_message(state)

    async def UploadPayload(  # noqa: N802
        self, request_iterator: AsyncIterator[contribution_pb2.PayloadChunk], context: Context
    ) -> contribution_pb2.UploadState:
        """Take a payload stream."""
        async with self._door.visit(context, "UploadPayload") as visit:
            pieces = _pieces(request_iterator)
            state = await self._desk.receive(visit.study, visit.name, pieces)
            return _state_to_message(state)

    async def GetOutcome(  # noqa: N802
        self, request: aggregator_pb2.OutcomeRequest, context: Context
    ) -> aggregator_pb2.RoundOutcome:
        """Wait for a round's end, or for its closes, and tell how it stands."""
        async with self._door.visit(context, "GetOutcome", request) as visit:
            visit.check_study(request.study)
            number, board = request.round_number, visit.study.board
            wanted = {AggregatorState.CLOSED} if request.until_closed else ENDED
            if number not in board.view.states:
                raise Refused("unknown-round", f"expected a round that was proposed, got {number}")
            await self._wait_for(
                visit, lambda view: view.states[number] in wanted or None, request.wait_seconds
            )
            return await visit.study.store.reading(
                lambda connection: _outcome(visit.study, connection, number)
            )

    async def FetchBlob(  # noqa: N802
        self, request: aggregator_pb2.FetchRequest, context: Context
    ) -> aggregator_pb2.Piece:
        """A piece of a model or an aggregate."""
        async with self._door.visit(context, "FetchBlob", request) as visit:
            visit.check_study(request.study)
            await visit.study.store.reading(
                lambda c: check_reader(visit.study, c, visit.name, request.digest)
            )
            piece = await asyncio.to_thread(
                visit.study.blobs.read_piece, request.digest, request.offset, CHUNK_BYTES
            )
            if piece is None:
                raise Refused("unknown-digest", "expected the digest of a model or an aggregate")
            return aggregator_pb2.Piece(total_bytes=piece[0], data=piece[1])

    async def _wait_for(
        self, visit: Visit, found: Callable[[View], FoundT | None], wait_seconds: int
    ) -> FoundT | None:
        """Wait at a study's board, unless so many do that custodians would find no room.

        Raises:
            Unavailable: `too-many-waiting`.
        """
        if self._waiting >= self._most_waiting:
            raise Unavailable("too-many-waiting", f"expected at most {self._most_waiting} at once")
        self._waiting += 1
        try:
            seconds = min(wait_seconds, MAX_WAIT_SECONDS)
            return await visit.study.board.wait_for(found, seconds)
        finally:
            self._waiting -= 1


async def _pieces(
    chunks: AsyncIterator[contribution_pb2.PayloadChunk],
) -> AsyncIterator[Piece]:
    async for chunk in chunks:
        refuse_unknown_fields(chunk)
        yield Piece(chunk.contribution_digest, chunk.offset, chunk.data)


def _state_to_message(state: UploadState) -> contribution_pb2.UploadState:
    receipt = None if state.receipt is None else to_wire(state.receipt)
    return contribution_pb2.UploadState(committed_bytes=state.committed_bytes, receipt=receipt)


def _announcement(
    study: Study, connection: Connection, number: int
) -> aggregator_pb2.RoundAnnouncement:
    return aggregator_pb2.RoundAnnouncement(
        spec=to_wire(study.spec(connection, number)),
        acceptances=_all(study, connection, number, MessageKind.ACCEPTANCE, Acceptance),
    )


def _outcome(study: Study, connection: Connection, number: int) -> aggregator_pb2.RoundOutcome:
    row = find_round(connection, study.name, number)
    if row is None:
        raise Refused("unknown-round", f"expected a round that was proposed, got {number}")
    kind = MessageKind.ENDORSEMENT
    endorsements = _all(study, connection, number, kind, Endorsement) if row.is_published else []
    return aggregator_pb2.RoundOutcome(
        state=row.state.value,
        certificate=_one(study, connection, number, MessageKind.CERTIFICATE),
        abort=_one(study, connection, number, MessageKind.ABORT),
        closes=_all(study, connection, number, MessageKind.CLOSE, Close),
        endorsements=endorsements,
        acceptances=_all(study, connection, number, MessageKind.ACCEPTANCE, Acceptance),
    )


def _one(
    study: Study, connection: Connection, number: int, kind: MessageKind
) -> signed_pb2.Signed | None:
    data = find_message(connection, study.place(number, kind))
    return None if data is None else signed_pb2.Signed.FromString(data)


# Any: the argument of `parse_signed`, which is generic in it.
def _all(
    study: Study, connection: Connection, number: int, kind: MessageKind, body: type[BodyT]
) -> list[signed_pb2.Signed]:
    return [to_wire(one) for one in messages_of(connection, study.name, number, kind, body)]
