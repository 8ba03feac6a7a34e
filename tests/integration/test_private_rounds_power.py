"""How often the check of `test_private_rounds.py` finds a cheat: 20 runs of each, 10^6 coordinates.

These sums are made in one process by the production codec, ten clients a round and two rounds a
run, and no seal: seals open to the very integers that were sent (`test_private_rounds.py` has them
in between). The check is the same function. Seeds are 0 to 19 and were never chosen.

What the check can find: at 10^6 coordinates the variance of one round has a deviation of 0.141 % of
itself and its interval is +- 0.69 %. A deviation that is 0.5 % too small lies 1.00 % below, outside
of the interval in 985 of 1,000 rounds, and over both rounds (+- 0.49 %) always.
"""

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import pytest
from scipy.stats import binom  # type: ignore[import-untyped]
from tests.integration.noise_check import broken, variance_interval
from tests.integration.noise_units import (
    DIMENSION,
    QUIETER,
    SITES,
    Integers,
    known_levels,
    units_of,
)

from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.rounding import round_stochastically
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.units import encode_units, sum_units
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw, draw_noise

pytestmark = pytest.mark.slow

RUNS: Final = 20
CAUGHT_IN: Final = 19
SHARE: Final = NoiseLaw(Mechanism.SKELLAM, 1_500_000)
CODEC: Final = UnitCodec(
    clip_norm=0.75, dimension=DIMENSION, levels=4000, units_per_client=3, share=SHARE
)
VARIANCE: Final = len(SITES) * SHARE.variance


Broken = dict[str, list[set[str]]]


@cache
def known(site: str, number: int) -> Integers:
    return known_levels(site, number, CODEC)


def noise_of(site: str, number: int, codec: UnitCodec, seed: int) -> Integers:
    """What a site sends less what is known of it."""
    randomness = SeededRandomness(f"run {seed}, round {number}, {site}".encode())
    return encode_units(units_of(site, number, CODEC), codec, randomness)[0] - known(site, number)


def omitted(site: str, number: int) -> Integers:
    """The same of a site that rounds and adds no noise."""
    total, _ = sum_units(units_of(site, number, CODEC), CODEC)
    return round_stochastically(total, SeededRandomness(site.encode())) - known(site, number)


def two_rounds(codec: UnitCodec, seed: int) -> list[list[Integers]]:
    return [[noise_of(site, number, codec, seed) for site in SITES] for number in (0, 1)]


def summed(rounds: list[list[Integers]]) -> list[Integers]:
    return [np.sum(shares, axis=0) for shares in rounds]


def broken_in_one_run(seed: int) -> dict[str, set[str]]:
    """What the check says of an honest run, and of the same run with each cheat."""
    first, second = two_rounds(CODEC, seed)
    quiet = replace(CODEC, share=replace(SHARE, variance=round(QUIETER**2 * SHARE.variance)))
    cheats = {
        "honest": [first, second],
        "quieter": two_rounds(quiet, seed),
        "omitter": [[*first[:-1], omitted(SITES[-1], 0)], [*second[:-1], omitted(SITES[-1], 1)]],
        "reused by one": [first, [*second[:-1], first[-1]]],
        "reused by all": [first, first],
        "reused elsewhere": [first, [*second[:-1], np.roll(first[-1], DIMENSION // 3)]],
        "one half twice": [[*first[:-1], np.tile(first[-1][: DIMENSION // 2], 2)], second],
    }
    return {name: broken(summed(rounds), VARIANCE) for name, rounds in cheats.items()}


@pytest.fixture(scope="module")
def results() -> Broken:
    runs = [broken_in_one_run(seed) for seed in range(RUNS)]
    return {name: [run[name] for run in runs] for name in runs[0]}


def caught(runs: list[set[str]], *statements: str) -> int:
    """In how many runs one of these statements was broken."""
    return sum(not one.isdisjoint(statements) for one in runs)


def test_an_honest_run_is_never_accused(results: Broken) -> None:
    assert results["honest"] == [set()] * RUNS


def test_a_deviation_of_0_995_times_what_was_promised_is_caught(results: Broken) -> None:
    assert caught(results["quieter"], "variance of round 0") >= CAUGHT_IN
    assert caught(results["quieter"], "variance of round 1") >= CAUGHT_IN
    assert caught(results["quieter"], "variance of all rounds") == RUNS


def test_one_site_of_ten_that_omits_its_noise_is_caught(results: Broken) -> None:
    assert caught(results["omitter"], "variance of round 0") >= CAUGHT_IN


@pytest.mark.parametrize("who", ["reused by one", "reused by all"])
def test_noise_that_is_used_in_two_rounds_is_caught(results: Broken, who: str) -> None:
    assert caught(results[who], "rounds 0 and 1") >= CAUGHT_IN


def test_noise_that_is_used_again_at_another_place_is_caught(results: Broken) -> None:
    assert caught(results["reused elsewhere"], "rounds 0 and 1") == 0
    assert caught(results["reused elsewhere"], "shifts of rounds 0 and 1") >= CAUGHT_IN
    assert caught(results["one half twice"], "halves of round 0") >= CAUGHT_IN


@pytest.mark.parametrize("variance", [1, 2, 10])
def test_the_interval_is_left_as_often_as_it_says_where_the_fourth_cumulant_counts(
    variance: int,
) -> None:
    """At a variance of 1 the interval of a normal law would be 18 % too narrow."""
    runs, coordinates, level = 4_000, 500, 0.05
    law = NoiseLaw(Mechanism.SKELLAM, variance)
    noise = draw_noise(law, runs * coordinates, bytes(32)).reshape(runs, coordinates)
    ratios = (noise.astype(np.float64) ** 2).mean(axis=1) / variance
    low, high = variance_interval(variance, coordinates, level)

    left = int(((ratios < low) | (ratios > high)).sum())

    assert binom.ppf(5e-4, runs, level) <= left <= binom.isf(5e-4, runs, level)
