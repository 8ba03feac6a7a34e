"""Width: the tail against exact ones, and the table of the design."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ive  # type: ignore[import-untyped]

from blindsum_crypto.packing import largest_field
from blindsum_rules.privacy.field import field_bits, noise_tail, smallest
from blindsum_rules.privacy.noise import Mechanism

# dimension, noise multiplier, levels: bits for 4, 10, 100 and 1,000 clients of which half count.
# The very last is 24 and not 23: 1,000 * 4,121 alone leaves a tail of 73,303, and one standard
# deviation of the noise is 23,306.
WIDTHS = [
    (1_000, 0.5, 1_817, (16, 16, 19, 22)),
    (1_000, 1, 1_034, (16, 16, 18, 21)),
    (1_000, 4, 570, (16, 17, 18, 21)),
    (100_000, 0.5, 3_322, (17, 17, 20, 23)),
    (100_000, 1, 2_263, (17, 17, 19, 23)),
    (100_000, 4, 1_533, (18, 18, 19, 22)),
    (1_000_000, 0.5, 7_980, (18, 19, 21, 24)),
    (1_000_000, 1, 5_782, (18, 19, 21, 24)),
    (1_000_000, 4, 4_120, (19, 19, 21, 24)),
]


def exact_tails(
    mechanism: Mechanism, variance: int
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """P(X >= k) for k = 0, 1, ..."""
    points = np.arange(0, 40 * math.isqrt(variance) + 400)
    law = (
        ive(points, variance)
        if mechanism is Mechanism.SKELLAM
        else np.exp(-(points**2) / (2 * variance)) / math.sqrt(2 * math.pi * variance)
    )
    tails: np.ndarray[tuple[int], np.dtype[np.float64]] = np.cumsum(law[::-1])[::-1]
    return tails


@pytest.mark.parametrize("mechanism", Mechanism)
@pytest.mark.parametrize("variance", [4, 30, 1_000, 100_000])
@pytest.mark.parametrize("dimension", [1, 1_000, 1_000_000])
def test_the_tail_is_never_below_the_exact_one_and_little_above(
    mechanism: Mechanism, variance: int, dimension: int
) -> None:
    allowed = 2.0**-40 / (2 * dimension)
    exact = int(np.argmax(exact_tails(mechanism, variance) <= allowed))

    found = noise_tail(mechanism, variance, dimension)

    assert exact <= found <= exact * 1.07 + 2


@given(st.integers(1, 1 << 50), st.integers(1, 1 << 28))
def test_the_tail_grows_with_variance_and_dimension(variance: int, dimension: int) -> None:
    for mechanism in Mechanism:
        tail = noise_tail(mechanism, variance, dimension)

        assert noise_tail(mechanism, 2 * variance, dimension) > tail
        assert noise_tail(mechanism, variance, 2 * dimension) >= tail


@given(st.integers(1, 1 << 60))
def test_a_field_holds_its_sum_and_one_bit_fewer_does_not(worst: int) -> None:
    bits = field_bits(worst)

    assert largest_field(bits) >= worst > largest_field(bits - 1)


@pytest.mark.parametrize("worst", [*range(1, 40), 127, 128, 32_767, 32_768])
def test_bits_are_the_formula(worst: int) -> None:
    assert field_bits(worst) == math.ceil(math.log2(2 * worst + 1))


@pytest.mark.parametrize(("dimension", "z", "levels", "bits"), WIDTHS)
def test_the_table_of_widths(dimension: int, z: float, levels: int, bits: tuple[int, ...]) -> None:
    found = []
    for clients in (4, 10, 100, 1_000):
        variance = clients * math.ceil((z * levels) ** 2 / (clients // 2))
        tail = noise_tail(Mechanism.SKELLAM, variance, dimension)
        found.append(field_bits(clients * (levels + 1) + tail))

    assert tuple(found) == bits


@given(st.integers(1, 10**12))
def test_bisection_finds_the_edge(edge: int) -> None:
    assert smallest(lambda value: value >= edge) == edge
