"""The custodian's loop against a real gRPC server that the test plays the aggregator with."""

# The names of the service's methods are those of the .proto file.
# ruff: noqa: N802

import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from blindsum_crypto.errors import Refused
from blindsum_crypto.keystore import FileKeyStore, KeyRing
from blindsum_custodian.attend import attend
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.settings import CustodianSettings
from blindsum_protos.calling import CALL_METADATA, REFUSAL_METADATA
from blindsum_protos.convert.call import open_call
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_protos.convert.signed import parse_signed, signed_to_bytes, to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_protos.v1.aggregator_pb2_grpc import (
    AggregatorServicer,
    add_AggregatorServicer_to_server,
)
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.manifest import Approval
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import Signed, verify

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A = "custodian-0"
SOON = 20.0


class PlayedAggregator(AggregatorServicer):
    """Sends the duties that the test puts in, and keeps what comes back."""

    def __init__(self, play: "Play") -> None:
        self.play = play
        self.duties: queue.Queue[aggregator_pb2.Duty | None] = queue.Queue()
        self.answers: queue.Queue[aggregator_pb2.DutyAnswer] = queue.Queue()
        self.attendances: queue.Queue[aggregator_pb2.Attendance] = queue.Queue()
        self.fail_next_answer: grpc.StatusCode | None = None

    def Attend(
        self, request: aggregator_pb2.Attendance, context: grpc.ServicerContext
    ) -> Iterator[aggregator_pb2.Duty]:
        self._authenticate(context)
        self.attendances.put(request)
        while context.is_active():
            try:
                duty = self.duties.get(timeout=0.05)
            except queue.Empty:
                continue
            if duty is None:
                return  # the line is lost
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


