"""The one open port, without the sockets: the same messages as bytes, and a network that fails.

Behind it stands the product's own service, its door and its authentication included; before it the
product's own `AggregatorCalls`, with a stub that hands over bytes instead of sending them.
"""

# ruff: noqa: ANN401 - the stub of gRPC has no types, and neither has what stands for it

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import grpc
from google.protobuf.message import Message
from tests.simulation.people import People

from blindsum_crypto.randomness import SystemRandomness
from blindsum_protos.calling import AggregatorCalls
from blindsum_protos.convert.call import Caller
from blindsum_protos.v1 import aggregator_pb2, contribution_pb2

_ANSWERS: dict[str, type[Message]] = {
    "NextRound": aggregator_pb2.RoundAnnouncement,
    "SubmitHeader": contribution_pb2.UploadState,
    "UploadPayload": contribution_pb2.UploadState,
    "GetOutcome": aggregator_pb2.RoundOutcome,
    "FetchBlob": aggregator_pb2.Piece,
    "FetchSigned": aggregator_pb2.Piece,
    "Answer": aggregator_pb2.DutyAnswered,
    "Operate": aggregator_pb2.OperatorReply,
}
_CUT_BYTES = 700
"""Of a payload, before the line breaks: less than any whole one."""


class Killed(BaseException):
    """A process died here; nobody who handles errors can handle it."""


class Fault(StrEnum):
    """What happens to one call."""

    LOST = "lost on the way"
    UNANSWERED = "answer lost"
    TWICE = "delivered twice"
    CUT = "cut off"
    DIES_BEFORE = "caller dies before it calls"
    DIES_AFTER = "caller dies before it hears the answer"


@dataclass(frozen=True)
class Letter:
    """A call as it went over the wire, to be delivered late."""

    caller: str
    method: str
    requests: tuple[bytes, ...]
    kind: type[Message]


class LineError(grpc.RpcError):
    """What a stub raises: a code, and what the aggregator signed about it, if it did."""

    def __init__(self, code: grpc.StatusCode, metadata: tuple[tuple[str, bytes], ...] = ()) -> None:
        super().__init__(code.name)
        self._code = code
        self._metadata = metadata

    def code(self) -> grpc.StatusCode:
        return self._code

    def trailing_metadata(self) -> Any:
        return self._metadata


class _Aborted(grpc.aio.BaseError):
    def __init__(self, error: LineError) -> None:
        super().__init__()
        self.error = error


