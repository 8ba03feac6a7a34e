"""Encoding piece by piece: value for value what a whole-array reading of the page gives."""

from collections.abc import Callable
from math import fsum, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_crypto.errors import Rejected
from blindsum_crypto.keystream import keystream
from blindsum_crypto.randomness import SeededRandomness, SystemRandomness
from blindsum_rules.codec.encoding import Floats, encode
from blindsum_rules.codec.parameters import FINE_BITS, MAX_LEVELS, Codec
from blindsum_rules.codec.rounding import CHUNK_VALUES, round_stochastically

CODEC: Final = Codec(clip_norm=1.0, levels=MAX_LEVELS, weight_cap=100, weight_scale=0.5)
RECORDS: Final = 80
FINE_STEPS: Final = 1 << FINE_BITS
ONCE_IN_A_MILLION: Final = 4.8916  # standard deviations, both sides
LENGTHS: Final = [
    chunks * CHUNK_VALUES + beside
    for chunks in (0, 1, 2, 3)
    for beside in (-2, -1, 0, 1, 2)
    if chunks * CHUNK_VALUES + beside > 0
]

Integers = npt.NDArray[np.int64]


class Recorded:
    """Randomness that remembers what it handed out."""

    def __init__(self) -> None:
        self.handed: list[bytes] = []
        self._inner = SystemRandomness()

    def bytes(self, count: int) -> bytes:
        self.handed.append(self._inner.bytes(count))
        return self.handed[-1]


def update_of(length: int, norm: float) -> npt.NDArray[np.float32]:
    drawn = np.random.default_rng(length).standard_normal(length)
    return (drawn * (norm / np.linalg.norm(drawn))).astype(np.float32)


def whole_grid(update: Floats) -> Integers:
    """Section 9 as it stands, over all of the vector at once."""
    values = update.astype(np.float64)
    norm = sqrt(fsum((values * values).tolist()))
    weight = RECORDS / CODEC.weight_cap
    clipped = values if norm <= CODEC.clip_norm else values * (CODEC.clip_norm / norm)
    weighted = np.append(clipped * weight, CODEC.weight_scale * weight)
    reach = (CODEC.levels << FINE_BITS) * (1 - 2.0**-40)
    return np.trunc(weighted / CODEC.joint_norm * reach).astype(np.int64)


def whole(update: Floats, key: bytes) -> Integers:
    words = keystream(key, 2 * (update.size + 1)).view("<u2").astype(np.int64)
    return (whole_grid(update) + words % FINE_STEPS) >> FINE_BITS


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("length", LENGTHS)
def test_an_update_within_the_norm_becomes_what_the_specification_says_at_every_edge_of_a_piece(
    length: int, kind: type[np.float32]
) -> None:
    update, randomness = update_of(length, 0.9).astype(kind), Recorded()
    sent = encode(update, RECORDS, CODEC, randomness)
    (key,) = randomness.handed
    assert len(key) == 32
    assert np.array_equal(sent, whole(update, key))


@pytest.mark.parametrize("length", LENGTHS)
def test_a_clipped_update_is_within_a_fine_step_of_what_the_specification_says(length: int) -> None:
    """A norm has many sums in floats: a fine step may differ, and by that seldom a level."""
    update, randomness = update_of(length, 40.0), Recorded()
    sent = encode(update, RECORDS, CODEC, randomness)
    difference = sent - whole(update, randomness.handed[0])
    assert int(np.abs(difference).max()) <= 1
    assert np.count_nonzero(difference) <= 1 + length // 1000


@pytest.mark.parametrize("length", LENGTHS)
def test_float32_is_taken_as_the_float64_that_it_equals(length: int) -> None:
    for norm in (0.5, 40.0):
        update = update_of(length, norm)
        one, other = (
            encode(values, RECORDS, CODEC, SeededRandomness(b"equal"))
            for values in (update, update.astype(np.float64))
        )
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    "laid", [lambda one: np.repeat(one, 2)[::2], lambda one: one[::-1].copy()[::-1]]
)
def test_the_memory_layout_changes_nothing(laid: Callable[[Floats], Floats]) -> None:
    update = update_of(CHUNK_VALUES + 5, 40.0)
    one, other = (
        encode(values, RECORDS, CODEC, SeededRandomness(b"laid"))
        for values in (update, laid(update))
    )
    assert np.array_equal(one, other)


def test_an_update_is_never_written_to() -> None:
    update = update_of(CHUNK_VALUES + 5, 40.0)
    update.setflags(write=False)
    before = update.copy()
    encode(update, RECORDS, CODEC, SystemRandomness())
    assert np.array_equal(update, before)


@pytest.mark.parametrize("place", [0, CHUNK_VALUES - 1, CHUNK_VALUES, 2 * CHUNK_VALUES])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_found_in_every_piece(place: int, bad: float) -> None:
    update = update_of(2 * CHUNK_VALUES + 1, 0.5)
    update[place] = bad
    randomness = Recorded()
    with pytest.raises(Rejected) as caught:
        encode(update, RECORDS, CODEC, randomness)
    assert caught.value.rule == "non-finite-update"
    assert not randomness.handed


def test_every_vector_is_rounded_under_a_key_of_its_own() -> None:
    randomness, update = Recorded(), update_of(100, 0.5)
    for _ in range(5):
        encode(update, RECORDS, CODEC, randomness)
    assert [len(key) for key in randomness.handed] == [32] * 5
    assert len(set(randomness.handed)) == 5


# ---- the law of a million roundings under one key


def deviations(ups: Integers, fractions: npt.NDArray[np.float64]) -> float:
    variance = float((fractions * (1 - fractions)).sum())
    return float((ups - fractions).sum()) / sqrt(variance)


@pytest.mark.slow
def test_a_million_roundings_are_unbiased_independent_and_of_a_coins_variance() -> None:
    """The seeds are fixed; a correct run leaves each interval once in a million."""
    update = update_of(10**6, 0.9)
    grid = whole_grid(update)
    fractions = (grid & (FINE_STEPS - 1)) / FINE_STEPS
    ups = encode(update, RECORDS, CODEC, SeededRandomness(b"law")) - (grid >> FINE_BITS)
    assert set(np.unique(ups)) == {0, 1}
    assert abs(deviations(ups, fractions)) < ONCE_IN_A_MILLION
    for eighth in range(8):
        chosen = (fractions * 8).astype(np.int64) == eighth
        assert abs(deviations(ups[chosen], fractions[chosen])) < ONCE_IN_A_MILLION
    errors = ups - fractions
    for lag in (1, 2, 8, CHUNK_VALUES):
        shifted = float(np.corrcoef(errors[lag:], errors[:-lag])[0, 1]) * sqrt(errors.size)
        assert abs(shifted) < ONCE_IN_A_MILLION


@pytest.mark.slow
def test_the_control_that_a_bias_of_a_hundredth_of_a_level_is_seen() -> None:
    grid = whole_grid(update_of(10**6, 0.9))
    fractions = (grid & (FINE_STEPS - 1)) / FINE_STEPS
    moved = round_stochastically(grid + FINE_STEPS // 100, SeededRandomness(b"law"))
    assert abs(deviations(moved - (grid >> FINE_BITS), fractions)) > ONCE_IN_A_MILLION
