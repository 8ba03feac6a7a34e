"""T5, the exception to the rule: forged, for something else, or used twice, it lifts nothing.

An exception of operator and officer lets one freeze overlap an earlier one. So whoever could forge
one, or use one again, would have the victim's vector by difference: here the hostile aggregator
tries, with everything that it may hold, and the custodians refuse each by name.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.world import Played, World, total_of

from blindsum_custodian import endorse
from blindsum_custodian.endorse import EndorseDuty
from blindsum_rules import differencing
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import DifferencingException, SignedException
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import Party
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

pytestmark = pytest.mark.slow

Again = tuple[Signed[Spec], list[Sent], Signed[Freeze]]
A = "custodian-0"


def nothing(*_: object) -> None:
    """A check that is switched off."""


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A study with a privacy officer."""
    people = make_world().people
    return make_world(officer=Party("officer", people.keys.identities["officer"].public))


def again(world: World, before: Signed[Spec], clients: Sequence[str]) -> Again:
    """Close a round, propose its model once more, and freeze these clients."""
    spec = world.aggregator.spec_after(before, world.leave(before.body.round_number))
    sent = [one for one in world.collect(spec) if one.client in clients]
    return spec, sent, world.aggregator.freeze(spec, sent)


def rerun(world: World) -> tuple[Played, Again]:
    """Round 0 sums everybody; round 1 would sum everybody but the victim, under the same model."""
    played = world.play(world.aggregator.spec())
    return played, again(world, played.spec, world.clients[:-1])


def words(world: World, **changes: Any) -> DifferencingException:  # noqa: ANN401
    """What the rerun would need, or what the changes make of it."""
    reason, digest = "one client spoils every round", world.people.manifest.digest
    body = DifferencingException(world.study.study, 1, 0, world.clients[:-1], reason, digest)
    return replace(body, **changes)


def signed(
    world: World, body: DifferencingException, hands: tuple[str, str] = ("operator", "officer")
) -> SignedException:
    return SignedException(*(world.people.sign(body, name) for name in hands))


def duty(freeze: Signed[Freeze], exception: SignedException | None) -> EndorseDuty:
    number, digest = freeze.body.round_number, freeze.digest
    if exception is None:
        return EndorseDuty(number, digest)
    return EndorseDuty(number, digest, exception.operator, exception.officer)


def refused_by_all(
    world: World, freeze: Signed[Freeze], exception: SignedException | None
) -> set[str]:
    return {world.refused(name, duty(freeze, exception)) for name in world.custodians}


def opened_by(world: World, rerun_: Again, exception: SignedException) -> Any:  # noqa: ANN401
    """The sum of the rerun, if all custodians endorse it by this exception."""
    spec, sent, freeze = rerun_
    answers = [world.perform(name, duty(freeze, exception))[-1] for name in world.custodians]
    assert all(isinstance(one.body, Endorsement) for one in answers)
    return world.aggregator.open(spec, sent, world.release(freeze, answers))


def by_a_stranger(world: World, body: DifferencingException) -> SignedException:
    """The aggregator's own signature under the officer's name."""
    forged = world.people.sign(body, "aggregator")
    return replace(signed(world, body), officer=replace(forged, signer="officer"))


# ---- what is refused


def test_without_an_exception_the_overlapping_freeze_is_refused(world: World) -> None:
    _, (_, _, freeze) = rerun(world)

    assert refused_by_all(world, freeze, None) == {"no-differencing"}


ANOTHER: list[tuple[dict[str, Any], str]] = [
    ({"clients": ("client-01", "client-02", "client-03", "client-04")}, "exception-clients"),
    ({"clients": tuple(f"client-{one:02}" for one in range(6))}, "exception-clients"),
    ({"clients": ("client-00", "client-01", "stranger")}, "unknown-client"),
    ({"clients": ("client-00", "client-01")}, "min-cohort"),
    ({"round_number": 0}, "exception-round"),
    ({"round_number": 2}, "exception-round"),
    ({"model_version": 1}, "exception-version"),
    ({"study": "another-study"}, "exception-study"),
    ({"manifest_digest": bytes(32)}, "exception-study"),
]


