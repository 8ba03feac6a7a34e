"""Whether cells exclude one another: proven from their conditions, for any record whatever."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt


class Interval(Protocol):
    """A condition on one column: at_least <= value < below."""

    @property
    def column(self) -> str:
        """Of which column."""
        ...

    @property
    def at_least(self) -> int:
        """The least value that holds."""
        ...

    @property
    def below(self) -> int:
        """The least value above those that hold."""
        ...


def are_exclusive(cells: Sequence[Sequence[Interval]]) -> bool:
    """Say whether no record can hold the conditions of two of these cells.

    Two cells exclude one another if some column's intervals of both have no value in common.

    Args:
        cells: The conditions of every cell, one condition a column, ends within 2^62.
    """
    apart = np.eye(len(cells), dtype=np.bool_)
    for column in sorted({one.column for cell in cells for one in cell}):
        lowest, beyond = _ends(cells, column)
        before = beyond[:, np.newaxis] <= lowest[np.newaxis, :]
        apart |= before | before.T
    return bool(apart.all())


def _ends(
    cells: Sequence[Sequence[Interval]], column: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where every cell's interval of a column begins and ends; one without goes all the way."""
    lowest = np.full(len(cells), np.iinfo(np.int64).min)
    beyond = np.full(len(cells), np.iinfo(np.int64).max)
    for index, cell in enumerate(cells):
        for one in cell:
            if one.column == column:
                lowest[index], beyond[index] = one.at_least, one.below
    return lowest, beyond
