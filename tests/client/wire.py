"""The stage behind a real gRPC server: real sockets, real streams, signed refusals in trailers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.message import Message
from tests.client.stage import Stage

from blindsum_crypto.errors import BlindsumError, Unavailable
from blindsum_protos.calling import CALL_METADATA, REFUSAL_METADATA, SERVICE
from blindsum_protos.convert.call import open_call
from blindsum_protos.convert.refusal import refusal_from_error
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_protos.limits import CHUNK_BYTES, MAX_MESSAGE_BYTES
from blindsum_protos.v1 import aggregator_pb2, aggregator_pb2_grpc, contribution_pb2


class StageService(aggregator_pb2_grpc.AggregatorServicer):
    """Answers over the wire what the stage answers in memory."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.callers: list[str] = []

    def NextRound(self, request: Message, context: Any) -> Message:  # noqa: ANN401, N802
        return self._answer("NextRound", request, context)

    def SubmitHeader(self, request: Message, context: Any) -> Message:  # noqa: ANN401, N802
        return self._answer("SubmitHeader", request, context)

    def GetOutcome(self, request: Message, context: Any) -> Message:  # noqa: ANN401, N802
        return self._answer("GetOutcome", request, context)

    def UploadPayload(  # noqa: N802
        self,
        request_iterator: Iterator[contribution_pb2.PayloadChunk],
        context: Any,  # noqa: ANN401
    ) -> Message:
        return self._guarded(
            "UploadPayload", context, lambda: self._stage.calls.upload(request_iterator, 1.0)
        )

    def FetchSigned(self, request: aggregator_pb2.FetchRequest, context: Any) -> Message:  # noqa: ANN401, N802
        return self._piece("FetchSigned", self._stage.calls.fetch_signed, request, context)

    def FetchBlob(self, request: aggregator_pb2.FetchRequest, context: Any) -> Message:  # noqa: ANN401, N802
        return self._piece("FetchBlob", self._stage.calls.fetch_blob, request, context)

    def _piece(
        self,
        method: str,
        fetch: Callable[[bytes], bytes],
        request: aggregator_pb2.FetchRequest,
        context: Any,  # noqa: ANN401
    ) -> Message:
        def piece() -> Message:
            data = fetch(request.digest)
            part = data[request.offset : request.offset + CHUNK_BYTES]
            return aggregator_pb2.Piece(total_bytes=len(data), data=part)

        return self._guarded(method, context, piece)

    def _answer(self, method: str, request: Message, context: Any) -> Message:  # noqa: ANN401
        return self._guarded(method, context, lambda: self._stage.calls.unary(method, request, 1.0))

    def _guarded(self, method: str, context: Any, answer: Callable[[], Message]) -> Message:  # noqa: ANN401
        try:
            self._authenticate(method, context)
            return answer()
        except BlindsumError as error:
            study = self._stage.manifest.body
            refusal = self._stage.people.sign(refusal_from_error(error, study.study), "aggregator")
            context.set_trailing_metadata(((REFUSAL_METADATA, signed_to_bytes(refusal)),))
            code = grpc.StatusCode.FAILED_PRECONDITION
            if isinstance(error, Unavailable):
                code = grpc.StatusCode.UNAVAILABLE
            context.abort(code, error.rule)
            raise AssertionError("abort raises") from error

    def _authenticate(self, method: str, context: Any) -> None:  # noqa: ANN401
        metadata = dict(context.invocation_metadata())
        call = open_call(metadata[CALL_METADATA], self._stage.manifest.body.client_keys)
        assert call.body.method == SERVICE + method
        self.callers.append(call.signer)


class WireServer:
    """A server on a port of this machine, which can be stopped and started again."""

    def __init__(self, stage: Stage) -> None:
        self.service = StageService(stage)
        self._server, self.port = self._start("127.0.0.1:0")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.stop(grace=None).wait(10)

    def start_again(self) -> None:
        self._server, _ = self._start(self.address)

    def _start(self, address: str) -> tuple[grpc.Server, int]:
        options = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.so_reuseport", 0)]
        server = grpc.server(ThreadPoolExecutor(4), options=options)
        register: Any = aggregator_pb2_grpc.add_AggregatorServicer_to_server
        register(self.service, server)
        port = server.add_insecure_port(address)
        server.start()
        return server, port
