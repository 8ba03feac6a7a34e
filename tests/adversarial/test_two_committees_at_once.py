"""T27: the old committee is asked to go on, and the new one to begin, in one round of one study.

The amendment is honest and signed once. The aggregator proposes round 1 to the old committee
without it, and to the new one with it; where both go on, the difference of two sums is x_i. A close
says to which committee it leaves the round, and a custodian closes once.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from tests.adversarial.amended_world import AmendedWorld
from tests.adversarial.hostile_aggregator import Integers
from tests.adversarial.world import FACE, World

from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_rules.close import Close
from blindsum_rules.refusal import Refusal
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec
from blindsum_rules.spec_checks import wrap_key_digests

pytestmark = pytest.mark.slow

OLD = tuple(f"custodian-{index}" for index in range(4))
NEW = tuple(f"custodian-{index}" for index in range(4, 8))
CORRUPT = OLD[0] + FACE + "other"
COMMITTEES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # The new committee, who signs for the old one in round 1, and who for the new one.
    "one seat is new, one custodian is corrupt": (
        (*OLD[:3], NEW[0]),
        (OLD[0], OLD[2], OLD[3]),
        (CORRUPT, OLD[1], NEW[0]),
    ),
    "all seats are new, nobody is corrupt": (NEW, (OLD[0], OLD[2], OLD[3]), NEW[:3]),
}


@pytest.fixture(params=COMMITTEES)
def parted(request: pytest.FixtureRequest, world: World) -> "Parted":
    """A study whose committee is about to change, behind a round that came to nothing."""
    return Parted(world, *COMMITTEES[request.param])


class Parted:
    """Two committees, and an aggregator that would have both of them."""

    def __init__(
        self, world: World, names: Sequence[str], of_old: Sequence[str], of_new: Sequence[str]
    ) -> None:
        self.world, self.of_old, self.of_new = world, of_old, of_new
        self.amended = AmendedWorld(world)
        self.amended.start(OLD)
        if CORRUPT in of_new:  # It begins with its other memory from round 0.
            world.custodian(CORRUPT)
        self.first = world.aggregator.spec()
        world.accept(self.first)
        self.amendment = self.amended.amendment(committee=self.amended.committee(*names))

    def stays(self, names: Sequence[str]) -> Signed[Spec]:
        """Round 1 for the old committee, by the closes of these."""
        return self.amended.spec_after(self.first, self.world.leave(0, names))

    def follows(self, closes: Sequence[Signed[Close]]) -> Signed[Spec]:
        """Round 1 for the new committee, which starts with it."""
        in_force = self.amended.put_in_force(self.amendment)
        newcomers = [one for one in self.of_new if FACE not in one and one not in OLD]
        self.amended.start(newcomers, self.amended.in_force)
        return self.amended.spec_after(self.first, closes, **in_force)

    def summed(self, spec: Signed[Spec], names: Sequence[str], members: Sequence[str]) -> Integers:
        """The sum that these custodians release."""
        world = self.world
        world.accept(spec, names)
        sent = world.seal_all(spec)
        world.admit(spec, sent, names)
        in_set = [one for one in sent if one.client in members]
        freeze = world.aggregator.freeze(spec, in_set)
        releases = world.release(freeze, world.endorse(freeze, names), names)
        return world.aggregator.open(spec, in_set, releases)


def refusals(world: World, spec: Signed[Spec], names: Sequence[str]) -> set[str]:
    answers = [world.perform(name, AcceptDuty(spec))[-1].body for name in names]
    assert all(isinstance(answer, Refusal) for answer in answers)
    return {answer.rule for answer in answers}


def test_closes_that_leave_the_round_to_the_old_committee_begin_no_new_one(parted: Parted) -> None:
    stays = parted.stays(OLD[1:])
    parted.summed(stays, parted.of_old, stays.body.cohort)

    follows = parted.follows(stays.body.closes)

    assert refusals(parted.world, follows, parted.of_new) == {"handed-to"}


def test_closes_that_leave_the_round_to_the_new_committee_let_the_old_one_not_go_on(
    parted: Parted,
) -> None:
    world = parted.world
    handed = world.leave(0, OLD[1:], parted.amendment.digest)
    stays = parted.amended.spec_after(parted.first, handed)

    assert refusals(world, stays, OLD) == {"handed-to"}
    # Nor do those who closed it close it again to the old one, for a spec of its own.
    duty = CloseDuty(0)
    assert {world.refused(name, duty) for name in OLD[1:]} == {"handed-to"}


def test_two_quorums_of_closes_would_take_an_honest_custodian_twice(parted: Parted) -> None:
    """One corrupt custodian closes twice; the three honest ones leave no quorum to one of both."""
    world = parted.world
    twice = {CORRUPT} if CORRUPT in parted.of_new else set()
    stays = parted.stays((OLD[0], *OLD[2:]))
    parted.summed(stays, parted.of_old, stays.body.cohort)

    handed = world.leave(0, (*sorted(twice), OLD[1]), parted.amendment.digest)
    follows = parted.follows(handed)

    assert refusals(world, follows, parted.of_new) == {"quorum-of-closes"}


def test_control_where_closes_say_nothing_of_it_two_committees_give_x_i_away(
    parted: Parted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spec, "handed_to", property(lambda _: b""))
    stays = parted.stays(OLD[1:])
    everybody = stays.body.cohort

    total = parted.summed(stays, parted.of_old, everybody)
    follows = parted.follows(stays.body.closes)
    fewer = parted.summed(follows, parted.of_new, everybody[:-1])

    assert np.array_equal(total - fewer, parted.world.values_of(everybody[-1]))


def test_a_new_committee_begins_no_study_that_the_old_one_ran(world: World) -> None:
    """Without any close: the amendment rides on a second spec of round 0."""
    first_of_new = begun_anew(world)

    assert refusals(world, first_of_new, NEW) == {"first-round"}


def test_control_where_the_first_spec_may_bring_a_committee_x_i_is_given_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Spec, "handed_to", property(lambda _: b""))
    spec = begun_anew(world)
    *others, victim = spec.body.cohort

    total = np.sum([world.values_of(client) for client in spec.body.cohort], axis=0)
    fewer = world.play(spec, others).total

    assert np.array_equal(total - fewer, world.values_of(victim))


def begun_anew(world: World) -> Signed[Spec]:
    """Round 0 for a new committee, after the old one released the sum of everybody in its own."""
    amended = AmendedWorld(world)
    amended.start(OLD)
    world.play(world.aggregator.spec())
    in_force = amended.put_in_force(amended.amendment(committee=amended.committee(*NEW)))
    amended.start(NEW)
    body = amended.in_force.body
    return world.aggregator.spec(
        amendment_digest=amended.in_force.amendment_digest,
        epoch=amended.in_force.epoch,
        parameters=seal_parameters(body, body.seals[0], len(body.clients)),
        wrap_key_digests=wrap_key_digests(body),
        previous=PreviousRound(amended.original.digest),
        **in_force,
    )
