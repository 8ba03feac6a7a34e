"""Neighbouring data sets through the whole codec before noise, under all theta of a 4-bit grid."""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
from tests.rules.codec.given_randomness import Given

from blindsum_rules.codec.rounding import round_stochastically
from blindsum_rules.codec.unit_sum import UnitGrid, add_units

BITS: Final = 4
THETAS: Final = 1 << BITS
GRID: Final = UnitGrid(clip_norm=0.5, levels=1, fine_bits=BITS)

Floats = npt.NDArray[np.float64]

DATA_SETS: Final[dict[str, Floats]] = {
    "one unit": np.array([[0.3, -0.2]]),
    "short ones": np.array([[0.1, 0.05], [-0.03, 0.2], [0.31, 0.0]]),
    "long ones": np.array([[30.0, -4.0], [-7.0, -1e300], [0.36, 0.36]]),
    "of exactly the norm": np.array([[0.3, 0.4], [0.0, -0.5], [-0.4, 0.3]]),
    "tiny and zero": np.array([[5e-324, 0.0], [0.0, 0.0], [0.499, 1e-9]]),
    "odd ones": np.array([[math.nan, 0.2], [0.2, math.inf], [0.2, 0.1]]),
}
PAIRS: Final = [(name, place) for name, units in DATA_SETS.items() for place in range(len(units))]


def summed(units: Floats) -> npt.NDArray[np.int64]:
    total = np.zeros(2, np.int64)
    add_units(total, units, GRID)
    return total


def outputs(total: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """What is sent before noise, for all 256 pairs of theta: shape (256, 2)."""
    thetas = np.array([(first, second) for first in range(THETAS) for second in range(THETAS)])
    grid = np.broadcast_to(total, thetas.shape).ravel()
    return round_stochastically(grid, Given(thetas.ravel().tolist()), BITS).reshape(-1, 2)


def law(vectors: npt.NDArray[np.int64]) -> dict[Any, int]:
    kinds, counts = np.unique(vectors, axis=0, return_counts=True)
    return dict(zip(map(tuple, kinds.tolist()), counts.tolist(), strict=True))


@pytest.mark.parametrize(("name", "place"), PAIRS)
def test_zero_in_a_units_place_changes_the_output_by_a_rounding_of_its_own_vector(
    name: str, place: int
) -> None:
    units = DATA_SETS[name]
    neighbour = units.copy()
    neighbour[place] = 0
    own = summed(units[place : place + 1])

    change = outputs(summed(units)) - outputs(summed(neighbour))

    assert law(change) == law(outputs(own))
    assert int((own * own).sum()) <= THETAS**2


@pytest.mark.parametrize(("name", "place"), PAIRS)
@pytest.mark.parametrize("other", [[-0.4, 0.3], [1e9, 1e9], [math.nan, 0.0]])
def test_another_unit_in_its_place_changes_it_by_a_rounding_of_both_vectors_difference(
    name: str, place: int, other: list[float]
) -> None:
    units = DATA_SETS[name]
    neighbour = units.copy()
    neighbour[place] = other
    difference = summed(units[place : place + 1]) - summed(np.array([other]))

    change = outputs(summed(units)) - outputs(summed(neighbour))

    assert law(change) == law(outputs(difference))
    assert int((difference * difference).sum()) <= (2 * THETAS) ** 2
