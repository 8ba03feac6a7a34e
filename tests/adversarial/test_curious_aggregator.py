"""Threat T1: a curious aggregator reads uploads: the gain is one client's update.

It follows the protocol and looks: at payloads, headers, wraps and pair tables. Two vectors of its
own choice are not told apart from what is stored of them, no statistic of the words says which it
was, and a reconstruction fitted on uploads that it knows does no better than one that never looked.
The controls: masks that are known, and a generator that says the same every time.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import ks_2samp  # type: ignore[import-untyped]
from tests.adversarial.curious import Floats, Watched, ridge, seen_beside_words, told_by_words
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.world import World

from blindsum_crypto.randomness import Randomness, SeededRandomness, SystemRandomness
from blindsum_rules.model import Layout, NamedArray

VALUES = 16_384
LONG = Layout((NamedArray("weight", (VALUES - 1,)),))
CHANCE = 1e-9
"""Below it a statistic says "told apart": never by chance, at so few tests."""

KNOWN, ASKED = 80, 80
"""Uploads whose vectors the aggregator chose and learns from, and uploads that it is to read."""


def repeating() -> Randomness:
    """A generator that says the same every time it is asked."""
    return SeededRandomness(b"the same again")


def two_vectors(world: World) -> tuple[Integers, Integers]:
    """As far apart as vectors of the study can be."""
    length, bound = world.study.vector_length, world.study.weighted_codec.coordinate_bound
    full = np.full(length, bound, np.int64)
    return np.zeros(length, np.int64), full


@pytest.fixture
def long_world(make_world: Callable[..., World]) -> World:
    return make_world((1, 1, 1), clients=3, layout=LONG)


def watched(world: World, randomness: Callable[[], Randomness] = SystemRandomness) -> Watched:
    return Watched(world, world.aggregator.spec(), randomness)


# ---- statistics of the words


def test_words_are_uniform_and_two_chosen_vectors_have_words_of_one_law(
    long_world: World,
) -> None:
    client = watched(long_world)
    nothing, everything = (client.upload(vector) for vector in two_vectors(long_world))

    for words in (
        client.words(nothing),
        client.words(everything),
        client.words(everything, nothing),
    ):
        assert told_by_words(client, words) > CHANCE
    two = ks_2samp(client.words(nothing).reshape(-1), client.words(everything).reshape(-1))
    assert float(two.pvalue) > CHANCE


def test_the_control_that_under_a_generator_that_repeats_the_difference_is_that_of_the_vectors(
    long_world: World,
) -> None:
    client = watched(long_world, repeating)
    nothing, everything = two_vectors(long_world)
    first, second = client.upload(nothing), client.upload(everything)

    assert np.array_equal(client.difference(second, first), everything - nothing)


def test_the_control_that_without_its_masks_a_payload_is_told_from_another(
    long_world: World,
) -> None:
    """What is left when masks and key are known: the same words, less those of a zero vector."""
    client = watched(long_world, repeating)
    zero, full = (client.upload(vector) for vector in two_vectors(long_world))
    opened = client.difference(full, zero), client.difference(zero, zero)

    assert float(ks_2samp(*opened).pvalue) < CHANCE
    assert told_by_words(client, opened[0].astype(np.uint64)) < CHANCE


# ---- which of two


def which_of_two(client: Watched) -> float:
    """The share of uploads of which the aggregator says rightly which vector is in them."""
    vectors = two_vectors(client.world)
    bits = np.random.default_rng(1).permutation(np.arange(KNOWN + ASKED) % 2)
    uploads = [client.upload(vectors[bit]) for bit in bits]
    shares = []
    for view in views_of(client, uploads):
        guess = ridge(view[:KNOWN], 2.0 * bits[:KNOWN] - 1)
        shares.append(float(((guess(view[KNOWN:]) > 0) == bits[KNOWN:]).mean()))
    return max(shares)


def views_of(client: Watched, uploads: list[Sent]) -> tuple[Floats, Floats]:
    """What is stored of some uploads, as numbers: their words, and everything else."""
    reference = client.upload(two_vectors(client.world)[0])
    in_words = np.array([client.seen_in_words(one, reference) for one in uploads])
    return in_words, np.array([seen_beside_words(one) for one in uploads])


@pytest.mark.slow
def test_two_chosen_vectors_are_not_told_apart_from_all_that_is_stored_of_them(
    world: World,
) -> None:
    # A coin says 0.77 or more of 80 rightly less than once in 10^6 runs.
    assert which_of_two(watched(world)) < 0.5 + 4.75 * 0.5 / np.sqrt(ASKED)


@pytest.mark.slow
def test_the_control_that_under_a_generator_that_repeats_they_are_always_told_apart(
    world: World,
) -> None:
    assert which_of_two(watched(world, repeating)) == 1.0


# ---- reconstruction


def reconstruction(client: Watched) -> float:
    """The attack's squared error, in terms of that of who guesses the mean and never looked."""
    numbers, study = np.random.default_rng(2), client.world.study
    bound = study.weighted_codec.coordinate_bound
    size = (KNOWN + ASKED, study.vector_length)
    vectors = numbers.integers(-bound, bound, size, endpoint=True)
    vectors[:, -1] = abs(vectors[:, -1])
    uploads = [client.upload(vector) for vector in vectors]
    known, asked = vectors[:KNOWN].astype(np.float64), vectors[KNOWN:].astype(np.float64)
    errors = [
        float(((ridge(view[:KNOWN], known)(view[KNOWN:]) - asked) ** 2).mean())
        for view in views_of(client, uploads)
    ]
    return min(errors) / float(((known.mean(0) - asked) ** 2).mean())


@pytest.mark.slow
def test_a_reconstruction_from_all_that_is_stored_does_no_better_than_one_that_never_looked(
    world: World,
) -> None:
    assert reconstruction(watched(world)) > 0.95


@pytest.mark.slow
def test_the_control_that_under_a_generator_that_repeats_it_reconstructs_every_vector(
    world: World,
) -> None:
    assert reconstruction(watched(world, repeating)) < 0.01
