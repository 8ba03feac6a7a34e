"""Threat T22: masks that can be predicted, because what they come from is short or comes again.

Flower's SecAgg+ seeds its masks with 28 bits at most, and Flamingo with 16. Here every seed has 256
bits of the operating system, and the round id and the names stand in every label under it: a
generator that says the same twice in one round is refused, and in two rounds, or from two clients,
its masks have nothing in common. Who calls another generator does not pass the linter
(`architecture/test_randomness.py`). The controls: a seed of 20 bits, and one label for two rounds.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import pytest
from tests.adversarial.coalition import released_for_one
from tests.adversarial.curious import Watched, told_by_words
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.world import World

from blindsum_aggregator.seals import aggregator_seal
from blindsum_client.seals import client_seal
from blindsum_crypto.custody import SEED_BYTES, CustodySeeds, commitment, deal
from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import Randomness, SeededRandomness, SystemRandomness
from blindsum_crypto.seal import SealedMember
from blindsum_rules.model import Layout, NamedArray

VALUES = 16_384
LONG = Layout((NamedArray("weight", (VALUES - 1,)),))
CHANCE = 1e-9
SHORT_BITS = 20
GUESSED_RIGHT = 0x5A5C3
"""Which of the 2^20 seeds it was; whoever searches does not know it."""


class ShortSeed:
    """A generator whose whole state is one number of 20 bits."""

    def __init__(self, state: int) -> None:
        self._state = state

    def bytes(self, count: int) -> bytes:
        return drawn_from(self._state)[:count]


def drawn_from(state: int) -> bytes:
    return hashlib.sha256(state.to_bytes(4, "big")).digest()


def repeating() -> Randomness:
    return SeededRandomness(b"the same again")


@pytest.fixture
def long_world(make_world: Callable[..., World]) -> World:
    return make_world((1, 1, 1), clients=3, layout=LONG)


def in_next_round(client: Watched) -> Watched:
    """The same client and the same generator under another round id."""
    body = replace(
        client.spec.body, contribute_deadline_unix=client.spec.body.contribute_deadline_unix + 1
    )
    return replace(client, spec=client.world.aggregator.publish(body))


def zeros(world: World) -> Integers:
    return np.zeros(world.study.vector_length, np.int64)


# ---- a generator that repeats itself


def test_seeds_that_come_again_in_one_round_are_refused(world: World) -> None:
    client = Watched(world, world.aggregator.spec(), repeating)
    seal = client_seal(client.spec, world.study, client.agreements)
    first, again = (deal(world.study.committee, repeating()) for _ in range(2))
    seal.seal(zeros(world), client.client, first, SystemRandomness())

    with pytest.raises(Refused) as caught:
        seal.seal(zeros(world), client.client, again, SystemRandomness())

    assert caught.value.rule == "seeds-used-twice"


def test_the_same_seeds_in_two_rounds_give_masks_that_have_nothing_in_common(
    long_world: World,
) -> None:
    first = Watched(long_world, long_world.aggregator.spec(), repeating)
    second = in_next_round(first)
    assert first.spec.digest != second.spec.digest

    one, two = first.upload(zeros(long_world)), second.upload(zeros(long_world))

    assert told_by_words(first, first.words(one, two)) > CHANCE


def test_the_same_seeds_of_two_clients_give_masks_that_have_nothing_in_common(
    long_world: World,
) -> None:
    first = Watched(long_world, long_world.aggregator.spec(), repeating)
    second = replace(first, client="client-02")

    one, two = first.upload(zeros(long_world)), second.upload(zeros(long_world))

    assert told_by_words(first, first.words(one, two)) > CHANCE


def test_the_control_that_under_one_label_the_difference_of_the_vectors_is_left(
    long_world: World,
) -> None:
    """One round id for both: what the labels would give without it."""
    client = Watched(long_world, long_world.aggregator.spec(), repeating)
    ones = zeros(long_world) + 1

    difference = client.difference(client.upload(ones), client.upload(zeros(long_world)))

    assert np.array_equal(difference, ones)


# ---- a seed that is short


def searched(world: World, one: Sent, states: Iterable[int]) -> CustodySeeds | None:
    """Try every seed of a short generator against what the header commits to."""
    core = one.contribution.body.core
    (part,), (wanted,) = world.study.committee.parts, core.seed_commitments
    for state in states:
        seed = drawn_from(state)
        if commitment(core.round_id, core.client, part, seed) == wanted:
            return CustodySeeds({part: seed})
    return None


def opened_alone(client: Watched, one: Sent, seeds: CustodySeeds) -> Integers:
    """The vector, by the product's own opener and no custodian."""
    parts = released_for_one(client.spec, one, seeds)
    seal = aggregator_seal(client.spec, client.world.study)
    core = one.contribution.body.core
    member = SealedMember(core.client, core.self_commitment, one.sealed.pair_table)
    return seal.open(seal.load_sum(one.sealed.payload), [member], parts)


@pytest.mark.slow
def test_the_control_that_a_seed_of_20_bits_is_found_and_opens_its_client(
    make_world: Callable[..., World],
) -> None:
    """28 bits are 256 times this search, which takes three seconds of one core at most."""
    world = make_world((1, 1, 1))
    client = Watched(world, world.aggregator.spec(), lambda: ShortSeed(GUESSED_RIGHT))
    one = client.upload(world.values_of(client.client))

    found = searched(world, one, range(1 << SHORT_BITS))

    assert found is not None
    assert np.array_equal(opened_alone(client, one, found), one.values)


def test_a_seed_of_the_operating_system_is_not_among_them(
    make_world: Callable[..., World],
) -> None:
    world = make_world((1, 1, 1))
    client = Watched(world, world.aggregator.spec(), SystemRandomness)
    one = client.upload(world.values_of(client.client))

    assert searched(world, one, range(1 << 14)) is None


def test_every_part_gets_a_seed_of_256_bits_of_its_own(world: World) -> None:
    asked: list[int] = []

    class Counting:
        def bytes(self, count: int) -> bytes:
            asked.append(count)
            return SystemRandomness().bytes(count)

    seeds = deal(world.study.committee, Counting())

    assert asked == [SEED_BYTES] * len(world.study.committee.parts)
    assert len(set(seeds.values())) == len(asked)
