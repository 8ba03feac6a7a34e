"""Threat T28: rounds that fail on purpose, so that reruns average the noise out.

Every one of them is endorsed, so the aggregator has its noisy sum, and then given up. Whoever
endorsed it charges it; whoever did not learns of it from closes before the next round opens.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adversarial.private_world import accounts, charges, private_people, seal_all
from tests.adversarial.world import World

from blindsum_custodian import learn
from blindsum_custodian.accept import AcceptDuty
from blindsum_rules.privacy.charging import Charging
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

FAILED = 10
MOST = 20


@pytest.fixture
def private_world(tmp_path: Path, seal: str) -> Iterator[World]:
    """Three hospitals, so that every sum is at its worst, and a budget of ten rounds."""
    world = World(private_people(seal, 3, MOST, FAILED), tmp_path / "world")
    yield world
    world.close()


def fail(world: World, spec: Signed[Spec], endorsers: list[str]) -> Signed[Spec]:
    """Freeze a round, let a quorum endorse and release it, give it up; the spec after it."""
    sent = seal_all(world, spec)
    world.admit(spec, sent)
    freeze = world.aggregator.freeze(spec, sent)
    endorsements = world.endorse(freeze, endorsers)
    world.release(freeze, endorsements, endorsers)  # The noisy sum is in the aggregator's hands.
    closes = world.leave(spec.body.round_number)
    return world.aggregator.spec_after(spec, closes)


def rotating(world: World, number: int) -> list[str]:
    """A quorum of endorsers that leaves out another custodian in every round."""
    return [name for index, name in enumerate(world.custodians) if index != number % 4]


def refused_by(world: World, spec: Signed[Spec]) -> list[str]:
    """Who refuses the spec because its budget is spent."""
    refusing = []
    for name in world.custodians:
        answer = world.perform(name, AcceptDuty(spec))[-1]
        if isinstance(answer.body, Refusal) and answer.body.rule == "privacy-budget":
            refusing.append(name)
    return refusing


def failed_until_refused(world: World) -> int:
    """Fail round after round until the custodians refuse; how many were opened."""
    spec = world.aggregator.spec()
    for number in range(MOST):
        if refused_by(world, spec):
            return number
        spec = fail(world, spec, rotating(world, number))
    return MOST


@pytest.mark.slow
def test_ten_failed_rounds_are_ten_charges_in_every_ledger(private_world: World) -> None:
    world = private_world
    worst = Charging.of(world.study).worst
    spec = world.aggregator.spec()

    for number in range(FAILED):
        assert refused_by(world, spec) == []
        spec = fail(world, spec, rotating(world, number))

    # The spec of an eleventh round brings the closes of the tenth, and is refused by everybody.
    assert refused_by(world, spec) == list(world.custodians)
    assert charges(world, world.custodians) == {FAILED}
    for name in world.custodians:
        ledger = accounts(world, name)
        assert len(ledger) == 3
        for account in ledger.values():
            assert account.settled.steps == FAILED * worst.steps == account.budget.steps
            assert account.left.steps == 0
        world.restart(name)
    assert refused_by(world, spec) == list(world.custodians)


@pytest.mark.slow
def test_the_control_that_endorsers_who_take_turns_overspend_without_learning_from_closes(
    private_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "charge_learned", lambda *_: None)

    opened = failed_until_refused(private_world)

    assert opened > FAILED
    assert max(charges(private_world, private_world.custodians)) <= FAILED


@pytest.mark.slow
def test_the_control_of_the_control_that_with_it_they_do_not(private_world: World) -> None:
    assert failed_until_refused(private_world) == FAILED


def test_a_freeze_that_was_never_endorsed_costs_nothing(private_world: World) -> None:
    world = private_world
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = seal_all(world, spec)
    world.admit(spec, sent)
    world.aggregator.freeze(spec, sent)

    world.accept(world.aggregator.spec_after(spec, world.leave(0)))

    assert charges(world, world.custodians) == set()


def test_one_endorsement_that_a_quorum_of_closes_does_not_name_is_given_back(
    private_world: World,
) -> None:
    world = private_world
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = seal_all(world, spec)
    world.admit(spec, sent)
    freeze = world.aggregator.freeze(spec, sent)
    first, *others = world.custodians
    world.endorse(freeze, [first])
    assert charges(world, [first]) == {1}

    world.accept(world.aggregator.spec_after(spec, world.leave(0, others)))

    assert charges(world, [first]) == {0}
    assert charges(world, others) == set()
