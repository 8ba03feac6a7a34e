"""The law of every table against 300-bit references, over all entries, in integers."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

import pytest
from tests.rules.privacy.characteristic_function import POINT_BITS, skellam_by_transform
from tests.vectors.generate_noise import gaussian_law, skellam_law

from blindsum_rules.privacy.alias_table import TOTAL_BITS, AliasTable, build_table
from blindsum_rules.privacy.gaussian_table import gaussian_terms
from blindsum_rules.privacy.noise import (
    MAX_VARIANCE,
    TOTAL_VARIATION,
    Mechanism,
    NoiseLaw,
    noise_table,
)
from blindsum_rules.privacy.skellam_table import skellam_terms

SKELLAM, GAUSSIAN = Mechanism.SKELLAM, Mechanism.DISCRETE_GAUSSIAN
TOTAL: Final = 1 << TOTAL_BITS
ACCOUNTED: Final = Fraction(TOTAL_VARIATION)
TERMS_DISTANCE: Final = Fraction(1, 1 << 141)


def weights_of(table: AliasTable) -> list[int]:
    """Units of 2^-127 that each magnitude owns, read back from the columns."""
    columns, capacity = 1 << table.column_bits, TOTAL >> table.column_bits
    weights = [0] * columns
    stored = zip(table.words.tolist(), table.low_thresholds.tolist(), strict=True)
    for column, (word, low) in enumerate(stored):
        threshold = (word >> table.column_bits << 64) + low
        weights[column] += threshold
        weights[word % columns] += capacity - threshold
    return weights


def distance(weights: Sequence[int], law: Sequence[int]) -> Fraction:
    """Total variation between units of |X| and an unnormalised law on all integers."""
    total = law[0] + 2 * sum(law[1:])
    size = max(len(weights), len(law))
    ours = [*weights, *[0] * (size - len(weights))]
    theirs = [law[0], *[2 * one for one in law[1:]], *[0] * (size - len(law))]
    apart = sum(abs(one * total - other * TOTAL) for one, other in zip(ours, theirs, strict=True))
    return Fraction(apart, 2 * total * TOTAL)


def terms_distance(terms: Sequence[int], law: Sequence[int]) -> Fraction:
    """Total variation between two unnormalised laws on all integers."""
    total, other_total = (2 * sum(one) - one[0] for one in (terms, law))
    size = max(len(terms), len(law))
    padded = ([*one, *[0] * (size - len(one))] for one in (terms, law))
    apart = [abs(one * other_total - other * total) for one, other in zip(*padded, strict=True)]
    return Fraction(2 * sum(apart) - apart[0], 2 * total * other_total)


def check(law: NoiseLaw, reference: Sequence[int]) -> None:
    table = noise_table(law)
    weights = weights_of(table)
    apart = distance(weights, reference)

    assert sum(weights) == TOTAL
    assert weights[table.largest] > 0
    assert not any(weights[table.entries :])
    assert apart <= Fraction(table.entries, 2 * TOTAL) + TERMS_DISTANCE
    assert apart <= ACCOUNTED <= Fraction(1, 1 << 100)
    # Not vacuous: rounding to whole units is seen, so the reference resolves them.
    assert apart >= Fraction(1, 1 << 129)


@pytest.mark.parametrize("variance", [1, 2, 3, 7, 100, 101, 2500])
def test_a_skellam_table_is_the_difference_of_two_poissons(variance: int) -> None:
    check(NoiseLaw(SKELLAM, variance), skellam_law(variance))


@pytest.mark.slow
@pytest.mark.parametrize("deviation", [100, 2500, 10_000])
def test_a_wide_skellam_table_is_the_transform_of_its_characteristic_function(
    deviation: int,
) -> None:
    law = NoiseLaw(SKELLAM, deviation**2)

    check(law, skellam_by_transform(law.variance, noise_table(law).entries + deviation))


@pytest.mark.parametrize("variance", [1, 2, 3, 7, 100, 101, 2500, 10_000])
def test_a_discrete_gaussian_table_is_made_of_exponentials(variance: int) -> None:
    check(NoiseLaw(GAUSSIAN, variance), gaussian_law(variance))


@pytest.mark.slow
@pytest.mark.parametrize("deviation", [2500, 10_000])
def test_a_wide_discrete_gaussian_table_is_made_of_exponentials(deviation: int) -> None:
    check(NoiseLaw(GAUSSIAN, deviation**2), gaussian_law(deviation**2))


def test_the_two_references_for_skellam_agree_to_300_bits() -> None:
    variance = 400
    by_poissons, by_transform = skellam_law(variance), skellam_by_transform(variance, 350)

    total = 2 * sum(by_poissons) - by_poissons[0]
    for one, other in zip(by_poissons, by_transform, strict=False):
        assert abs(Fraction(one, total) - Fraction(other, 1 << POINT_BITS)) < Fraction(1, 1 << 300)


@pytest.mark.parametrize("variance", [1, 2, 5, 100, 2500])
def test_the_terms_are_as_near_to_their_laws_as_is_proven(variance: int) -> None:
    assert terms_distance(skellam_terms(variance), skellam_law(variance)) < TERMS_DISTANCE
    gaussian = terms_distance(gaussian_terms(variance), gaussian_law(variance))
    assert gaussian < Fraction(1, 1 << 185)


@pytest.mark.parametrize(("one", "other"), [(1, 1), (30, 70), (99, 1), (450, 450)])
def test_sums_of_skellam_shares_are_skellam_of_the_summed_variance(one: int, other: int) -> None:
    first, second = (signed_law(NoiseLaw(SKELLAM, variance)) for variance in (one, other))
    summed = signed_law(NoiseLaw(SKELLAM, one + other))

    convolved: dict[int, int] = {}
    for value, units in first.items():
        for more, share in second.items():
            convolved[value + more] = convolved.get(value + more, 0) + units * share

    values = convolved.keys() | summed.keys()
    apart = sum(abs(convolved.get(value, 0) - summed.get(value, 0) * 2 * TOTAL) for value in values)
    assert Fraction(apart, 2 * (2 * TOTAL) ** 2) < Fraction(1, 1 << 90)


def test_sums_of_discrete_gaussian_shares_are_not_discrete_gaussian() -> None:
    first = signed_law(NoiseLaw(GAUSSIAN, 1))

    zero = sum(units * first[-value] for value, units in first.items())

    at_zero = Fraction(zero, (2 * TOTAL) ** 2)
    told = Fraction(signed_law(NoiseLaw(GAUSSIAN, 2))[0], 2 * TOTAL)
    assert abs(at_zero - told) > Fraction(1, 1 << 30)


def signed_law(law: NoiseLaw) -> dict[int, int]:
    """Value to units of 2^-128: half of its magnitude's for each sign, all of them for zero."""
    signed = {0: 0}
    for magnitude, units in enumerate(weights_of(noise_table(law))):
        for sign in (1, -1):
            signed[sign * magnitude] = signed.get(sign * magnitude, 0) + units
    return signed


