"""What clients, custodians and operator get over the wire."""

import threading
import time
from collections.abc import Callable

import pytest
from tests.aggregator.cast import INITIAL, Cast, build_cast
from tests.aggregator.server_thread import ServerThread
from tests.aggregator.wire import (
    SECONDS,
    chunks,
    open_round,
    operate,
    refused,
    status_of,
    submit,
    swallow,
    wait_for,
    wait_for_round,
)

from blindsum_protos.convert.signed import parse_signed, signed_from_bytes, to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.model import encode_model
from blindsum_rules.receipt import Receipt
from blindsum_rules.requests import OperatorAction, OperatorRequest
from blindsum_rules.signed import verify
from blindsum_rules.spec import Spec


def test_a_client_that_waits_hears_of_the_round_when_a_quorum_accepted_it(
    server: ServerThread, timely: Cast
) -> None:
    spec = open_round(server, timely)

    assert spec.body.cohort == timely.clients
    assert spec.body.model_digest == timely.manifest.initial_model_digest


@pytest.mark.slow
def test_waiting_ends_in_time_with_an_empty_announcement(server: ServerThread) -> None:
    request = aggregator_pb2.NextRoundRequest(study="heart", after=-1, wait_seconds=1)

    answer = server.caller("client-0").unary("NextRound", request, SECONDS)

    assert not answer.HasField("spec")


def test_an_upload_is_resumed_over_the_wire_and_receipted(
    server: ServerThread, timely: Cast
) -> None:
    sent = timely.contribute(open_round(server, timely), "client-1")
    calls = server.caller("client-1")
    assert submit(calls, sent).committed_bytes == 0
    assert calls.upload(chunks(sent, 0, 5_000), SECONDS).committed_bytes == 5_000
    assert submit(calls, sent).committed_bytes == 5_000

    state = calls.upload(chunks(sent, 5_000, len(sent.payload)), SECONDS)

    receipt = verify(parse_signed(Receipt, state.receipt), timely.manifest.aggregator_key)
    assert receipt.body.contribution_digest == sent.contribution.digest
    assert submit(calls, sent).receipt == state.receipt


def test_another_client_cannot_hand_in_this_one_s_contribution(
    server: ServerThread, timely: Cast
) -> None:
    sent = timely.contribute(open_round(server, timely), "client-1")

    assert refused(lambda: submit(server.caller("client-2"), sent)) == "not-own-contribution"


def test_models_are_served_to_clients_and_to_nobody_else(
    server: ServerThread, timely: Cast
) -> None:
    digest = timely.manifest.initial_model_digest

    assert server.caller("client-0").fetch_blob(digest) == encode_model(INITIAL)
    assert refused(lambda: server.caller("custodian-0").fetch_blob(digest)) == "role-not-allowed"
    assert refused(lambda: server.caller("client-0").fetch_blob(bytes(32))) == "unknown-digest"


def test_a_spec_is_served_by_its_digest_to_everybody(server: ServerThread, timely: Cast) -> None:
    spec = open_round(server, timely)

    for name in ("client-3", "custodian-2", "operator"):
        data = server.caller(name).fetch_signed(spec.digest)
        assert signed_from_bytes(Spec, data, timely.manifest.aggregator_key) == spec


def test_an_answer_in_another_s_name_is_refused(server: ServerThread, timely: Cast) -> None:
    spec = open_round(server, timely)
    acceptance = timely.sign(Acceptance("heart", 0, spec.digest, ""), "custodian-1")
    answer = aggregator_pb2.DutyAnswer(acceptance=to_wire(acceptance))

    assert refused(lambda: server.caller("custodian-0").unary("Answer", answer, SECONDS)) == (
        "not-own-answer"
    )


