"""The fine integer grid between floats and what is sent: its margin, and its exact norms."""

from typing import Final

import numpy as np
import numpy.typing as npt

GRID_MARGIN: Final = 1.0 - 2.0**-40
"""The grid is this much coarser than 2^12*L steps for the longest vector.

It outweighs every float64 rounding of a norm over up to 2^30 values, so that a clipped vector
always passes the exact check; it costs at most one fine step, 2^-12 of a level, a coordinate.
"""

LOW_BITS: Final = 30
"""Squares are cut here, so that both halves of many of them can be summed in int64."""

_LOW_MASK: Final = (1 << LOW_BITS) - 1

_Integers = npt.NDArray[np.int64]


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