class Context:
    """One call, as the service sees it."""

    def __init__(self, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> tuple[tuple[str, bytes], ...]:
        return self._metadata

    async def abort(
        self, code: grpc.StatusCode, _details: str, metadata: tuple[tuple[str, bytes], ...] = ()
    ) -> None:
        raise _Aborted(LineError(code, metadata))


class Port:
    """Delivers calls to whatever aggregator runs, with the faults that a schedule asks for."""

    def __init__(self, people: People, loop: asyncio.AbstractEventLoop) -> None:
        self._people = people
        self._loop = loop
        self.service: Any = None
        self.on_death: Callable[[], None] = lambda: None
        self.hears: Callable[[Letter], None] = lambda _: None
        self.tells: Callable[[Letter, Message], None] = lambda *_: None
        self.letters: list[Letter] = []
        self._faults: dict[tuple[str, str], list[Fault]] = defaultdict(list)

    def fail(self, caller: str, method: str, fault: Fault) -> None:
        """Let the caller's next call of this method fail."""
        self._faults[caller, method].append(fault)

    def forget_faults(self) -> None:
        self._faults.clear()

    def calls_of(self, name: str) -> "SimulatedCalls":
        return SimulatedCalls(self._people, name, self)

    def deliver(self, letter: Letter, metadata: tuple[tuple[str, bytes], ...]) -> Message:
        """Hand a call over and bring the answer back, whole or as the error it ended with."""
        requests = [letter.kind.FromString(data) for data in letter.requests]
        context = Context(metadata)
        method = getattr(self.service, letter.method)
        request = _stream(requests) if letter.method == "UploadPayload" else requests[0]
        try:
            answer: Message = self.run(method(request, context))
        except _Aborted as aborted:
            raise aborted.error from None
        read = _ANSWERS[letter.method].FromString(answer.SerializeToString())
        self.tells(letter, read)
        return read

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run what the aggregator does; if it dies of it, it is started again at once."""
        try:
            return self._loop.run_until_complete(coroutine)
        except Killed:
            self.on_death()
            raise LineError(grpc.StatusCode.UNAVAILABLE) from None

    def call(
        self, caller: str, method: str, request: Any, sign: Callable[[], tuple[Any, ...]]
    ) -> Any:
        """One call of a stub, with its fault."""
        messages = [request] if isinstance(request, Message) else list(request)
        _hurry(messages[0])
        data = tuple(message.SerializeToString() for message in messages)
        letter = Letter(caller, method, data, type(messages[0]))
        waiting = self._faults[caller, method]
        fault = waiting.pop(0) if waiting else None
        if fault is Fault.DIES_BEFORE:
            raise Killed(caller)
        if fault is Fault.LOST:
            raise LineError(grpc.StatusCode.UNAVAILABLE)
        if fault is Fault.CUT and method == "UploadPayload":
            letter = Letter(caller, method, _cut(messages), letter.kind)
        self.letters.append(letter)
        self.hears(letter)
        if fault is Fault.TWICE:
            self._quietly(letter, sign())
        answer = self.deliver(letter, sign())
        if fault is Fault.DIES_AFTER:
            raise Killed(caller)
        if fault in (Fault.UNANSWERED, Fault.CUT):
            raise LineError(grpc.StatusCode.UNAVAILABLE)
        return answer

    def deliver_late(self, letter: Letter) -> None:
        """A call that was on its way all the time: nobody waits for its answer any more."""
        self._quietly(letter, self.calls_of(letter.caller).signed(letter.method))

    def _quietly(self, letter: Letter, metadata: tuple[tuple[str, bytes], ...]) -> None:
        try:
            self.deliver(letter, metadata)
        except LineError:
            return


class SimulatedCalls(AggregatorCalls):
    """The product's calls over this port: it signs each, and reads what is refused."""

    def __init__(self, people: People, name: str, port: Port) -> None:
        self._manifest = people.study
        self._caller = Caller(name, people.identities[name])
        self._randomness = SystemRandomness()
        self._stub = _Stub(self, port)
        self._address = "the simulated port"

    @property
    def name(self) -> str:
        return self._caller.name

    def signed(self, method: str) -> tuple[tuple[str, bytes], ...]:
        return self._metadata(method)

    def close(self) -> None:
        """Nothing is held."""


class _Stub:
    def __init__(self, calls: SimulatedCalls, port: Port) -> None:
        self._calls = calls
        self._port = port

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(request: Any, **_: Any) -> Any:
            # A call that is delivered twice was made twice: each has a nonce of its own.
            return self._port.call(
                self._calls.name, method, request, lambda: self._calls.signed(method)
            )

        return call


def _hurry(message: Any) -> None:
    """Nobody waits at the simulated port: time passes only where a schedule says so."""
    if hasattr(message, "wait_seconds"):
        message.wait_seconds = 0


def _cut(messages: list[Any]) -> tuple[bytes, ...]:
    first = messages[0]
    piece = contribution_pb2.PayloadChunk(
        contribution_digest=first.contribution_digest,
        offset=first.offset,
        data=first.data[: min(_CUT_BYTES, len(first.data) // 2)],
    )
    return (piece.SerializeToString(),)


async def _stream(messages: Iterator[Message] | list[Message]) -> AsyncIterator[Message]:
    for message in messages:
        yield message
