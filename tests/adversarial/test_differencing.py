"""Differencing: two sums of overlapping sets under one model are subtracted (threat T5).

Three scripts of a malicious aggregator; the fourth stands in `test_resalted_model.py`. In each the
clients behave, and train on the same model with the same result, so that what differs between the
sums is the victim's vector alone. Each is refused by name, and with that rule switched off each
yields x_i exactly.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.world import FACE, Played, World

from blindsum_custodian import accept, close, endorse
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_rules.freeze import Freeze
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec

A, B, C, D = (f"custodian-{index}" for index in range(4))


def nothing(*_: object) -> None:
    """A rule that is switched off."""


def subset(sent: Sequence[Sent], clients: Sequence[str]) -> list[Sent]:
    return [one for one in sent if one.client in clients]


def asked_again(
    world: World, before: Signed[Spec], clients: Sequence[str]
) -> tuple[Signed[Spec], list[Sent], Signed[Freeze]]:
    """Close a round, propose its model once more, and freeze these clients."""
    spec = world.aggregator.spec_after(before, world.leave(before.body.round_number))
    sent = subset(world.collect(spec), clients)
    return spec, sent, world.aggregator.freeze(spec, sent)


def refused_by_all(world: World, freeze: Signed[Freeze]) -> set[str]:
    duty = EndorseDuty(freeze.body.round_number, freeze.digest)
    return {world.refused(name, duty) for name in world.custodians}


def opened(
    world: World, spec: Signed[Spec], sent: Sequence[Sent], freeze: Signed[Freeze]
) -> Integers:
    return world.aggregator.open(spec, sent, world.release(freeze, world.endorse(freeze)))


# ---- the first script: endorsements first, the release after the rerun


def endorsed_and_aborted(world: World) -> tuple[Played, Signed[Spec], list[Sent], Signed[Freeze]]:
    """Round 0 is endorsed and not released, 'aborted', and rerun without the victim."""
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    freeze = world.aggregator.freeze(spec, sent)
    endorsements = world.endorse(freeze)
    first = Played(spec, sent, freeze, endorsements, (), np.zeros(0, np.int64))
    return first, *asked_again(world, spec, world.clients[:-1])


def test_endorsements_that_are_presented_after_a_rerun_release_nothing(world: World) -> None:
    first, _, _, rerun = endorsed_and_aborted(world)

    assert refused_by_all(world, rerun) == {"no-differencing"}
    presented = ReleaseDuty(0, first.freeze.digest, first.endorsements)
    assert {world.refused(name, presented) for name in world.custodians} == {"round-closed"}
    for name in world.custodians:
        world.restart(name)
    assert refused_by_all(world, rerun) == {"no-differencing"}
    assert {world.refused(name, presented) for name in world.custodians} == {"round-closed"}


def test_without_the_rule_on_sets_the_close_alone_still_keeps_the_first_sum_shut(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endorse, "check_no_differencing", nothing)
    first, spec, sent, rerun = endorsed_and_aborted(world)
    opened(world, spec, sent, rerun)
    presented = ReleaseDuty(0, first.freeze.digest, first.endorsements)
    assert {world.refused(name, presented) for name in world.custodians} == {"round-closed"}


def test_without_closes_that_bind_the_rule_on_sets_alone_still_refuses_the_rerun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_closes_and_stay(monkeypatch)
    first, _, _, rerun = endorsed_and_aborted(world)
    assert refused_by_all(world, rerun) == {"no-differencing"}
    world.release(first.freeze, first.endorsements)


def sign_closes_and_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Custodians sign closes, and leave nothing by it: neither the round nor its wraps."""
    monkeypatch.setattr(close, "advance", nothing)
    monkeypatch.setattr(close, "erase_headers", nothing)
    monkeypatch.setattr(accept, "open_rounds", lambda *_: ())


def test_the_control_that_with_both_rules_off_late_endorsements_give_the_victims_vector_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endorse, "check_no_differencing", nothing)
    sign_closes_and_stay(monkeypatch)
    first, spec, sent, rerun = endorsed_and_aborted(world)
    smaller = opened(world, spec, sent, rerun)

    releases = world.release(first.freeze, first.endorsements)

    larger = world.aggregator.open(first.spec, first.sent, releases)
    assert np.array_equal(larger - smaller, world.values_of(world.clients[-1]))


# ---- the second script: three cohorts that overlap in pairs


def three_cohorts(world: World) -> list[list[str]]:
    """{0,1,v}, {2,3,v} and {0,1,2,3}: the first two sums less the third are twice x_v."""
    zero, one, two, three, *_, victim = world.clients
    return [[zero, one, victim], [two, three, victim], [zero, one, two, three]]