def test_an_exception_for_something_else_lifts_nothing(world: World) -> None:
    _, (_, _, freeze) = rerun(world)
    for changes, rule in ANOTHER:
        other = signed(world, words(world, **changes))
        assert refused_by_all(world, freeze, other) == {rule}, changes

    for name in world.custodians:
        world.restart(name)
    assert refused_by_all(world, freeze, None) == {"no-differencing"}


def test_an_exception_without_the_two_hands_lifts_nothing(world: World) -> None:
    _, (_, _, freeze) = rerun(world)
    body = words(world)
    true = signed(world, body)
    other = signed(world, words(world, reason="another reason"))
    forged = {
        "unknown-signer": signed(world, body, ("operator", "operator")),
        "exception": SignedException(true.operator),
        "bad-signature": by_a_stranger(world, body),
        "exception-bodies": SignedException(true.operator, other.officer),
    }
    for rule, exception in forged.items():
        assert refused_by_all(world, freeze, exception) == {rule}
    for hands in (("officer", "officer"), ("officer", "operator"), ("operator", "aggregator")):
        assert refused_by_all(world, freeze, signed(world, body, hands)) == {"unknown-signer"}


def test_a_study_without_an_officer_has_no_exceptions(make_world: Callable[..., World]) -> None:
    world = make_world()
    _, (_, _, freeze) = rerun(world)

    exception = signed(world, words(world))

    assert refused_by_all(world, freeze, exception) == {"exception-without-officer"}


def test_an_exception_is_used_once_also_after_a_restart(world: World) -> None:
    _, first = rerun(world)
    true = signed(world, words(world))
    opened_by(world, first, true)
    other = world.aggregator.freeze(first[0], first[1][1:])
    allowed = signed(world, words(world, clients=world.clients[1:-1]))
    assert refused_by_all(world, other, allowed) == {"one-freeze-per-round"}

    _, _, freeze = again(world, first[0], world.clients[:-1])

    # Even the same set once more: it overlaps the first one as before.
    assert refused_by_all(world, freeze, None) == {"no-differencing"}
    assert refused_by_all(world, freeze, true) == {"exception-round"}
    for name in world.custodians:
        world.restart(name)
    assert refused_by_all(world, freeze, true) == {"exception-round"}


# ---- what it allows, and what that gives away


def test_with_both_hands_exactly_that_set_is_summed_and_the_difference_is_what_it_says(
    world: World,
) -> None:
    played, second = rerun(world)
    _, sent, _ = second
    true = signed(world, words(world))

    smaller = opened_by(world, second, true)

    assert np.array_equal(smaller, total_of(sent))
    # This is the price, and what two people signed for: every report of the study names it.
    assert np.array_equal(played.total - smaller, world.values_of(world.clients[-1]))


# ---- negative controls: each check that is switched off yields x_i


def test_the_control_that_without_a_look_at_the_hands_a_forged_exception_yields_the_vector(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    played, second = rerun(world)
    forged = by_a_stranger(world, words(world))
    assert world.refused(A, duty(second[2], forged)) == "bad-signature"

    monkeypatch.setattr(endorse, "check_exception", nothing)

    smaller = opened_by(world, second, forged)
    assert np.array_equal(played.total - smaller, world.values_of(world.clients[-1]))


@pytest.mark.parametrize(
    "changes",
    [{"clients": ("client-01", "client-02", "client-03")}, {"round_number": 2}],
    ids=["other clients", "another round"],
)
def test_the_control_that_an_exception_for_anything_yields_the_vector(
    world: World, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    played, second = rerun(world)
    other = signed(world, words(world, **changes))
    monkeypatch.setattr(endorse, "check_exception_fits", nothing)
    assert world.refused(A, duty(second[2], other)) == "no-differencing"

    monkeypatch.setattr(differencing, "_misfit", nothing)
    # The memory of it is keyed by the round that it names.
    smaller = opened_by(world, second, other)

    assert np.array_equal(played.total - smaller, world.values_of(world.clients[-1]))
