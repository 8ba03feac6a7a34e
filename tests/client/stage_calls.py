"""The wire of the stage: the same messages as over gRPC, without the sockets."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from google.protobuf.message import Message
from tests.client.uploads import StagedRound, StoredUpload

from blindsum_crypto.errors import BlindsumError, Refused, Unavailable
from blindsum_protos.convert.signed import parse_signed, to_wire
from blindsum_protos.v1 import aggregator_pb2, contribution_pb2
from blindsum_rules.header import Contribution
from blindsum_rules.receipt import Receipt

if TYPE_CHECKING:
    from tests.client.stage import Stage


class StageCalls:
    """What the client calls."""

    def __init__(self, stage: "Stage") -> None:
        self.stage = stage
        self.made: list[str] = []
        self.received: list[bytes] = []
        self.offsets: list[int] = []
        self._faults: dict[str, list[BlindsumError]] = defaultdict(list)
        self.cut_after_bytes: int | None = None
        self.announced: Callable[[int], StagedRound | None] = self._newest_after

    def fail(self, method: str, *errors: BlindsumError) -> None:
        """The next calls of this method fail, one error each."""
        self._faults[method].extend(errors)

    def unary(self, method: str, request: Message, timeout_seconds: float) -> Message:
        assert timeout_seconds > 0
        self._begin(method)
        answer: Message = getattr(self, f"_{_snake(method)}")(request)
        return answer

    def upload(
        self, chunks: Iterator[contribution_pb2.PayloadChunk], timeout_seconds: float
    ) -> contribution_pb2.UploadState:
        assert timeout_seconds > 0
        self._begin("UploadPayload")
        upload: StoredUpload | None = None
        for chunk in chunks:
            self.received.append(chunk.SerializeToString())
            self.offsets.append(chunk.offset)
            upload = upload or self._upload_of(chunk.contribution_digest)
            assert chunk.offset == len(upload.payload)
            upload.payload += chunk.data[: self.cut_after_bytes]
            if self.cut_after_bytes is not None:
                self.cut_after_bytes = None
                self._raise_cut()
        assert upload is not None
        return self._state(upload)

    def fetch_signed(self, wanted: bytes) -> bytes:
        self._begin("FetchSigned")
        return self._found(self.stage.signed, wanted)

    def fetch_blob(self, wanted: bytes) -> bytes:
        self._begin("FetchBlob")
        return self._found(self.stage.blobs, wanted)

    def close(self) -> None:
        self.made.append("close")

    def count(self, method: str) -> int:
        return self.made.count(method)

    def _begin(self, method: str) -> None:
        self.made.append(method)
        if self._faults[method]:
            raise self._faults[method].pop(0)

    def _raise_cut(self) -> None:
        raise Unavailable("aggregator-unreachable", "the network was cut")

    def _found(self, store: Mapping[bytes, bytes], wanted: bytes) -> bytes:
        if wanted not in store:
            raise Refused("unknown-digest", "expected a digest that the stage knows")
        return store[wanted]

    def _newest_after(self, after: int) -> StagedRound | None:
        newest = self.stage.rounds[-1] if self.stage.rounds else None
        return newest if newest is not None and newest.number > after else None

    def _next_round(
        self, request: aggregator_pb2.NextRoundRequest
    ) -> aggregator_pb2.RoundAnnouncement:
        staged = self.announced(request.after)
        if staged is None:
            # The real aggregator would let the client wait; a test has nothing to wait for.
            raise Refused("nothing-staged", f"expected a round above {request.after} on the stage")
        return aggregator_pb2.RoundAnnouncement(
            spec=to_wire(staged.spec), acceptances=[to_wire(one) for one in staged.acceptances]
        )

    def _submit_header(
        self, request: contribution_pb2.HeaderSubmission
    ) -> contribution_pb2.UploadState:
        self.received.append(request.SerializeToString())
        contribution = parse_signed(Contribution, request.contribution)
        core = contribution.body.core
        staged = self.stage.rounds[core.round_number]
        if not staged.collecting:
            raise Refused("collection-closed", "expected an upload before the freeze")
        upload = staged.uploads.get(core.client)
        if upload is None:
            upload = StoredUpload(
                contribution, tuple(request.wraps), bytearray(), request.pair_table
            )
            staged.uploads[core.client] = upload
            self.stage.keep(contribution)
        elif not upload.contribution.same_body(contribution):
            raise Refused("second-header", "expected the header that was sent first")
        return self._state(upload)

    def _get_outcome(self, request: aggregator_pb2.OutcomeRequest) -> aggregator_pb2.RoundOutcome:
        staged = self.stage.rounds[request.round_number]
        answer = aggregator_pb2.RoundOutcome(
            closes=[to_wire(one) for one in staged.closes],
            endorsements=[to_wire(one) for one in staged.endorsements],
            acceptances=[to_wire(one) for one in staged.acceptances],
        )
        if staged.certificate is not None:
            answer.certificate.CopyFrom(to_wire(staged.certificate))
        if staged.abort is not None:
            answer.abort.CopyFrom(to_wire(staged.abort))
        return answer

    def _upload_of(self, contribution_digest: bytes) -> StoredUpload:
        for staged in self.stage.rounds:
            for upload in staged.uploads.values():
                if upload.contribution.digest == contribution_digest:
                    return upload
        raise Refused("unknown-header", "expected the header before the payload")

    def _state(self, upload: StoredUpload) -> contribution_pb2.UploadState:
        core = upload.contribution.body.core
        state = contribution_pb2.UploadState(committed_bytes=len(upload.payload))
        if len(upload.payload) == core.payload_bytes:
            upload.receipt = upload.receipt or self.stage.people.sign(
                Receipt(
                    study=core.study,
                    round_number=core.round_number,
                    round_id=core.round_id,
                    client=core.client,
                    contribution_digest=upload.contribution.digest,
                    received_unix=int(self.stage.now),
                ),
                "aggregator",
            )
            state.receipt.CopyFrom(to_wire(upload.receipt))
        return state


def _snake(method: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in method)[1:]