@pytest.mark.parametrize(
    ("law", "variance"),
    [
        (NoiseLaw(SKELLAM, 1), 1.0),
        (NoiseLaw(SKELLAM, 10_007), 10_007.0),
        (NoiseLaw(GAUSSIAN, 1), 0.9999997893),
        (NoiseLaw(GAUSSIAN, 10_007), 10_007.0),
    ],
)
def test_a_table_has_its_laws_variance(law: NoiseLaw, variance: float) -> None:
    weights = weights_of(noise_table(law))

    squares = sum(units * value * value for value, units in enumerate(weights))

    assert float(Fraction(squares, TOTAL)) == pytest.approx(variance, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("terms", [skellam_terms, gaussian_terms])
@pytest.mark.parametrize(("variance", "column_bits"), [(38_000**2, 19), (MAX_VARIANCE, 20)])
def test_the_widest_tables_have_as_few_entries_as_the_bound_says(
    terms: Callable[[int], list[int]], variance: int, column_bits: int
) -> None:
    table = build_table(terms(variance))

    assert table.column_bits == column_bits
    assert table.entries < 13.4 * variance**0.5 + 30
    assert Fraction(table.entries, 2 * TOTAL) + TERMS_DISTANCE < Fraction(2) ** (column_bits - 128)


def test_a_law_of_two_values_and_a_full_column_are_built_to_the_unit() -> None:
    table = build_table([2, 1])  # P(0) = 1/2, P(1) = P(-1) = 1/4: both columns are full
    uneven = build_table([1, 1])

    assert weights_of(table) == [TOTAL // 2, TOTAL // 2]
    assert table.words.tolist() == [0, 1]
    assert sum(weights_of(uneven)) == TOTAL
    assert abs(3 * weights_of(uneven)[0] - TOTAL) <= 3
