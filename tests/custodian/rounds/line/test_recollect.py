"""A custodian that is said to have answered what it does not remember stays away (threat T25)."""

# ruff: noqa: ANN401 - who answered which step, by the names of the status

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from blindsum_custodian import attend
from blindsum_custodian.duties import held_in_status
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.recollect import Held
from blindsum_custodian.store.answers import Step
from blindsum_protos.convert.signed import parse_signed
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.endorsement import Endorsement

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play
    from tests.custodian.rounds.line.conftest import PlayedAggregator

A = "custodian-0"
Attending = Callable[[Sequence["Play"], int], AbstractContextManager[None]]


def claimed(**by: Any) -> aggregator_pb2.StudyStatus:
    """What an aggregator says that it has of round 0."""
    row = aggregator_pb2.RoundStatus(round_number=0, state="OPEN", **by)
    return aggregator_pb2.StudyStatus(study="small-study", rounds=[row])


def wait_until_logged(lines: list[Any], rule: str) -> None:
    deadline = time.monotonic() + 20
    while not any(line.get("rule") == rule for line in lines):
        assert time.monotonic() < deadline, lines
        time.sleep(0.01)


def test_every_step_that_a_status_names_is_read_for_this_custodian_alone() -> None:
    status = claimed(
        accepted_by=[A, "custodian-1"], endorsed_by=[A], released_by=["custodian-1"], closed_by=[A]
    )
    assert held_in_status(status, A) == (
        Held(0, Step.ACCEPT),
        Held(0, Step.ENDORSE),
        Held(0, Step.CLOSE),
    )
    assert held_in_status(status, "custodian-2") == ()


@pytest.mark.parametrize("step", ["accepted_by", "endorsed_by", "released_by", "closed_by"])
def test_who_is_said_to_have_answered_what_it_does_not_know_takes_no_duty(
    live: "Play", aggregator: "PlayedAggregator", attending: Attending, step: str
) -> None:
    aggregator.status = claimed(**{step: [A]})
    aggregator.propose(live.spec())

    with capture_logs() as lines, aggregator.serving() as port, attending([live], port):
        wait_until_logged(lines, "answer-forgotten")
        assert aggregator.attendances.empty()
        assert aggregator.answers.empty()

        # It is an unsigned word: once it is taken back, the custodian goes on.
        aggregator.status = claimed(accepted_by=["custodian-1"])
        assert aggregator.answer().WhichOneof("kind") == "acceptance"


def test_what_it_does_remember_keeps_nobody_away(
    live: "Play", aggregator: "PlayedAggregator", attending: Attending
) -> None:
    aggregator.propose(live.spec())
    with aggregator.serving() as port, attending([live], port):
        assert aggregator.answer().WhichOneof("kind") == "acceptance"
        aggregator.status = claimed(accepted_by=[A])
        aggregator.lose_the_line()
        aggregator.ask_to_close(0)
        assert aggregator.answer().WhichOneof("kind") == "close"


@pytest.mark.parametrize("checks", [True, False])
def test_a_whole_machine_put_back_endorses_no_second_freeze_unless_the_check_is_off(
    live: "Play",
    aggregator: "PlayedAggregator",
    attending: Attending,
    monkeypatch: pytest.MonkeyPatch,
    checks: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    spec = live.spec()
    submissions = live.opened(A, spec, live.clients)
    live.stop(A)
    store = live.paths(A)[0].parent.parent
    snapshot = live.folder / "snapshot"
    shutil.copytree(store, snapshot)
    live.perform(A, EndorseDuty(0, live.freeze(spec, submissions).digest))
    live.stop(A)
    shutil.rmtree(store)
    shutil.copytree(snapshot, store)
    second = live.freeze(spec, submissions[:5])
    aggregator.status = claimed(accepted_by=[A], endorsed_by=[A])
    endorse = aggregator_pb2.EndorseDuty(round_number=0, freeze_digest=second.digest)
    aggregator.owed().put(aggregator_pb2.Duty(endorse=endorse))
    if not checks:
        monkeypatch.setattr(attend, "check_remembered", lambda *_: None)

    with capture_logs() as lines, aggregator.serving() as port, attending([live], port):
        if checks:
            wait_until_logged(lines, "answer-forgotten")
            assert aggregator.answers.empty()
        else:
            answer = aggregator.answer()
            endorsed = parse_signed(Endorsement, answer.endorsement).body
            assert endorsed.freeze_digest == second.digest
