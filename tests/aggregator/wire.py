"""Calls to a real aggregator, as its clients, custodians and operator make them."""

# ruff: noqa: ANN401

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.aggregator.cast import Cast, Sent
from tests.aggregator.server_thread import ServerThread

from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.randomness import SystemRandomness
from blindsum_protos.calling import CALL_METADATA, SERVICE
from blindsum_protos.convert.call import Caller, sign_call
from blindsum_protos.convert.signed import parse_signed, to_wire
from blindsum_protos.v1 import aggregator_pb2, contribution_pb2
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.requests import OperatorAction, OperatorRequest
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec

SECONDS = 20.0


def refused(act: Callable[[], Any]) -> str:
    with pytest.raises(BlindsumError) as caught:
        act()
    return caught.value.rule


def operate(server: ServerThread, cast: Cast, action: OperatorAction, number: int = 0) -> str:
    nonce = SystemRandomness().bytes(16)
    digest = cast.signed_manifest.digest
    now = int(time.time())
    request = OperatorRequest("heart", action, number, "for the test", now, nonce, digest)
    submission = aggregator_pb2.OperatorSubmission(request=to_wire(cast.sign(request, "operator")))
    return str(server.caller("operator").unary("Operate", submission, SECONDS).text)


def open_round(server: ServerThread, cast: Cast) -> Signed[Spec]:
    """Let the operator open round 0 and the custodians accept it; the spec that clients see."""
    waiting: list[Signed[Spec]] = []
    client = server.caller("client-0")
    thread = threading.Thread(
        target=lambda: waiting.append(parse_signed(Spec, wait_for_round(client).spec))
    )
    thread.start()
    operate(server, cast, OperatorAction.OPEN_ROUND)
    for custodian in cast.custodians:
        calls = server.caller(custodian)
        duty = next(calls.attend(aggregator_pb2.Attendance(study="heart")))
        spec = parse_signed(Spec, duty.accept.spec)
        acceptance = cast.sign(Acceptance("heart", 0, spec.digest, ""), custodian)
        calls.unary("Answer", aggregator_pb2.DutyAnswer(acceptance=to_wire(acceptance)), SECONDS)
    thread.join(SECONDS)
    return verify(waiting[0], cast.manifest.aggregator_key)


def wait_for_round(calls: Any, wait_seconds: int = 15) -> aggregator_pb2.RoundAnnouncement:
    request = aggregator_pb2.NextRoundRequest(study="heart", after=-1, wait_seconds=wait_seconds)
    answer: aggregator_pb2.RoundAnnouncement = calls.unary("NextRound", request, SECONDS)
    return answer


def chunks(sent: Sent, start: int, stop: int) -> Iterator[contribution_pb2.PayloadChunk]:
    yield contribution_pb2.PayloadChunk(
        contribution_digest=sent.contribution.digest, offset=start, data=sent.payload[start:stop]
    )


def submit(calls: Any, sent: Sent) -> contribution_pb2.UploadState:
    header = contribution_pb2.HeaderSubmission(
        contribution=to_wire(sent.contribution), wraps=sent.wraps
    )
    state: contribution_pb2.UploadState = calls.unary("SubmitHeader", header, SECONDS)
    return state


def call_metadata(cast: Cast, name: str, method: str) -> tuple[tuple[str, bytes], ...]:
    caller = Caller(name, cast.identities[name])
    signed = sign_call(cast.manifest, SERVICE + method, caller, SystemRandomness())
    return ((CALL_METADATA, signed),)


def status_of(server: ServerThread) -> aggregator_pb2.StudyStatus:
    request = aggregator_pb2.StatusRequest(study="heart")
    status: aggregator_pb2.StudyStatus = server.caller("operator").unary(
        "GetStatus", request, SECONDS
    )
    return status


def wait_for(look: Callable[[], Any], is_there: Callable[[Any], bool]) -> Any:
    end = time.monotonic() + SECONDS
    while not is_there(found := look()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def swallow(stream: Iterator[Any]) -> None:
    try:
        for _ in stream:
            pass
    except (BlindsumError, ValueError):
        return
