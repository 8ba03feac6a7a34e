"""The fine integer grid between floats and what is sent: its margin, and its exact norms."""

from typing import Final

import numpy as np
import numpy.typing as npt

GRID_MARGIN: Final = 1.0 - 2.0**-40
"""The grid is this much coarser than 2^12*L steps for the longest vector.

It outweighs every float64 rounding, also of a norm that is summed as `encoding.py` sums it, so that
a clipped vector always passes the exact check; it costs at most one fine step, 2^-12 of a level, a
coordinate.
"""

LOW_BITS: Final = 30
"""Squares are cut here, so that both halves of many of them can be summed in int64."""

_LOW_MASK: Final = (1 << LOW_BITS) - 1

_Integers = npt.NDArray[np.int64]


class GridNorm:
    """Whether one vector on the grid is within a norm: exactly, and told piece by piece.

    Args:
        longest: The norm, at most 2^30.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._squares = 0
        self._is_inside = True

    def add(self, piece: _Integers) -> None:
        """Count a piece in: int64, shape (n,), n at least 1, of up to 2^32 values in all."""
        # A square is taken only of what has one in int64.
        self._is_inside &= -self._longest <= int(piece.min()) and int(piece.max()) <= self._longest
        if self._is_inside:
            self._squares += sum_of_grid_squares(piece)

    @property
    def is_within(self) -> bool:
        """Whether the pieces so far make a vector that is no longer than the norm."""
        return self._is_inside and self._squares <= self._longest**2


def sum_of_grid_squares(grid: _Integers) -> int:
    """The exact sum of squares of one vector; `exact_norm.py` takes any values, and is slower.

    Args:
        grid: int64, shape (n,), up to 2^32 values within +-2^30.
    """
    high, low = halves_of_squares(grid)
    return (int(high) << LOW_BITS) + int(low)


def halves_of_squares(grid: _Integers) -> tuple[_Integers, _Integers]:
    """The exact sums of squares along the last axis, as `(high << 30) + low`: a norm a row.

    One square fits int64 and eight would not, so the squares are cut at bit 30 and both halves
    summed apart: exact for 2^32 values.

    Args:
        grid: int64, shape (..., n), up to 2^32 values a row within +-2^30.

    Returns:
        Two int64 arrays of shape (...), 0 or more; low is not yet below 2^30.
    """
    squares = grid * grid
    high = np.add.reduce(squares >> LOW_BITS, axis=-1)
    squares &= _LOW_MASK
    return high, np.add.reduce(squares, axis=-1)
