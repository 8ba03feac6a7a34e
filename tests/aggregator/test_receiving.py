"""Payload streams: resumable, bounded, and never two of one payload at once (threat T26)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest
from tests.aggregator.cast import Cast, Sent
from tests.aggregator.stage import Stage

from blindsum_aggregator.receiving import Piece, UploadDesk
from blindsum_aggregator.upload import UploadState
from blindsum_crypto.errors import BlindsumError, Unavailable
from blindsum_protos.limits import CHUNK_BYTES

ResultT = TypeVar("ResultT")
CLIENT = "client-0"
STEP = 20_000


@pytest.fixture
def sent(stage: Stage, cast: Cast) -> Sent:
    """A contribution whose header was taken."""
    stage.settle()
    stage.accept()
    one = cast.contribute(stage.spec, CLIENT)
    stage.submit(one)
    return one


async def pieces(sent: Sent, start: int, stop: int, step: int = STEP) -> AsyncIterator[Piece]:
    digest = sent.contribution.digest
    for offset in range(start, stop, step):
        yield Piece(digest, offset, sent.payload[offset : min(offset + step, stop)])
        digest = b""


def receive(stage: Stage, stream: AsyncIterator[Piece], client: str = CLIENT) -> UploadState:
    desk = UploadDesk(stage.settings)
    return asyncio.run(desk.receive(stage.study, client, stream))


def refused(stage: Stage, stream: AsyncIterator[Piece], client: str = CLIENT) -> str:
    with pytest.raises(BlindsumError) as caught:
        receive(stage, stream, client)
    return caught.value.rule


def test_a_whole_stream_gets_a_receipt(stage: Stage, sent: Sent) -> None:
    state = receive(stage, pieces(sent, 0, len(sent.payload)))

    assert state.receipt is not None
    assert state.receipt.body.contribution_digest == sent.contribution.digest
    assert state.committed_bytes == len(sent.payload)


def test_a_short_stream_is_resumed_where_it_stopped(stage: Stage, sent: Sent) -> None:
    first = receive(stage, pieces(sent, 0, 2 * STEP))
    assert first == UploadState(2 * STEP)

    second = receive(stage, pieces(sent, 2 * STEP, len(sent.payload)))

    assert second.receipt is not None


def test_a_wrong_offset_is_answered_with_the_right_one(stage: Stage, sent: Sent) -> None:
    receive(stage, pieces(sent, 0, STEP))

    assert receive(stage, pieces(sent, 2 * STEP, len(sent.payload))) == UploadState(STEP)
    assert receive(stage, pieces(sent, 0, len(sent.payload))) == UploadState(STEP)


def test_a_stream_of_a_receipted_payload_gets_the_receipt_again(stage: Stage, sent: Sent) -> None:
    first = receive(stage, pieces(sent, 0, len(sent.payload)))

    assert receive(stage, pieces(sent, 0, len(sent.payload))) == first


def test_more_than_the_header_says_is_rejected(stage: Stage, sent: Sent) -> None:
    async def stream() -> AsyncIterator[Piece]:
        yield Piece(sent.contribution.digest, 0, sent.payload + b"x")

    assert refused(stage, stream()) == "payload-length"
    assert stage.submit(sent) == 0


@pytest.mark.parametrize("byte_count", [0, CHUNK_BYTES + 1])
def test_a_chunk_of_no_allowed_length_is_rejected(
    stage: Stage, sent: Sent, byte_count: int
) -> None:
    async def stream() -> AsyncIterator[Piece]:
        yield Piece(sent.contribution.digest, 0, bytes(byte_count))

    assert refused(stage, stream()) == "chunk-length"


def test_an_empty_stream_is_rejected(stage: Stage, sent: Sent) -> None:
    assert refused(stage, pieces(sent, 0, 0)) == "empty-stream"


def test_another_client_cannot_send_for_this_one(stage: Stage, sent: Sent) -> None:
    stream = pieces(sent, 0, len(sent.payload))

    assert refused(stage, stream, "client-1") == "unknown-contribution"


def test_a_payload_without_its_header_is_refused(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    other = cast.contribute(stage.spec, "client-1")

    stream = pieces(other, 0, len(other.payload))

    assert refused(stage, stream, "client-1") == "unknown-contribution"


def test_a_silent_stream_is_ended(cast: Cast, build_stage: Callable[..., Stage]) -> None:
    stage = build_stage(cast, upload_idle_seconds=0.05)
    stage.settle()
    stage.accept()
    one = cast.contribute(stage.spec, CLIENT)
    stage.submit(one)

    async def stream() -> AsyncIterator[Piece]:
        yield Piece(one.contribution.digest, 0, one.payload[:STEP])
        await asyncio.sleep(60)

    assert refused(stage, stream()) == "upload-idle"
    assert stage.submit(one) == STEP


def test_streams_beyond_the_limit_are_told_to_come_again(
    cast: Cast, build_stage: Callable[..., Stage]
) -> None:
    stage = build_stage(cast, max_concurrent_uploads=1)
    stage.settle()
    stage.accept()
    first, second = (cast.contribute(stage.spec, client) for client in cast.clients[:2])
    for one in (first, second):
        stage.submit(one)

    async def both() -> tuple[UploadState | BaseException, UploadState | BaseException]:
        desk, gate = UploadDesk(stage.settings), asyncio.Event()
        slow = desk.receive(stage.study, "client-0", gated(first, gate))
        quick = desk.receive(stage.study, "client-1", pieces(second, 0, len(second.payload)))
        return await in_turn(slow, quick, gate)

    done, turned_away = asyncio.run(both())

    assert isinstance(done, UploadState)
    assert done.receipt is not None
    assert isinstance(turned_away, Unavailable)
    assert turned_away.rule == "too-many-uploads"
    assert receive(stage, pieces(second, 0, len(second.payload)), "client-1").receipt is not None


def test_a_newer_stream_takes_over_and_the_payload_is_whole(stage: Stage, sent: Sent) -> None:
    async def both() -> tuple[UploadState | BaseException, UploadState | BaseException]:
        desk, gate = UploadDesk(stage.settings), asyncio.Event()
        older = desk.receive(stage.study, CLIENT, gated(sent, gate))
        newer = desk.receive(stage.study, CLIENT, pieces(sent, STEP, len(sent.payload)))
        return await in_turn(older, newer, gate)

    older, newer = asyncio.run(both())

    assert isinstance(newer, UploadState)
    assert newer.receipt is not None
    assert isinstance(older, Unavailable)
    assert older.rule == "upload-taken-over"


def test_bytes_that_came_without_their_receipt_leaving_are_receipted_at_the_header(
    stage: Stage, sent: Sent
) -> None:
    stage.study.spool.append(0, CLIENT, 0, sent.payload)

    desk = UploadDesk(stage.settings)
    state = asyncio.run(desk.submit(stage.study, sent.contribution, sent.wraps))

    assert state.receipt is not None


def test_a_hole_that_the_loss_of_power_left_is_filled_from_the_start(
    stage: Stage, sent: Sent
) -> None:
    stage.study.spool.append(0, CLIENT, 0, bytes(len(sent.payload)))

    desk = UploadDesk(stage.settings)
    state = asyncio.run(desk.submit(stage.study, sent.contribution, sent.wraps))

    assert state == UploadState(0)
    assert receive(stage, pieces(sent, 0, len(sent.payload))).receipt is not None


async def gated(sent: Sent, gate: asyncio.Event) -> AsyncIterator[Piece]:
    """The first chunk at once, the rest when the gate opens."""
    yield Piece(sent.contribution.digest, 0, sent.payload[:STEP])
    await gate.wait()
    async for piece in pieces(sent, STEP, len(sent.payload)):
        yield piece


async def in_turn(
    first: Awaitable[ResultT], second: Awaitable[ResultT], gate: asyncio.Event
) -> tuple[ResultT | BaseException, ResultT | BaseException]:
    """Start the first, run the second to its end, then let the first go on."""
    started = asyncio.ensure_future(first)
    await asyncio.sleep(0.2)
    (other,) = await asyncio.gather(second, return_exceptions=True)
    gate.set()
    (one,) = await asyncio.gather(started, return_exceptions=True)
    return one, other