def test_three_overlapping_cohorts_are_refused_at_the_second(world: World) -> None:
    first, second, third = three_cohorts(world)
    played = world.play(world.aggregator.spec(), first)

    spec, _, freeze = asked_again(world, played.spec, second)

    assert refused_by_all(world, freeze) == {"no-differencing"}
    _, _, freeze = asked_again(world, spec, third)
    assert refused_by_all(world, freeze) == {"no-differencing"}


def test_the_control_that_with_the_rule_off_three_cohorts_give_the_victims_vector_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endorse, "check_no_differencing", nothing)
    first, *others = three_cohorts(world)
    played = world.play(world.aggregator.spec(), first)
    sums, spec = [played.total], played.spec
    for cohort in others:
        spec, sent, freeze = asked_again(world, spec, cohort)
        sums.append(opened(world, spec, sent, freeze))

    twice = sums[0] + sums[1] - sums[2]

    assert np.array_equal(twice, 2 * world.values_of(world.clients[-1]))


def test_the_control_that_equal_and_disjoint_sets_are_endorsed_under_one_model(
    world: World,
) -> None:
    played = world.play(world.aggregator.spec(), world.clients[:3])
    spec, _, freeze = asked_again(world, played.spec, world.clients[3:])
    world.endorse(freeze)
    _, _, freeze = asked_again(world, spec, world.clients[:3])
    world.endorse(freeze)


# ---- the third script: a quorum in which those who saw round r are as few as possible

FORGETFUL = f"{C}{FACE}forgetful"
LATE_QUORUM = (B, FORGETFUL, D)


def without_who_missed_it(world: World) -> tuple[Played, Signed[Spec], list[Sent], Signed[Freeze]]:
    """Round 0 is A's, B's and C's alone, and in round 1 as few of them as possible are asked.

    They are B, and the corrupt C with a memory that knows nothing, beside D, who was away. D's
    close and C's second one name no freeze.
    """
    spec = world.aggregator.spec()
    there = (A, B, C)
    world.accept(spec, there)
    sent = world.seal_all(spec)
    world.admit(spec, sent, there)
    freeze = world.aggregator.freeze(spec, sent)
    endorsements = world.endorse(freeze, there)
    releases = world.release(freeze, endorsements, there)
    total = world.aggregator.open(spec, sent, releases)
    closes = world.leave(0, LATE_QUORUM)
    assert [bool(one.body.freeze_digest) for one in closes] == [True, False, False]
    again = world.aggregator.spec_after(spec, closes)
    world.accept(again, LATE_QUORUM)
    few = world.seal_all(again)[:-1]
    world.admit(again, few, LATE_QUORUM)
    played = Played(spec, sent, freeze, endorsements, releases, total)
    return played, again, few, world.aggregator.freeze(again, few)


def test_a_quorum_that_missed_the_round_refuses_too_because_closes_named_its_freeze(
    world: World,
) -> None:
    _, _, _, freeze = without_who_missed_it(world)
    duty = EndorseDuty(1, freeze.digest)
    assert world.refused(D, duty) == "no-differencing"
    assert world.refused(FORGETFUL, duty) == "no-differencing"
    assert world.refused(B, duty) == "no-differencing"


def test_a_spec_that_shows_the_closes_of_those_who_missed_it_alone_is_refused(
    world: World,
) -> None:
    """The aggregator may show no fewer than a quorum of closes, so one at least tells of it."""
    spec = world.aggregator.spec()
    played = world.play(spec)
    none = world.leave(0, (FORGETFUL, f"{D}{FACE}forgetful"))
    again = world.aggregator.spec_after(spec, none)
    assert world.refused(A, AcceptDuty(again)) == "quorum-of-closes"
    named = world.leave(0, (B,))
    hidden = world.aggregator.spec_after(spec, (*none, *named), previous=PreviousRound(spec.digest))
    assert played.freeze.digest == named[0].body.freeze_digest
    assert world.refused(A, AcceptDuty(hidden)) == "freeze-in-closes"


def test_the_control_that_what_a_missed_round_froze_is_known_from_closes_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accept, "keep_lesson", nothing)
    _, _, _, freeze = without_who_missed_it(world)
    world.endorse(freeze, (D, FORGETFUL))
    assert world.refused(B, EndorseDuty(1, freeze.digest)) == "no-differencing"


def test_the_control_that_with_the_rule_off_a_late_quorum_gives_the_victims_vector_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endorse, "check_no_differencing", nothing)
    played, spec, sent, freeze = without_who_missed_it(world)
    endorsements = world.endorse(freeze, LATE_QUORUM)

    releases = world.release(freeze, endorsements, LATE_QUORUM)

    smaller = world.aggregator.open(spec, sent, releases)
    assert np.array_equal(played.total - smaller, world.values_of(world.clients[-1]))
