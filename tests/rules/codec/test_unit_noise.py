"""The noise of a whole round, measured: what the aggregator sees less what it should see.

A correct run leaves each interval once in a million; the seeds are fixed, so none does here.
"""

from functools import cache
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.parameters import FINE_BITS
from blindsum_rules.codec.rounding import round_stochastically
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.units import encode_units, sum_units
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw

pytestmark = pytest.mark.slow

DIMENSION: Final = 10**6
CLIENTS: Final = 10
VARIANCE: Final = 2500
ONCE_IN_A_MILLION: Final = 4.8916  # standard deviations, both sides
MECHANISMS = list(Mechanism)

Integers = npt.NDArray[np.int64]


def codec_of(mechanism: Mechanism, variance: int = VARIANCE) -> UnitCodec:
    return UnitCodec(
        clip_norm=1.0,
        dimension=DIMENSION,
        levels=8000,
        units_per_client=1,
        share=NoiseLaw(mechanism, variance),
    )


def unit_of(client: int) -> npt.NDArray[np.float64]:
    return np.sin(np.arange(DIMENSION, dtype=np.float64) * (client + 1))[np.newaxis]


@cache
def exact_sum() -> tuple[Integers, float]:
    """What all clients hold on the fine grid, and the variance of their roundings a coordinate."""
    private = codec_of(Mechanism.SKELLAM)
    totals = [sum_units([unit_of(client)], private)[0] for client in range(CLIENTS)]
    fractions = [(total & ((1 << FINE_BITS) - 1)) / (1 << FINE_BITS) for total in totals]
    roundings = sum(float((one * (1 - one)).mean()) for one in fractions)
    return np.sum(totals, axis=0), roundings


def sent(client: int, private: UnitCodec, seed: int) -> Integers:
    return encode_units([unit_of(client)], private, SeededRandomness(b"round %d" % seed))[0]


def sent_without_noise(client: int, private: UnitCodec) -> Integers:
    total, _ = sum_units([unit_of(client)], private)
    return round_stochastically(total, SeededRandomness(b"omitter %d" % client))


def deviation_of_variance(aggregate: Integers) -> float:
    """How many standard deviations the error's variance is from n*mu and the roundings'."""
    exact, roundings = exact_sum()
    error = aggregate - exact / (1 << FINE_BITS)
    expected = CLIENTS * VARIANCE + roundings
    # Fourth central moment less the square of the second: 2 V^2, and Skellam's fourth cumulant.
    spread = sqrt((2 * expected**2 + CLIENTS * VARIANCE) / DIMENSION)
    return float(((error**2).mean() - expected) / spread)


def deviation_of_mean(aggregate: Integers) -> float:
    exact, roundings = exact_sum()
    error = aggregate - exact / (1 << FINE_BITS)
    return float(error.mean() / sqrt((CLIENTS * VARIANCE + roundings) / DIMENSION))


def correlation(one: Integers, other: Integers) -> float:
    """In standard deviations of two vectors that have nothing to do with each other."""
    return float(np.corrcoef(one, other)[0, 1] * sqrt(DIMENSION))


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_sum_of_all_clients_is_off_by_exactly_their_shares(mechanism: Mechanism) -> None:
    aggregate = sum(sent(client, codec_of(mechanism), client) for client in range(CLIENTS))
    assert isinstance(aggregate, np.ndarray)
    assert abs(deviation_of_variance(aggregate)) < ONCE_IN_A_MILLION
    assert abs(deviation_of_mean(aggregate)) < ONCE_IN_A_MILLION


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_noise_that_is_half_a_percent_too_small_is_seen(mechanism: Mechanism) -> None:
    small = codec_of(mechanism, round(0.995**2 * VARIANCE))
    aggregate = np.sum([sent(client, small, client) for client in range(CLIENTS)], axis=0)
    assert deviation_of_variance(aggregate) < -ONCE_IN_A_MILLION


def test_one_client_of_ten_that_omits_its_noise_is_seen() -> None:
    private = codec_of(Mechanism.SKELLAM)
    aggregate = sent_without_noise(0, private)
    for client in range(1, CLIENTS):
        aggregate += sent(client, private, client)
    assert deviation_of_variance(aggregate) < -ONCE_IN_A_MILLION


def test_noise_that_two_clients_share_is_seen() -> None:
    private = codec_of(Mechanism.SKELLAM)
    aggregate = np.sum([sent(client, private, max(client, 1)) for client in range(CLIENTS)], axis=0)
    assert deviation_of_variance(aggregate) > ONCE_IN_A_MILLION


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_two_calls_draw_noise_that_has_nothing_to_do_with_each_other(mechanism: Mechanism) -> None:
    private, randomness = codec_of(mechanism), SeededRandomness(b"one source")
    silent = np.zeros((1, DIMENSION))
    first, second = (encode_units([silent], private, randomness)[0] for _ in range(2))
    assert abs(correlation(first, second)) < ONCE_IN_A_MILLION
    assert abs(correlation(first, np.roll(second, 1))) < ONCE_IN_A_MILLION
    assert abs(correlation(first, np.roll(first, 1))) < ONCE_IN_A_MILLION


def test_noise_that_one_client_uses_in_two_rounds_is_seen() -> None:
    """Two rounds over other data: what is left after the data is taken off is the same noise."""
    private = codec_of(Mechanism.SKELLAM)
    rounds = [sent(client, private, 0) - sent_without_noise(client, private) for client in (0, 1)]
    assert correlation(*rounds) > ONCE_IN_A_MILLION
