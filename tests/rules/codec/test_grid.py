"""Norms on the fine grid: exact, far beyond what one int64 sum holds, and a row at a time."""

from math import isqrt

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from blindsum_rules.codec.exact_norm import sum_of_squares
from blindsum_rules.codec.grid import LOW_BITS, GridNorm, halves_of_squares, sum_of_grid_squares

VALUES = st.integers(-(1 << 30), 1 << 30)
SHAPES = st.tuples(st.integers(1, 8), st.integers(1, 50))


def together(rows: npt.NDArray[np.int64]) -> list[int]:
    high, low = halves_of_squares(rows)
    halves = zip(high.tolist(), low.tolist(), strict=True)
    return [(upper << LOW_BITS) + lower for upper, lower in halves]


@settings(deadline=None)
@given(hnp.arrays(np.int64, SHAPES, elements=VALUES))
def test_the_sums_of_squares_are_exact_and_each_rows_own(rows: npt.NDArray[np.int64]) -> None:
    assert together(rows) == [sum(value**2 for value in row) for row in rows.tolist()]
    assert together(rows) == [sum_of_grid_squares(row) for row in rows]
    assert together(rows) == [sum_of_squares(row) for row in rows]


def test_a_sum_of_squares_is_exact_far_beyond_64_bits() -> None:
    rows = np.full((2, 1 << 12), 1 << 30, np.int64)
    assert together(rows) == [1 << 72] * 2
    assert int((rows[0] * rows[0]).sum()) != 1 << 72, "the control: one int64 sum wraps around"


@settings(deadline=None)
@given(hnp.arrays(np.int64, SHAPES, elements=VALUES), st.integers(-1, 1))
def test_a_norm_told_in_pieces_is_exact_to_one_square(
    rows: npt.NDArray[np.int64], beyond: int
) -> None:
    rows[0, 0] = rows[0, 0] or 1
    squares = sum(value**2 for value in rows.ravel().tolist())
    longest = isqrt(squares) + beyond
    norm = GridNorm(longest)
    for piece in rows:
        norm.add(piece)
    assert norm.is_within == (squares <= longest**2)


@pytest.mark.parametrize("far", [(1 << 32), -(1 << 32), -(2**63), 2**63 - 1])
def test_a_value_whose_square_overflows_is_not_within_whatever_follows(far: int) -> None:
    norm = GridNorm(1 << 30)
    norm.add(np.array([0, far], np.int64))
    norm.add(np.zeros(3, np.int64))
    assert not norm.is_within
