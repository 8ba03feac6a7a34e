"""The exact sum of a client's units: each clipped, laid on the fine grid and checked in integers.

What a unit adds is a function of that unit alone: not of its neighbours, of its place, or of how
units are cut into batches. So replacing one by zero changes the sum by that one's grid vector q, of
norm 2^12*L at the most, and by nothing else; float sums have no such bound.

Why a unit always passes the check. m is its largest absolute value, y = x/m as float64, N the norm
of y in float64, and q = trunc(y * s) with s = 2^12*L * `UNIT_MARGIN` * min(m/C, 1/N). A square in
N^2 underflows only where q is 0. In whatever order they are summed, at most 2^15 additions follow
one another for d <= 2^28; with root, reciprocal and products, s times the exact norm of y is too
long by less than 2^-38 of it, so |q| < 2^12*L * (1 - 2^-36) * (1 + 2^-38) < 2^12*L: truncation only
shortens.

Where units are counted (`privacy/adaptive_clipping.py`), one coordinate more holds +K for a unit
within C and -K for a longer one, K an integer and the same for all: by the comparison that clips.
The others then lie on a grid of reach A = isqrt((2^12*L)^2 - K^2). The proof above holds for A in
place of 2^12*L, and |q|^2 + K^2 <= A^2 + K^2 <= (2^12*L)^2. A unit of zeros lies within C and
counts; one that is not finite is not there at all, and adds zero to the count too.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Rejected
from blindsum_rules.codec.grid import LOW_BITS, halves_of_squares
from blindsum_rules.codec.parameters import FINE_BITS

UnitBatch = npt.NDArray[np.float64] | npt.NDArray[np.float32]
"""Units as rows, shape (units, d)."""

UNIT_MARGIN: Final = 1.0 - 2.0**-36
"""The grid is this much coarser than its reach for C, so that rounded norms stay inside.

It takes at most 2^-6 of a fine step from a coordinate.
"""

_CHUNK_VALUES: Final = 1 << 14

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class UnitGrid:
    """Where units come to lie.

    Attributes:
        clip_norm: C, finite, > 0.
        levels: L, 1 to 2^18.
        fine_bits: The grid is 2^b times finer than what is sent; 1 to 12.
        count_steps: K, what a unit within C adds to the count, and a longer one takes from it;
            0 where units are not counted, else below 2^b*L.
    """

    clip_norm: float
    levels: int
    fine_bits: int = FINE_BITS
    count_steps: int = 0

    @property
    def longest(self) -> int:
        """The norm on the grid that no unit exceeds, its count included: 2^b*L, at most 2^30."""
        return self.levels << self.fine_bits

    @property
    def reach(self) -> int:
        """What C maps to: what the count leaves of the norm."""
        return math.isqrt(self.longest**2 - self.count_steps**2)


def add_units(total: _Integers, batch: UnitBatch, grid: UnitGrid) -> tuple[int, int]:
    """Add a batch of units to a sum.

    Units of up to 2^14 values are taken several at once, longer ones by pieces: three arrays of
    128 KiB and a piece of the sum stay in the cache, and a unit is read from memory three times.

    Args:
        total: int64, shape (d,), d <= 2^28: the sum so far, changed in place; within +-2^62 after
            it, which the caller sees to. Where units are counted, the last value is the count.
        batch: float64 or float32, in any memory layout; of shape (units, d), or (units, d - 1)
            where units are counted.
        grid: Where they come to lie.

    Returns:
        How many of these units were not finite, and added zero, and how many were clipped.

    Raises:
        Rejected: `unit-norm`, if a unit on the grid is longer than the grid allows: a bug, since
            clipping and margin rule it out for all floats. The sum is then of no use.
    """
    non_finite = clipped = 0
    values = total[: batch.shape[1]]
    together = max(1, _CHUNK_VALUES // values.size)
    for start in range(0, len(batch), together):
        units = _Units(batch[start : start + together])
        step, is_clipped = units.step(grid)
        _add_group(values, units, step, grid)
        non_finite += int(np.count_nonzero(~units.finite))
        clipped += int(np.count_nonzero(is_clipped))
    if grid.count_steps:
        within = len(batch) - non_finite - clipped
        total[-1] += grid.count_steps * (within - clipped)
    return non_finite, clipped


class _Units:
    """A few units, relative to their largest absolute values, so that no square overflows."""

    def __init__(self, rows: UnitBatch) -> None:
        self.rows = rows
        largest = np.zeros(len(rows), np.float64)
        for piece in self._pieces():
            # A NaN or an infinity anywhere in a row shows in its maximum.
            np.maximum(largest, np.abs(rows[:, piece]).max(axis=1), out=largest)
        self.finite: _Flags = np.isfinite(largest)
        self.moving: _Flags = self.finite & (largest > 0)
        self.largest: _Floats = np.where(self.moving, largest, 1.0)

    def relative(self) -> Iterator[tuple[slice, _Floats]]:
        """Pieces of all rows over their largest absolute values; zeros for what is not finite."""
        for piece in self._pieces():
            values = self.rows[:, piece].astype(np.float64, order="C")
            if not self.finite.all():
                values[~self.finite] = 0.0
            values /= self.largest[:, np.newaxis]
            yield piece, values

    def step(self, grid: UnitGrid) -> tuple[_Floats, _Flags]:
        """What relative values are multiplied by, a row, and which rows are clipped by that."""
        squares = np.zeros(len(self.rows), np.float64)
        for _, values in self.relative():
            squares += np.add.reduce(values * values, axis=1)
        # A norm relative to the largest value is 1 or more, but for rows of zeros.
        room = 1 / np.sqrt(np.maximum(squares, 1.0))
        with np.errstate(over="ignore"):
            unclipped = self.largest / grid.clip_norm
        step = (grid.reach * UNIT_MARGIN) * np.minimum(unclipped, room)
        return step, self.moving & (unclipped > room)

    def _pieces(self) -> Iterator[slice]:
        for start in range(0, self.rows.shape[1], _CHUNK_VALUES):
            yield slice(start, start + _CHUNK_VALUES)


def _add_group(total: _Integers, units: _Units, step: _Floats, grid: UnitGrid) -> None:
    """Truncate towards zero, check every norm in integers, its count included, and add."""
    longest = grid.longest
    high = np.zeros(len(step), np.int64)
    low = np.zeros(len(step), np.int64)
    inside = True
    for piece, values in units.relative():
        stretched = np.multiply(values, step[:, np.newaxis], out=values)
        whole = stretched.astype(np.int64)  # the conversion truncates towards zero
        inside &= bool(-longest <= whole.min() and whole.max() <= longest)
        upper, lower = halves_of_squares(whole)
        high += upper
        low += lower
        total[piece] += np.add.reduce(whole, axis=0)
    high += low >> LOW_BITS
    low &= (1 << LOW_BITS) - 1
    most_high, most_low = divmod(longest**2 - grid.count_steps**2, 1 << LOW_BITS)
    if not inside or bool(((high > most_high) | ((high == most_high) & (low > most_low))).any()):
        raise Rejected("unit-norm", "expected every clipped unit within the grid's norm")
