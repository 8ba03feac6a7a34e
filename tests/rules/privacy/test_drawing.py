"""Draws: word for word those of plain Python, ties included, and of the law that was asked for."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest
from tests.vectors import generate_noise as plain

from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.privacy.alias_table import AliasTable
from blindsum_rules.privacy.drawing import MAX_DRAWS, draw
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw, draw_noise, noise_table

KEY: Final = SeededRandomness(b"tests/drawing").bytes(32)
OTHER_KEY: Final = SeededRandomness(b"tests/drawing, another").bytes(32)
MANY: Final = 1_000_000
OVER_TWO_CHUNKS: Final = 2 * 8192 + 5
LAWS: Final = [
    NoiseLaw(mechanism, variance) for mechanism in Mechanism for variance in (1, 100, 10**4)
]
PLAIN_LAWS: Final[dict[Mechanism, Callable[[int], list[int]]]] = {
    Mechanism.SKELLAM: plain.skellam_law,
    Mechanism.DISCRETE_GAUSSIAN: plain.gaussian_law,
}


def table_of(columns: Sequence[tuple[int, int]]) -> AliasTable:
    """A table with these thresholds and aliases."""
    bits = (len(columns) - 1).bit_length()
    words, low = (np.frombuffer(part, "<u8") for part in plain.table_words(columns))
    return AliasTable(bits, len(columns), words, low)


def probabilities(law: NoiseLaw) -> npt.NDArray[np.float64]:
    """P(0), P(1), ... in float64, from the definition."""
    terms = PLAIN_LAWS[law.mechanism](law.variance)
    total = 2 * sum(terms) - terms[0]
    return np.array([term / total for term in terms])


@pytest.mark.parametrize("law", [law for law in LAWS if law.variance < 10**4])
def test_draws_are_word_for_word_those_of_plain_python(law: NoiseLaw) -> None:
    columns = plain.alias_columns(plain.weights(PLAIN_LAWS[law.mechanism](law.variance)))

    expected = plain.draws(columns, KEY, OVER_TWO_CHUNKS)

    assert draw_noise(law, OVER_TWO_CHUNKS, KEY).tolist() == expected


@pytest.mark.parametrize("deviation", [2500, 10_000])
def test_draws_from_a_wide_table_are_word_for_word_those_of_plain_python(deviation: int) -> None:
    table = noise_table(NoiseLaw(Mechanism.SKELLAM, deviation**2))
    thresholds = zip(table.words.tolist(), table.low_thresholds.tolist(), strict=True)
    bits = table.column_bits
    columns = [((word >> bits << 64) + low, word % 2**bits) for word, low in thresholds]

    assert draw(table, 9001, KEY).tolist() == plain.draws(columns, KEY, 9001)


@pytest.mark.parametrize("above", [-1, 0, 1, 2])
@pytest.mark.parametrize("place", [0, 1, 2, 8191, 8192, 8193, OVER_TWO_CHUNKS - 1])
def test_a_tie_is_decided_by_64_further_bits(place: int, above: int) -> None:
    first = plain.stream_words(KEY, 0, place + 1)[-1]
    further = plain.stream_words(KEY, plain.FURTHER_OFFSET, place + 1)[-1]
    drawn = ((first % 2**63 >> 3) << 64) + further
    columns = [(0, 7 - column) for column in range(8)]
    columns[first % 8] = (drawn + above, 7 - first % 8)

    values = draw(table_of(columns), OVER_TWO_CHUNKS, KEY)

    assert abs(values[place]) == (first % 8 if above > 0 else 7 - first % 8)
    assert values.tolist() == plain.draws(columns, KEY, OVER_TWO_CHUNKS)


def test_several_ties_in_one_chunk_are_each_decided_by_their_own_bits() -> None:
    firsts = plain.stream_words(KEY, 0, 40)
    further = plain.stream_words(KEY, plain.FURTHER_OFFSET, 40)
    columns = [(0, 63 - column) for column in range(64)]
    for place, (first, more) in enumerate(zip(firsts, further, strict=True)):
        threshold = ((first % 2**63 >> 6) << 64) + more + place % 2
        columns[first % 64] = (threshold, 63 - first % 64)

    assert draw(table_of(columns), 40, KEY).tolist() == plain.draws(columns, KEY, 40)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 8191, 8192, 8193])
def test_fewer_draws_are_the_first_of_more(count: int) -> None:
    law = LAWS[1]

    values = draw_noise(law, count, KEY)

    assert values.shape == (count,)
    assert values.dtype == np.int64
    assert values.flags.writeable
    assert np.array_equal(values, draw_noise(law, OVER_TWO_CHUNKS, KEY)[:count])


@pytest.mark.parametrize("law", LAWS)
def test_a_million_draws_pass_a_chi_square_test_of_the_signed_law(law: NoiseLaw) -> None:
    values = draw_noise(law, MANY, KEY)
    half = probabilities(law)
    expected = MANY * np.concatenate([half[:0:-1], half])
    largest = len(half) - 1
    observed = np.bincount(values + largest, minlength=2 * largest + 1)
    # Neighbours share a cell until a cell expects 50 draws.
    cells = np.floor(np.cumsum(expected) / 50 * (1 - 1e-12)).astype(np.int64)
    starts = np.flatnonzero(np.diff(cells, prepend=-1))[:-1]  # the last may expect fewer

    wanted = np.add.reduceat(expected, starts)
    found = np.add.reduceat(observed, starts)
    statistic = float(((found - wanted) ** 2 / wanted).sum())

    freedom = len(starts) - 1
    assert freedom >= 8
    assert abs(statistic - freedom) < 5 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("law", LAWS)
def test_a_million_draws_have_the_laws_mean_and_variance(law: NoiseLaw) -> None:
    values = draw_noise(law, MANY, KEY).astype(np.float64)
    half = probabilities(law)
    squares = np.arange(len(half), dtype=np.float64) ** 2
    variance = float((2 * half * squares).sum())
    fourth = float((2 * half * squares**2).sum())

    assert abs(values.mean()) < 5 * (variance / MANY) ** 0.5
    assert abs((values**2).mean() - variance) < 5 * ((fourth - variance**2) / MANY) ** 0.5


@pytest.mark.parametrize("law", LAWS)
def test_both_signs_are_as_frequent_and_zero_keeps_all_of_its_weight(law: NoiseLaw) -> None:
    values = draw_noise(law, MANY, KEY)
    positive, negative = int((values > 0).sum()), int((values < 0).sum())
    zero = float(probabilities(law)[0])

    assert abs(positive - negative) < 5 * (positive + negative) ** 0.5
    share = (MANY - positive - negative) / MANY
    assert abs(share - zero) < 5 * (zero * (1 - zero) / MANY) ** 0.5


def test_a_sign_says_nothing_about_the_magnitude_nor_a_draw_about_the_next() -> None:
    values = draw_noise(NoiseLaw(Mechanism.SKELLAM, 100), MANY, KEY).astype(np.float64)

    assert abs(correlation(np.sign(values), np.abs(values))) < 5 / MANY**0.5
    assert abs(correlation(values[:-1], values[1:])) < 5 / MANY**0.5
    assert abs(correlation(np.abs(values[:-1]), np.abs(values[1:]))) < 5 / MANY**0.5


def test_two_keys_draw_uncorrelated_shares_and_one_key_the_same_one() -> None:
    law = NoiseLaw(Mechanism.SKELLAM, 100)

    first, second = draw_noise(law, MANY, KEY), draw_noise(law, MANY, OTHER_KEY)

    assert abs(correlation(first, second)) < 5 / MANY**0.5
    assert abs(correlation(np.abs(first), np.abs(second))) < 5 / MANY**0.5
    assert np.array_equal(first, draw_noise(law, MANY, KEY))


def correlation(
    one: npt.NDArray[np.float64 | np.int64], other: npt.NDArray[np.float64 | np.int64]
) -> float:
    return float(np.corrcoef(one, other)[0, 1])


@pytest.mark.parametrize("count", [-1, MAX_DRAWS + 1])
def test_a_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(Refused) as caught:
        draw_noise(LAWS[0], count, KEY)

    assert caught.value.rule == "noise-count"


@pytest.mark.parametrize("size", [16, 31, 33])
def test_a_key_of_a_wrong_length_is_refused_and_not_told(size: int) -> None:
    key = (KEY + KEY)[:size]

    with pytest.raises(Refused) as caught:
        draw_noise(LAWS[0], 1, key)

    assert caught.value.rule == "keystream-key-length"
    assert key.hex() not in str(caught.value)
    assert repr(key) not in repr(caught.value)
