"""The custodian's loop: duties come in over real gRPC, answers go out, a lost line is redialled."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import grpc
import pytest

from blindsum_crypto.errors import Refused
from blindsum_crypto.keystore import KeyRing
from blindsum_custodian.attend import attend
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.settings import CustodianSettings
from blindsum_protos.convert.signed import parse_signed, to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.manifest import Approval
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import Signed, verify

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play
    from tests.custodian.rounds.line.conftest import PlayedAggregator

A = "custodian-0"
Attending = Callable[[Sequence["Play"], int], AbstractContextManager[None]]


def test_duties_are_performed_and_answered_in_order(
    live: "Play", aggregator: "PlayedAggregator", attending: Attending
) -> None:
    first = live.spec()
    second = live.spec_after(first, live.closes_of(first, None, live.names[1:]))
    third = live.spec_after(second, live.closes_of(second, None, live.names[1:]))
    aggregator.propose(first)
    aggregator.propose(third)  # the second is fetched in pieces
    with aggregator.serving() as port, attending([live], port):
        answers = [aggregator.answer() for _ in range(4)]
        attendance = aggregator.attendance()

    assert attendance.study == "small-study"
    kinds = [answer.WhichOneof("kind") for answer in answers]
    assert kinds == ["acceptance", "close", "close", "acceptance"]
    acceptance = parse_signed(Acceptance, answers[3].acceptance)
    verify(acceptance, live.study.custodian_keys)
    assert acceptance.body.round_id == third.digest


def test_a_lost_line_is_dialled_again_with_the_last_steps(
    live: "Play", aggregator: "PlayedAggregator", attending: Attending
) -> None:
    aggregator.propose(live.spec())
    aggregator.lose_the_line()
    aggregator.ask_to_close(0)
    with aggregator.serving() as port, attending([live], port):
        kinds = [aggregator.answer().WhichOneof("kind") for _ in range(2)]
        before = aggregator.attendance()
        after = aggregator.attendance()

    assert kinds == ["acceptance", "close"]
    assert [step.state for step in before.steps] == []
    assert [(step.round_number, step.state) for step in after.steps] == [(0, "ACCEPTED")]


def test_an_aggregator_that_comes_back_on_its_port_is_found_again(
    live: "Play", aggregator: "PlayedAggregator", attending: Attending
) -> None:
    with aggregator.serving() as port:
        pass  # now the port is known, and nobody is there
    aggregator.ask_to_close(0)
    with attending([live], port):
        time.sleep(0.3)
        with aggregator.serving(port):
            answer = aggregator.answer()
    assert answer.WhichOneof("kind") == "close"


def test_an_answer_that_did_not_arrive_is_sent_again_with_the_same_bytes(
    live: "Play", aggregator: "PlayedAggregator", attending: Attending
) -> None:
    aggregator.fail_next_answer = grpc.StatusCode.UNAVAILABLE
    aggregator.ask_to_close(0)
    with aggregator.serving() as port, attending([live], port):
        aggregator.attendance()
        aggregator.attendance()
        aggregator.ask_to_close(0)  # it is still outstanding
        answer = aggregator.answer()

    (stored,) = live.perform(A, CloseDuty(0))
    assert answer.close == to_wire(stored)


def test_an_answer_that_the_aggregator_refuses_stops_nothing(
    live: "Play", aggregator: "PlayedAggregator", attending: Attending
) -> None:
    aggregator.fail_next_answer = grpc.StatusCode.FAILED_PRECONDITION
    aggregator.ask_to_close(0)
    aggregator.ask_to_close(1)
    with aggregator.serving() as port, attending([live], port):
        answer = aggregator.answer()
        assert aggregator.attendances.qsize() == 1
    assert parse_signed(Close, answer.close).body.round_number == 1


def test_what_breaks_a_rule_is_answered_with_a_signed_refusal(
    live: "Play", aggregator: "PlayedAggregator", attending: Attending
) -> None:
    spec = live.spec()
    broken = aggregator_pb2.AcceptDuty(spec=to_wire(spec))
    broken.spec.body += b"\x00"
    forged = aggregator_pb2.AcceptDuty(spec=to_wire(spec))
    forged.spec.signature = b"s" * 64
    aggregator.owed().put(aggregator_pb2.Duty(accept=broken))
    aggregator.owed().put(aggregator_pb2.Duty(accept=forged))
    aggregator.owed().put(aggregator_pb2.Duty())
    with aggregator.serving() as port, attending([live], port):
        answers = [aggregator.answer() for _ in range(3)]

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
    live: "Play",
    make_live: Callable[..., "Play"],
    aggregator: "PlayedAggregator",
    attending: Attending,
) -> None:
    other = make_live(study="other-study")
    aggregator.propose(live.spec())
    aggregator.propose(other.spec())
    with aggregator.serving() as port, attending([live, other], port):
        answers = [aggregator.answer() for _ in range(2)]

    studies = {parse_signed(Acceptance, answer.acceptance).body.study for answer in answers}
    assert studies == {"small-study", "other-study"}


def test_nothing_is_attended_without_the_whole_memory_or_without_a_study(
    live: "Play",
    settings_for: Callable[["Play", int], CustodianSettings],
    approved: Callable[["Play"], Signed[Approval]],
) -> None:
    settings = settings_for(live, 1)
    settings.create_store().close()
    settings.store.unlink()
    ring = KeyRing(live.people.identities[A], live.people.wrap_keys[A])
    manifests = [(live.people.manifest, approved(live))]
    for served, rule in ((manifests, "instance-mismatch"), ([], "no-studies")):
        with pytest.raises(Refused) as caught:
            attend(settings, ring, served, threading.Event())
        assert caught.value.rule == rule
