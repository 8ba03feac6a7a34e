"""An aggregator that the test plays, on a real gRPC server, and a custodian that attends it."""

# The names of the service's methods are those of the .proto file; `**changes` replaces any field.
# ruff: noqa: ANN401, N802

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from blindsum_crypto.keystore import KeyRing
from blindsum_custodian.attend import attend
from blindsum_custodian.settings import CustodianSettings
from blindsum_protos.calling import CALL_METADATA, REFUSAL_METADATA
from blindsum_protos.convert.call import open_call
from blindsum_protos.convert.signed import signed_to_bytes, to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_protos.v1.aggregator_pb2_grpc import (
    AggregatorServicer,
    add_AggregatorServicer_to_server,
)
from blindsum_rules.manifest import Approval
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import Signed

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A = "custodian-0"
SOON = 20.0


class PlayedAggregator(AggregatorServicer):
    """Sends the duties that the test puts in, and keeps what comes back."""

    def __init__(self, play: "Play") -> None:
        self.play = play
        self.duties: dict[str, queue.Queue[aggregator_pb2.Duty | None]] = {}
        self.answers: queue.Queue[aggregator_pb2.DutyAnswer] = queue.Queue()
        self.attendances: queue.Queue[aggregator_pb2.Attendance] = queue.Queue()
        self.fail_next_answer: grpc.StatusCode | None = None
        self.status = aggregator_pb2.StudyStatus(study="small-study")

    def owed(self, study: str = "small-study") -> "queue.Queue[aggregator_pb2.Duty | None]":
        """The duties of a study, sent in this order; None ends the stream."""
        return self.duties.setdefault(study, queue.Queue())

    def propose(self, spec: Signed[Any]) -> None:
        accept = aggregator_pb2.AcceptDuty(spec=to_wire(spec))
        self.owed(spec.body.study).put(aggregator_pb2.Duty(accept=accept))

    def ask_to_close(self, round_number: int) -> None:
        close = aggregator_pb2.CloseDuty(round_number=round_number)
        self.owed().put(aggregator_pb2.Duty(close=close))

    def lose_the_line(self) -> None:
        self.owed().put(None)

    def answer(self) -> aggregator_pb2.DutyAnswer:
        """The next answer that arrives, soon."""
        return self.answers.get(timeout=SOON)

    def attendance(self) -> aggregator_pb2.Attendance:
        """The next time that the custodian comes, soon."""
        return self.attendances.get(timeout=SOON)

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[int]:
        """Listen on a port of this machine, any one unless named."""
        server = grpc.server(ThreadPoolExecutor(8))
        add_AggregatorServicer_to_server(self, server)  # type: ignore[no-untyped-call]
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        try:
            yield bound
        finally:
            server.stop(None).wait()

    def Attend(
        self, request: aggregator_pb2.Attendance, context: grpc.ServicerContext
    ) -> Iterator[aggregator_pb2.Duty]:
        self._authenticate(context)
        self.attendances.put(request)
        duties = self.owed(request.study)
        while context.is_active():
            try:
                duty = duties.get(timeout=0.05)
            except queue.Empty:
                continue
            if duty is None:
                return  # the line is lost
            if not context.is_active():
                duties.put(duty)  # this line was lost meanwhile; the next one has it
                return
            yield duty

    def Answer(
        self, request: aggregator_pb2.DutyAnswer, context: grpc.ServicerContext
    ) -> aggregator_pb2.DutyAnswered:
        self._authenticate(context)
        code, self.fail_next_answer = self.fail_next_answer, None
        if code is grpc.StatusCode.FAILED_PRECONDITION:
            body = Refusal("small-study", b"", "refused", "other-answer", "expected equal bytes")
            refusal = self.play.people.sign(body, "aggregator")
            context.set_trailing_metadata(((REFUSAL_METADATA, signed_to_bytes(refusal)),))
        if code is not None:
            context.abort(code, "as the test wants it")
        self.answers.put(request)
        return aggregator_pb2.DutyAnswered()

    def GetStatus(
        self, request: aggregator_pb2.StatusRequest, context: grpc.ServicerContext
    ) -> aggregator_pb2.StudyStatus:
        self._authenticate(context)
        assert request.study
        return self.status

    def FetchSigned(
        self, request: aggregator_pb2.FetchRequest, context: grpc.ServicerContext
    ) -> aggregator_pb2.Piece:
        self._authenticate(context)
        data = self.play.published[request.digest]
        # Two pieces, so that a fetch is seen to go on.
        half = len(data) // 2 + 1
        return aggregator_pb2.Piece(
            total_bytes=len(data), data=data[request.offset : request.offset + half]
        )

    def _authenticate(self, context: grpc.ServicerContext) -> None:
        metadata = dict(context.invocation_metadata())
        signed = metadata[CALL_METADATA]
        assert isinstance(signed, bytes)
        call = open_call(signed, self.play.study.custodian_keys)
        assert call.signer == A


def _settings(play: "Play", port: int) -> CustodianSettings:
    store_path, instance_path = play.paths(A)
    return CustodianSettings(
        aggregator=f"127.0.0.1:{port}",
        store=store_path,
        instance_file=instance_path,
        first_retry_seconds=0.05,
        longest_retry_seconds=0.2,
        answer_seconds=5,
    )


def _approved(play: "Play") -> Signed[Approval]:
    body = Approval(play.study.study, play.people.manifest.digest)
    return play.people.sign(body, "officer")


@contextmanager
def _attending(plays: Sequence["Play"], port: int) -> Iterator[None]:
    """Run `attend` for these studies in a thread; an error in it is raised here."""
    settings = _settings(plays[0], port)
    if not settings.store.exists():
        settings.create_store().close()
    stop = threading.Event()
    people = plays[0].people
    ring = KeyRing(people.identities[A], people.wrap_keys[A])
    manifests = [(play.people.manifest, _approved(play)) for play in plays]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(attend, settings, ring, manifests, stop)
        try:
            yield
        finally:
            stop.set()
            running.result(timeout=SOON)


@pytest.fixture
def settings_for() -> Callable[["Play", int], CustodianSettings]:
    """Custodian A's settings for an aggregator on a port."""
    return _settings


@pytest.fixture
def approved() -> Callable[["Play"], Signed[Approval]]:
    """The officer's approval of a play's manifest."""
    return _approved


@pytest.fixture
def attending() -> Callable[[Sequence["Play"], int], AbstractContextManager[None]]:
    """Custodian A attends studies at a port while the block runs."""
    return _attending


@pytest.fixture
def make_live(make_play: Callable[..., "Play"]) -> Callable[..., "Play"]:
    """A study of this very day: the loop gives its custodian the real clock."""

    def make(**changes: Any) -> "Play":
        now = time.time()
        day = {"not_before_unix": int(now) - 60, "not_after_unix": int(now) + 86_400}
        play = make_play(**day, **changes)
        play.now = now
        return play

    return make


@pytest.fixture
def live(make_live: Callable[..., "Play"]) -> "Play":
    return make_live()


@pytest.fixture
def make_aggregator() -> Callable[["Play"], PlayedAggregator]:
    """Another aggregator of a study."""
    return PlayedAggregator


@pytest.fixture
def aggregator(live: "Play") -> PlayedAggregator:
    return PlayedAggregator(live)
