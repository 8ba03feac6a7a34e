"""Threat T27: the old committee is asked to go on and another one to begin, in one round.

The amendment is honest and was signed once. The aggregator proposes the round after the last one
to the old committee without it, and to the new committee with it, and would difference the sums.
What stops it: a close says to which of the two its round is left, and an honest custodian closes
once. Nor does a study begin with another committee than the one it was founded with.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.amended_world import AmendedWorld
from tests.adversarial.hostile_aggregator import Integers
from tests.adversarial.private_world import accounts, private_people, seal_all
from tests.adversarial.world import FACE, World

from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_rules.amendment import SignedAmendment
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec

OLD = tuple(f"custodian-{index}" for index in range(4))
CORRUPT = OLD[0] + FACE + "other"
ALL_NEW = tuple(f"custodian-{index}" for index in range(4, 8))
CASES = {
    # The new committee, who plays for the old one in round 1, and who for the new one.
    "one is new, one corrupt": (
        (*OLD[:3], "custodian-4"),
        (OLD[0], OLD[2], OLD[3]),
        (CORRUPT, OLD[1], "custodian-4"),
    ),
    "all are new, none corrupt": (ALL_NEW, OLD[1:], ALL_NEW[:3]),
}


def believe_that_nobody_hands_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: closes fit every next spec, as if they did not say to whom they leave it."""
    monkeypatch.setattr(Spec, "handed_to", property(lambda _: b""))


def summed(
    world: World, spec: Signed[Spec], members: Sequence[str], names: Sequence[str]
) -> Integers:
    """The sum over some of a cohort, opened with three custodians alone."""
    world.accept(spec, names)
    sent = world.seal_all(spec)
    world.admit(spec, sent, names)
    in_set = [one for one in sent if one.client in members]
    freeze = world.aggregator.freeze(spec, in_set)
    releases = world.release(freeze, world.endorse(freeze, names), names)
    return world.aggregator.open(spec, in_set, releases)


def begun(world: World) -> tuple[AmendedWorld, Signed[Spec]]:
    """Round 0, which comes to nothing; the corrupt custodian has two memories of it."""
    amended = AmendedWorld(world)
    amended.start(OLD)
    world.custodian(CORRUPT)
    first = world.aggregator.spec()
    world.accept(first)
    return amended, first


def told(
    amended: AmendedWorld, amendment: SignedAmendment, names: Sequence[str]
) -> dict[str, tuple[SignedAmendment, ...]]:
    """Put another committee in force, and start those of it that are new."""
    in_force: dict[str, tuple[SignedAmendment, ...]] = amended.put_in_force(amendment)
    amended.start([name for name in names if name not in OLD and FACE not in name])
    return in_force


@pytest.mark.parametrize("case", CASES)
def test_a_round_that_was_left_to_the_old_committee_is_none_of_the_new_one(
    world: World, case: str
) -> None:
    committee, of_old, of_new = CASES[case]
    amended, first = begun(world)
    closes = world.leave(0, OLD[1:])
    amendment = amended.amendment(committee=amended.committee(*committee))
    summed(world, amended.spec_after(first, closes), world.clients, of_old)

    asked_again = [world.refused(name, CloseDuty(0, amendment.digest)) for name in OLD[1:]]
    in_force = told(amended, amendment, of_new)
    following = amended.spec_after(first, closes, **in_force)

    assert asked_again == ["handed-to"] * 3
    for name in of_new:
        assert world.refused(name, AcceptDuty(following)) == "handed-to"


@pytest.mark.parametrize("case", CASES)
def test_a_round_that_was_left_to_the_new_committee_is_none_of_the_old_one(
    world: World, case: str
) -> None:
    committee, of_old, of_new = CASES[case]
    amended, first = begun(world)
    amendment = amended.amendment(committee=amended.committee(*committee))
    closes = world.leave(0, OLD[1:], amendment.digest)
    without = amended.spec_after(first, closes)

    for name in of_old:
        assert world.refused(name, AcceptDuty(without)) == "handed-to"
    following = amended.spec_after(first, closes, **told(amended, amendment, of_new))
    total = summed(world, following, world.clients, of_new)

    assert np.array_equal(total, sum(world.values_of(client) for client in world.clients))


