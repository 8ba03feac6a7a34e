"""Threat T14: two contributions of one client in one round, from a client or from a server.

The gain is a client that counts twice, or, for who may choose between the two, x - x' of an honest
one that was led to seal again. What stops it: the first header of a client is its only one, with
the aggregator and with every custodian, a freeze has every client once, and a header is one
payload's, by its digest. The controls: the rule off, and both are summed, or their difference is.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import GATES, Integers, Sent
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import FACE, World, total_of

from blindsum_crypto.errors import Aborted, Refused, Rejected
from blindsum_custodian.endorse import EndorseDuty
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState

TWICE = "client-01"


@pytest.fixture
def study(make_world: Callable[..., World], tmp_path: Path) -> Iterator[ServedStudy]:
    with served(make_world(**valid_now()), tmp_path / "aggregator") as running:
        yield running


def halved(world: World) -> Integers:
    """Another vector of the same client."""
    return np.asarray(world.values_of(TWICE) // 2)


def two_of_one(world: World, spec: Signed[Spec]) -> tuple[Sent, Sent]:
    return world.seal(spec, TWICE), world.seal(spec, TWICE, halved(world))


def refusal(action: Callable[..., object], *arguments: object) -> str:
    with pytest.raises((Refused, Rejected)) as caught:
        action(*arguments)
    return caught.value.rule


# ---- the client


def test_the_aggregator_takes_one_contribution_of_a_client_and_sums_it_once(
    study: ServedStudy,
) -> None:
    world, spec = study.world, study.is_open(0)
    first, second = two_of_one(world, spec)
    receipt = study.send(first)

    assert refusal(study.send, second) == "second-contribution"
    assert study.send(first) == receipt  # the same again is no second one

    others = [world.seal(spec, name) for name in spec.body.cohort if name != TWICE]
    for one in others:
        study.send(one)
    assert study.carry(0) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(0), total_of([first, *others]))


def test_a_header_is_of_one_payload_alone(study: ServedStudy) -> None:
    spec = study.is_open(0)
    first, second = two_of_one(study.world, spec)
    other = Sent(replace(first.sealed, payload=second.sealed.payload), first.values)

    assert refusal(study.send, other) == "payload-digest"
    assert study.send(first).body.contribution_digest == first.contribution.digest


# ---- the server


def test_custodians_admit_the_first_of_two_and_deny_the_second_by_name(world: World) -> None:
    spec = world.aggregator.spec()
    world.accept(spec)
    first, second = two_of_one(world, spec)
    others = [world.seal(spec, name) for name in spec.body.cohort if name != TWICE]

    on_one_page = world.admit(spec, [first, second, *others])
    on_the_next = world.admit(spec, [second], page=1)

    for one in (*on_one_page, *on_the_next):
        assert [(d.client, d.rule) for d in one.body.denials] == [(TWICE, "repeated-client")]
    with_second = world.aggregator.freeze(spec, [second, *others])
    duty = EndorseDuty(0, with_second.digest)
    assert {world.refused(name, duty) for name in world.custodians} == {"not-admitted"}
    with_first = world.aggregator.freeze(spec, [first, *others])
    releases = world.release(with_first, world.endorse(with_first))
    total = world.aggregator.open(spec, [first, *others], releases)
    assert np.array_equal(total, total_of([first, *others]))
    for members in ([second, *others], [first, second, *others]):
        with pytest.raises((Aborted, Refused)) as caught:
            world.aggregator.open(spec, members, releases)
        assert caught.value.rule in GATES | {"part-length", "members-order"}


def test_shown_another_of_the_two_each_custodians_admit_no_common_set_of_a_quorum(
    world: World,
) -> None:
    """Two custodians see the first, two the second: neither set has a quorum behind it."""
    spec = world.aggregator.spec()
    world.accept(spec)
    first, second = two_of_one(world, spec)
    others = [world.seal(spec, name) for name in spec.body.cohort if name != TWICE]
    seen = {
        first.contribution.digest: ([first, *others], world.custodians[:2]),
        second.contribution.digest: ([second, *others], world.custodians[2:]),
    }
    for members, names in seen.values():
        world.admit(spec, members, names)

    for members, names in seen.values():
        freeze = world.aggregator.freeze(spec, members)
        duty = EndorseDuty(0, freeze.digest)
        strangers = [name for name in world.custodians if name not in names]
        assert len(names) < world.study.quorum
        assert {world.refused(name, duty) for name in strangers} == {"not-admitted"}


def test_a_freeze_with_one_client_twice_is_no_message_that_anybody_reads(world: World) -> None:
    spec = world.aggregator.spec()
    sent = world.seal_all(spec)
    again = world.seal(spec, TWICE, halved(world))

    # Read back as custodians and auditors read it, before a signature is put on it.
    assert refusal(world.aggregator.freeze, spec, [*sent, again]) == "malformed-message"


# ---- the control


def test_the_control_that_custodians_without_memory_open_both_and_their_difference(
    world: World,
) -> None:
    """Each of the two in a sum of its own, under one round number: x - x' is left."""
    spec = world.aggregator.spec()
    first, second = two_of_one(world, spec)
    others = [world.seal(spec, name) for name in spec.body.cohort if name != TWICE]
    totals = []
    for face, one in (("", first), (f"{FACE}forgetful", second)):
        names = [f"{name}{face}" for name in world.custodians]
        members = [one, *others]
        world.accept(spec, names)
        world.admit(spec, members, names)
        freeze = world.aggregator.freeze(spec, members)
        releases = world.release(freeze, world.endorse(freeze, names), names)
        totals.append(world.aggregator.open(spec, members, releases))

    assert np.array_equal(totals[0] - totals[1], first.values - second.values)
