"""Receiving payload streams: bounded in number, in length and in silence, and resumable.

Memory is one chunk a stream. A client whose connection broke comes back at once: its newer stream
takes the place of the older one, which may still be waiting for bytes that never come.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from blindsum_aggregator.settings import AggregatorSettings
from blindsum_aggregator.store.contributions import ContributionRow
from blindsum_aggregator.study import Study
from blindsum_aggregator.upload import UploadState, find_upload, give_receipt, take_header
from blindsum_crypto.errors import Rejected, Unavailable
from blindsum_protos.limits import CHUNK_BYTES
from blindsum_rules.header import Contribution
from blindsum_rules.signed import Signed


@dataclass(frozen=True, slots=True)
class Piece:
    """One message of a payload stream.

    Attributes:
        contribution_digest: On the first message, whose payload it is; empty afterwards.
        offset: Where `data` begins in the payload, bytes.
        data: The next sealed bytes.
    """

    contribution_digest: bytes
    offset: int
    data: bytes = field(repr=False)


class UploadDesk:
    """Takes the payload streams of all studies of one aggregator."""

    def __init__(self, settings: AggregatorSettings) -> None:
        self._idle_seconds = settings.upload_idle_seconds
        self._most = settings.max_concurrent_uploads
        self._streams: dict[tuple[str, bytes], object] = {}
        self._open = 0

    async def submit(
        self,
        study: Study,
        contribution: Signed[Contribution],
        wraps: Sequence[bytes],
        pair_table: bytes = b"",
    ) -> UploadState:
        """Take a header; a payload that is here whole already is receipted at once.

        Raises:
            Refused, Rejected: what `take_header` raises, and `word-out-of-range`.
        """
        state = await study.store.writing(
            lambda connection: take_header(study, connection, contribution, wraps, pair_table)
        )
        core = contribution.body.core
        if state.receipt is not None or state.committed_bytes < core.payload_bytes:
            return state
        # Every byte came and its receipt did not leave: the client has nothing more to send.
        row, _ = await study.store.reading(
            lambda connection: find_upload(study, connection, core.client, contribution.digest)
        )
        try:
            return await self._finish(study, row)
        except Rejected as error:
            if error.rule != "payload-digest":
                raise
            return UploadState(0)  # The loss of power left a hole; the same bytes come again.

    async def receive(self, study: Study, client: str, pieces: AsyncIterator[Piece]) -> UploadState:
        """Take one stream to its end, or to the end of the payload.

        A stream that does not go on where the payload stands is answered with where it stands.

        Returns:
            How far the payload is; with the receipt once it is whole, checked and durable.

        Raises:
            Refused: what `find_upload` and `give_receipt` refuse.
            Rejected: `chunk-length`; `payload-length`, when there is more than the header says;
                `payload-digest`, `word-out-of-range`.
            Unavailable: `too-many-uploads`, `upload-idle`, `upload-taken-over`.
        """
        first = await self._next(pieces)
        if first is None:
            raise Rejected("empty-stream", "expected at least one chunk")
        digest = first.contribution_digest
        row, receipt = await study.store.reading(
            lambda connection: find_upload(study, connection, client, digest)
        )
        if receipt is not None:
            return UploadState(row.payload_bytes, receipt)
        if self._open >= self._most:
            raise Unavailable("too-many-uploads", f"expected at most {self._most} at once")
        key, token = (study.name, digest), object()
        self._streams[key] = token
        self._open += 1
        try:
            return await self._receive(study, row, first, _Turn(self._streams, key, token), pieces)
        finally:
            self._open -= 1
            if self._streams.get(key) is token:
                del self._streams[key]

    async def _receive(
        self,
        study: Study,
        row: ContributionRow,
        first: Piece,
        turn: "_Turn",
        pieces: AsyncIterator[Piece],
    ) -> UploadState:
        number, client = row.number, row.client
        committed = await asyncio.to_thread(study.spool.committed_bytes, number, client)
        piece: Piece | None = first
        while piece is not None and committed < row.payload_bytes:
            if piece.offset != committed:
                return UploadState(committed)
            _check_length(piece, row.payload_bytes)
            turn.check()
            # Shielded: a cancelled call must not leave half a chunk behind, unseen, in a thread.
            write = asyncio.to_thread(study.spool.append, number, client, piece.offset, piece.data)
            committed = await asyncio.shield(write)
            if committed < row.payload_bytes:
                piece = await self._next(pieces)
        if committed < row.payload_bytes:
            await asyncio.to_thread(study.spool.make_durable, number, client)
            return UploadState(committed)
        return await self._finish(study, row)

    async def _finish(self, study: Study, row: ContributionRow) -> UploadState:
        await asyncio.to_thread(_check_whole, study, row)
        receipt = await study.store.writing(lambda c: give_receipt(study, c, row))
        study.board.work.touch()
        return UploadState(row.payload_bytes, receipt)

    async def _next(self, pieces: AsyncIterator[Piece]) -> Piece | None:
        try:
            return await asyncio.wait_for(anext(pieces, None), self._idle_seconds)
        except TimeoutError as error:
            raise Unavailable(
                "upload-idle", f"expected bytes within {self._idle_seconds:g} s"
            ) from error


@dataclass(frozen=True, slots=True)
class _Turn:
    """Whether a stream is still the newest of its contribution."""

    streams: dict[tuple[str, bytes], object]
    key: tuple[str, bytes]
    token: object

    def check(self) -> None:
        if self.streams.get(self.key) is not self.token:
            raise Unavailable("upload-taken-over", "expected no newer stream of this payload")


def _check_length(piece: Piece, payload_bytes: int) -> None:
    if not 1 <= len(piece.data) <= CHUNK_BYTES:
        raise Rejected("chunk-length", f"expected 1 to {CHUNK_BYTES} bytes, got {len(piece.data)}")
    if piece.offset + len(piece.data) > payload_bytes:
        raise Rejected("payload-length", f"expected {payload_bytes} bytes and no more")


def _check_whole(study: Study, row: ContributionRow) -> None:
    """Check the whole payload and make it durable, in a worker thread."""
    spec = study.store.read(lambda connection: study.spec(connection, row.number))
    study.spool.check(row.number, row.client, row.payload_digest, study.seal(spec))
    study.spool.make_durable(row.number, row.client)