@pytest.mark.parametrize("case", CASES)
def test_control_closes_that_fit_both_committees_give_x_i_away(
    world: World, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    believe_that_nobody_hands_over(monkeypatch)
    committee, of_old, of_new = CASES[case]
    amended, first = begun(world)
    closes = world.leave(0, OLD[1:])
    amendment = amended.amendment(committee=amended.committee(*committee))
    total = summed(world, amended.spec_after(first, closes), world.clients, of_old)

    following = amended.spec_after(first, closes, **told(amended, amendment, of_new))
    other = summed(world, following, world.clients[:-1], of_new)

    assert np.array_equal(total - other, world.values_of(world.clients[-1]))


def second_beginning(amended: AmendedWorld) -> Signed[Spec]:
    """Another spec of round 0, by which a committee of newcomers begins the study."""
    amendment = amended.amendment(committee=amended.committee(*ALL_NEW))
    in_force = told(amended, amendment, ALL_NEW)
    return amended.world.aggregator.spec(
        amendment_digest=amended.in_force.amendment_digest,
        epoch=amended.in_force.epoch,
        previous=PreviousRound(amended.original.digest),
        **in_force,
    )


def test_a_study_that_one_committee_ran_is_begun_by_no_other(world: World) -> None:
    amended = AmendedWorld(world)
    amended.start(OLD)
    world.play(world.aggregator.spec())

    spec = second_beginning(amended)

    for name in ALL_NEW:
        assert world.refused(name, AcceptDuty(spec)) == "first-round"


def test_control_a_study_that_begins_twice_gives_x_i_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    believe_that_nobody_hands_over(monkeypatch)
    amended = AmendedWorld(world)
    amended.start(OLD)
    total = world.play(world.aggregator.spec()).total

    other = summed(world, second_beginning(amended), world.clients[:-1], ALL_NEW)

    assert np.array_equal(total - other, world.values_of(world.clients[-1]))


HOUSES = ["house-0", "house-0", "house-1", "house-1", "house-2", "house-2"]


@pytest.fixture
def private_world(seal: str, tmp_path: Path) -> World:
    """Three organisations of two clients each, whose budget pays one sum."""
    return World(private_people(seal, 6, 4, 1, organisations=HOUSES), tmp_path / "private")


def of(amended: AmendedWorld, cohort: Sequence[str]) -> dict[str, object]:
    body = amended.in_force.body
    parameters = seal_parameters(body, body.seals[0], len(cohort))
    return {"cohort": tuple(cohort), "parameters": parameters}


def spent(world: World, spec: Signed[Spec], names: Sequence[str]) -> None:
    """One private sum over the cohort, opened with three custodians."""
    world.accept(spec, names)
    sent = seal_all(world, spec)
    world.admit(spec, sent, names)
    freeze = world.aggregator.freeze(spec, sent)
    releases = world.release(freeze, world.endorse(freeze, names), names)
    world.aggregator.open(spec, sent, releases)


def both(world: World) -> Signed[Spec]:
    """The old committee sums one client of house-1; the spec by which the new one sums another."""
    amended, first = begun(world)
    closes = world.leave(0, OLD[1:])
    committee, of_old, of_new = CASES["one is new, one corrupt"]
    amendment = amended.amendment(committee=amended.committee(*committee))
    spent(world, amended.spec_after(first, closes, **of(amended, world.clients[:3])), of_old)
    in_force = told(amended, amendment, of_new)
    return amended.spec_after(first, closes, **in_force, **of(amended, world.clients[3:]))


def test_no_organisation_is_summed_by_two_committees_for_one_charge(private_world: World) -> None:
    following = both(private_world)

    for name in CASES["one is new, one corrupt"][2]:
        assert private_world.refused(name, AcceptDuty(following)) == "handed-to"
    private_world.close()


def test_control_two_committees_open_two_sums_for_one_charge_each(
    private_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    believe_that_nobody_hands_over(monkeypatch)

    spent(private_world, both(private_world), CASES["one is new, one corrupt"][2])

    for name in OLD[1:3]:  # each honest one charged the sum that it knows of
        assert accounts(private_world, name)["house-1"].rounds == 1
    private_world.close()