def test_the_status_says_who_attends_and_how_rounds_stand(
    server: ServerThread, timely: Cast
) -> None:
    open_round(server, timely)
    calls = server.caller("custodian-2")
    stream = calls.attend(aggregator_pb2.Attendance(study="heart"))
    attending = threading.Thread(target=lambda: swallow(stream))
    attending.start()
    status = wait_for(
        lambda: status_of(server), lambda found: "custodian-2" in list(found.attending)
    )
    calls.close()
    attending.join(SECONDS)

    (round_status,) = status.rounds
    assert round_status.state == "OPEN"
    assert list(round_status.accepted_by) == list(timely.custodians)
    assert set(round_status.seconds) == {"PROPOSED"}
    wait_for(lambda: status_of(server), lambda found: not found.attending)


def test_an_unanswered_duty_is_sent_again(
    timely: Cast, build_server: Callable[..., ServerThread]
) -> None:
    server = build_server(timely, manual_rounds=True, resend_seconds=0.2)
    operate(server, timely, OperatorAction.OPEN_ROUND)
    stream = server.caller("custodian-0").attend(aggregator_pb2.Attendance(study="heart"))

    duties = [next(stream) for _ in range(3)]

    assert [duty.WhichOneof("kind") for duty in duties] == ["accept"] * 3
    assert duties[0] == duties[1] == duties[2]


def test_rounds_open_by_themselves_once_a_quorum_attends(
    timely: Cast, build_server: Callable[..., ServerThread]
) -> None:
    server = build_server(timely)
    streams = [
        server.caller(name).attend(aggregator_pb2.Attendance(study="heart"))
        for name in timely.custodians
    ]
    heard: list[str] = []
    threads = [
        threading.Thread(target=lambda one=one: heard.append(next(one).WhichOneof("kind")))
        for one in streams[:2]
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    assert not status_of(server).rounds

    duty = next(streams[2])
    for thread in threads:
        thread.join(SECONDS)

    assert duty.WhichOneof("kind") == "accept"
    assert heard == ["accept", "accept"]


def test_the_operator_s_request_is_good_once(server: ServerThread, timely: Cast) -> None:
    request = OperatorRequest(
        study="heart",
        action=OperatorAction.OPEN_ROUND,
        round_number=0,
        reason="for the test",
        issued_unix=int(time.time()),
        nonce=bytes(16),
        manifest_digest=timely.signed_manifest.digest,
    )
    submission = aggregator_pb2.OperatorSubmission(
        request=to_wire(timely.sign(request, "operator"))
    )
    calls = server.caller("operator")
    calls.unary("Operate", submission, SECONDS)

    assert refused(lambda: calls.unary("Operate", submission, SECONDS)) == "nonce-used"


def test_two_studies_are_served_side_by_side_and_apart(
    timely: Cast, build_server: Callable[..., ServerThread]
) -> None:
    times = {"not_before_unix": 1_700_000_000, "not_after_unix": 4_000_000_000}
    other = build_cast(study="lung", **times)
    server = build_server(timely, other, manual_rounds=True)
    open_round(server, timely)

    request = aggregator_pb2.StatusRequest(study="lung")
    status = server.caller("operator", cast=other).unary("GetStatus", request, SECONDS)

    assert not status.rounds
    assert len(status_of(server).rounds) == 1


@pytest.mark.slow
def test_waiting_clients_leave_room_for_custodians(
    timely: Cast, build_server: Callable[..., ServerThread]
) -> None:
    """T26: a crowd of clients that wait must not keep the custodians out."""
    server = build_server(timely, manual_rounds=True, max_concurrent_calls=4)
    waiting = [server.caller(f"client-{index}") for index in range(2)]
    threads = [threading.Thread(target=wait_for_round, args=(calls, 2)) for calls in waiting]
    for thread in threads:
        thread.start()
    time.sleep(0.4)

    rule = refused(lambda: wait_for_round(server.caller("client-2"), 2))
    operate(server, timely, OperatorAction.OPEN_ROUND)
    duty = next(server.caller("custodian-0").attend(aggregator_pb2.Attendance(study="heart")))
    for thread in threads:
        thread.join(SECONDS)

    assert rule == "too-many-waiting"
    assert duty.WhichOneof("kind") == "accept"