@contextmanager
def serving(aggregator: PlayedAggregator, port: int = 0) -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(8))
    register: Callable[[AggregatorServicer, grpc.Server], None] = add_AggregatorServicer_to_server
    register(aggregator, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield bound
    finally:
        server.stop(None).wait()


def settings_for(play: "Play", port: int) -> CustodianSettings:
    store_path, instance_path = play.paths(A)
    return CustodianSettings(
        aggregator=f"127.0.0.1:{port}",
        store=store_path,
        instance_file=instance_path,
        first_retry_seconds=0.05,
        longest_retry_seconds=0.2,
        answer_seconds=5,
    )


def approved(play: "Play") -> Signed[Approval]:
    body = Approval("small-study", play.people.manifest.digest)
    return play.people.sign(body, "officer")


@contextmanager
def attending(play: "Play", port: int) -> Iterator[None]:
    """Run `attend` in a thread; an error in it is raised here."""
    settings = settings_for(play, port)
    if not settings.store.exists():
        settings.create_store().close()
    stop = threading.Event()
    ring = KeyRing(play.people.identities[A], play.people.wrap_keys[A])
    manifests = [(play.people.manifest, approved(play))]
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(attend, settings, ring, manifests, stop)
        try:
            yield
        finally:
            stop.set()
            running.result(timeout=SOON)


@pytest.fixture
def live(play: "Play") -> "Play":
    """Clocks are real here: the loop gives its custodian no other."""
    play.now = time.time()
    people = play.people.with_manifest(
        not_before_unix=int(play.now) - 60, not_after_unix=int(play.now) + 86_400
    )
    play.people = people
    return play


def accept_message(spec: Signed[Any]) -> aggregator_pb2.Duty:
    return aggregator_pb2.Duty(accept=aggregator_pb2.AcceptDuty(spec=to_wire(spec)))


def close_message(round_number: int) -> aggregator_pb2.Duty:
    return aggregator_pb2.Duty(close=aggregator_pb2.CloseDuty(round_number=round_number))


def test_duties_are_performed_and_answered_in_order(live: "Play") -> None:
    aggregator = PlayedAggregator(live)
    first = live.spec()
    second = live.spec_after(first, live.closes_of(first, None, live.names[1:]))
    third = live.spec_after(second, live.closes_of(second, None, live.names[1:]))
    aggregator.duties.put(accept_message(first))
    aggregator.duties.put(accept_message(third))  # the second is fetched in pieces
    with serving(aggregator) as port, attending(live, port):
        answers = [aggregator.answers.get(timeout=SOON) for _ in range(4)]
        attendance = aggregator.attendances.get(timeout=SOON)

    assert attendance.study == "small-study"
    kinds = [answer.WhichOneof("kind") for answer in answers]
    assert kinds == ["acceptance", "close", "close", "acceptance"]
    acceptance = parse_signed(Acceptance, answers[3].acceptance)
    verify(acceptance, live.study.custodian_keys)
    assert acceptance.body.round_id == third.digest


def test_a_lost_line_is_dialled_again_with_the_last_steps(live: "Play") -> None:
    aggregator = PlayedAggregator(live)
    aggregator.duties.put(accept_message(live.spec()))
    aggregator.duties.put(None)
    aggregator.duties.put(close_message(0))
    with serving(aggregator) as port, attending(live, port):
        kinds = [aggregator.answers.get(timeout=SOON).WhichOneof("kind") for _ in range(2)]
        before = aggregator.attendances.get(timeout=SOON)
        after = aggregator.attendances.get(timeout=SOON)

    assert kinds == ["acceptance", "close"]
    assert [step.state for step in before.steps] == []
    assert [(step.round_number, step.state) for step in after.steps] == [(0, "ACCEPTED")]


def test_an_aggregator_that_comes_back_on_its_port_is_found_again(live: "Play") -> None:
    first, second = PlayedAggregator(live), PlayedAggregator(live)
    with serving(first) as port:
        pass  # now the port is known, and nobody is there
    second.duties.put(close_message(0))
    with attending(live, port):
        time.sleep(0.3)
        with serving(second, port):
            answer = second.answers.get(timeout=SOON)
    assert answer.WhichOneof("kind") == "close"


def test_an_answer_that_did_not_arrive_is_sent_again_with_the_same_bytes(live: "Play") -> None:
    aggregator = PlayedAggregator(live)
    aggregator.fail_next_answer = grpc.StatusCode.UNAVAILABLE
    aggregator.duties.put(close_message(0))
    with serving(aggregator) as port, attending(live, port):
        aggregator.attendances.get(timeout=SOON)
        aggregator.attendances.get(timeout=SOON)
        aggregator.duties.put(close_message(0))  # it is still outstanding
        answer = aggregator.answers.get(timeout=SOON)

    (stored,) = live.perform(A, CloseDuty(0))
    assert answer.close == to_wire(stored)


def test_an_answer_that_the_aggregator_refuses_stops_nothing(live: "Play") -> None:
    aggregator = PlayedAggregator(live)
    aggregator.fail_next_answer = grpc.StatusCode.FAILED_PRECONDITION
    aggregator.duties.put(close_message(0))
    aggregator.duties.put(close_message(1))
    with serving(aggregator) as port, attending(live, port):
        answer = aggregator.answers.get(timeout=SOON)
        assert aggregator.attendances.qsize() == 1
    assert parse_signed(Close, answer.close).body.round_number == 1


def test_what_breaks_a_rule_is_answered_with_a_signed_refusal(live: "Play") -> None:
    aggregator = PlayedAggregator(live)
    spec = live.spec()
    broken = accept_message(spec)
    broken.accept.spec.body += b"\x00"
    forged = accept_message(spec)
    forged.accept.spec.signature = b"s" * 64
    for duty in (broken, forged, aggregator_pb2.Duty()):
        aggregator.duties.put(duty)
    with serving(aggregator) as port, attending(live, port):
        answers = [aggregator.answers.get(timeout=SOON) for _ in range(3)]

    refusals = [parse_signed(Refusal, answer.refusal) for answer in answers]
    for refusal in refusals:
        verify(refusal, live.study.custodian_keys)
    assert [one.body.rule for one in refusals] == [
        "malformed-message",
        "bad-signature",
        "malformed-message",
    ]
    assert [one.body.request_digest for one in refusals] == [b"", spec.digest, b""]


def test_several_studies_are_served_by_one_custodian_at_once(
    live: "Play", make_play: Callable[..., "Play"]
) -> None:
    other = make_play(study="other-study")
    other.now = live.now
    other.people = other.people.with_manifest(
        not_before_unix=int(live.now) - 60, not_after_unix=int(live.now) + 86_400
    )
    aggregators = {"small-study": PlayedAggregator(live), "other-study": PlayedAggregator(other)}

    class Both(PlayedAggregator):
        def Attend(
            self, request: aggregator_pb2.Attendance, context: grpc.ServicerContext
        ) -> Iterator[aggregator_pb2.Duty]:
            yield from aggregators[request.study].Attend(request, context)

    both = Both(live)
    aggregators["small-study"].duties.put(accept_message(live.spec()))
    aggregators["other-study"].duties.put(accept_message(other.spec()))
    stop = threading.Event()
    ring = KeyRing(live.people.identities[A], live.people.wrap_keys[A])
    approval = other.people.sign(Approval("other-study", other.people.manifest.digest), "officer")
    manifests = [(live.people.manifest, approved(live)), (other.people.manifest, approval)]
    with serving(both) as port, ThreadPoolExecutor(1) as pool:
        settings = settings_for(live, port)
        settings.create_store().close()
        running = pool.submit(attend, settings, ring, manifests, stop)
        answers = [both.answers.get(timeout=SOON) for _ in range(2)]
        stop.set()
        running.result(timeout=SOON)

    studies = {parse_signed(Acceptance, answer.acceptance).body.study for answer in answers}
    assert studies == {"small-study", "other-study"}


def test_nothing_is_attended_with_an_old_store(live: "Play") -> None:
    settings = settings_for(live, 1)
    settings.create_store().close()
    settings.store.unlink()
    ring = KeyRing(live.people.identities[A], live.people.wrap_keys[A])
    manifests = [(live.people.manifest, approved(live))]
    with pytest.raises(Refused) as caught:
        attend(settings, ring, manifests, threading.Event())
    assert caught.value.rule == "instance-mismatch"
    with pytest.raises(Refused) as caught:
        attend(settings, ring, [], threading.Event())
    assert caught.value.rule == "no-studies"


ATTEND = """
import sys
from pathlib import Path
from blindsum_crypto.keystore import FileKeyStore
from blindsum_custodian.attend import attend
from blindsum_custodian.settings import CustodianSettings
from blindsum_protos.convert.manifest import manifest_file_from_bytes

key, manifest = Path(sys.argv[1]), Path(sys.argv[2])
ring = FileKeyStore(key, b"passphrase").load()
attend(CustodianSettings(), ring, [manifest_file_from_bytes(manifest.read_bytes())])
print("stopped cleanly")
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_stops_cleanly_on_a_signal(
    live: "Play", tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, manifest = tmp_path / "custodian.key", tmp_path / "small.manifest"
    FileKeyStore(key, b"passphrase").create(
        KeyRing(live.people.identities[A], live.people.wrap_keys[A])
    )
    manifest.write_bytes(manifest_file_to_bytes(live.people.manifest, approved(live)))
    aggregator = PlayedAggregator(live)
    aggregator.duties.put(close_message(0))
    with serving(aggregator) as port:
        settings = settings_for(live, port)
        settings.create_store().close()
        monkeypatch.setenv("BLINDSUM_CUSTODIAN_AGGREGATOR", settings.aggregator)
        monkeypatch.setenv("BLINDSUM_CUSTODIAN_STORE", str(settings.store))
        monkeypatch.setenv("BLINDSUM_CUSTODIAN_INSTANCE_FILE", str(settings.instance_file))
        command = [sys.executable, "-c", ATTEND, str(key), str(manifest)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            aggregator.answers.get(timeout=SOON)
            process.send_signal(number)
            said, _ = process.communicate(timeout=SOON)
    assert process.returncode == 0
    assert said.splitlines()[-1] == "stopped cleanly"
    (stored,) = live.perform(A, CloseDuty(0))
    assert stored.body.freeze_digest == b""
