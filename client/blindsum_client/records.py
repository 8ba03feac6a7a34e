"""A site's records as columns, and what each of them adds to the cells of a query.

Columns come as anything that is indexed by a column's name and gives one value a record: a mapping
of lists or arrays, a structured array, a data frame. Nothing here says a value in an error.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Rejected
from blindsum_rules.statistics.query import LEAST, MOST, Cell, Condition, Query

_CHUNK_VALUES: Final = 1 << 18
_NUMBERS: Final = "biuf"
_ISO_DAY: Final = re.compile(r"\s*(\d{4}-\d{2}-\d{2})(?!\d)")

_Floats = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]


class Records(Protocol):
    """Records by column; pandas data frames and mappings of arrays are such."""

    def __getitem__(self, column: str, /) -> Any:  # noqa: ANN401 - whatever numpy reads
        """One value a record."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class RecordBatch:
    """What some records add.

    Attributes:
        values: float64, shape (records, cells): what each record adds to every cell, whole where
            it is `permitted`, and zero in cells that it does not belong to.
        in_window: Which of them are asked about at all.
        permitted: bool, shape (records, cells): where a cell's rule holds: a whole number within
            its range, or a record that is not in the cell.
    """

    values: _Floats
    in_window: _Flags
    permitted: _Flags


def batches(query: Query, records: Records) -> Iterator[RecordBatch]:
    """What every record adds to every cell, some records at a time, in their order.

    Args:
        query: What is asked.
        records: The site's records.

    Raises:
        Rejected: `records-column`, when the query's columns are missing, or are not one value a
            record; `records-length`, when they differ in length.
    """
    numbers = {name: _numbers(name, _column(name, records)) for name in _columns(query)}
    in_window = _in_window(query, records)
    lengths = {column.size for column in numbers.values()}
    lengths |= set() if in_window is None else {in_window.size}
    if len(lengths) != 1:
        raise Rejected("records-length", "expected the query's columns, one value a record each")
    (length,) = lengths
    together = max(1, _CHUNK_VALUES // len(query.cells))
    for start in range(0, length, together):
        rows = slice(start, start + together)
        chunk = {name: column[rows] for name, column in numbers.items()}
        size = min(together, length - start)
        asked = np.ones(size, np.bool_) if in_window is None else in_window[rows]
        yield _batch(query, chunk, asked)


def _batch(query: Query, columns: dict[str, _Floats], asked: _Flags) -> RecordBatch:
    values = np.zeros((asked.size, len(query.cells)), np.float64)
    permitted = np.ones_like(values, np.bool_)
    held: dict[Condition, _Flags] = {}
    for index, cell in enumerate(query.cells):
        belongs = asked.copy()
        for condition in cell.where:
            if condition not in held:
                column = columns[condition.column]
                held[condition] = _holds(column, condition)
            belongs &= held[condition]
        if not cell.value_column:
            values[:, index] = belongs
            continue
        column = columns[cell.value_column] - cell.offset
        np.copyto(values[:, index], column, where=belongs)
        permitted[:, index] = ~belongs | _is_permitted(column, cell)
    return RecordBatch(values, asked, permitted)


def _holds(column: _Floats, condition: Condition) -> _Flags:
    """Where a condition holds; one without an end holds every number on that side."""
    flags: _Flags = np.isfinite(column)
    if condition.at_least != LEAST:
        flags &= column >= condition.at_least
    if condition.below != MOST:
        flags &= column < condition.below
    return flags


def _is_permitted(column: _Floats, cell: Cell) -> _Flags:
    # A NaN is within no range.
    flags: _Flags = (column >= cell.lowest) & (column <= cell.highest)
    flags &= np.floor(column) == column
    return flags


def _columns(query: Query) -> Sequence[str]:
    names = {one.column for cell in query.cells for one in cell.where}
    return sorted(names | {cell.value_column for cell in query.cells if cell.value_column})


def _column(name: str, records: Records) -> npt.NDArray[Any]:
    try:
        column = np.asarray(records[name])
    except (KeyError, ValueError, IndexError) as error:
        raise Rejected(
            "records-column", f"expected a column {name!r}, one value a record"
        ) from error
    if column.ndim != 1:
        raise Rejected("records-column", f"expected a column {name!r}, one value a record")
    return column


def _numbers(name: str, column: npt.NDArray[Any]) -> _Floats:
    """A column as float64; what is no number (a missing value, a word) becomes NaN."""
    if column.dtype.kind in _NUMBERS:
        return column.astype(np.float64)
    if column.dtype.kind not in "OUS":
        raise Rejected("records-column", f"expected numbers in column {name!r}")
    return np.fromiter((_number(value) for value in column), np.float64, column.size)


def _number(value: Any) -> float:  # noqa: ANN401 - of an object column
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def _in_window(query: Query, records: Records) -> _Flags | None:
    """Which records' days lie in the window; None where the query leaves that to the site.

    A record without a day is in no window.
    """
    if not query.date_column:
        return None
    column = _column(query.date_column, records)
    if column.dtype.kind != "M":
        days = [_day(value) for value in column]
        column = np.array(days, "datetime64[D]")
    ends = np.array([query.window_from, query.window_to], "datetime64[D]")
    # numpy compares NaT with nothing.
    flags: _Flags = (column >= ends[0]) & (column < ends[1])
    return flags


def _day(value: Any) -> np.datetime64:  # noqa: ANN401 - of an object column
    """The day as it was written down, in the site's own time; NaT for what is none.

    numpy would take numbers for days since 1970, move days with a time zone to that of Greenwich,
    and read "today" by the clock: one record would lie in two windows.
    """
    try:
        if isinstance(value, np.datetime64):
            day: np.datetime64 = value.astype("datetime64[D]")
            return day
        if isinstance(value, date):
            return np.datetime64(date(value.year, value.month, value.day), "D")
        found = _ISO_DAY.match(value.decode() if isinstance(value, bytes) else value)
        return np.datetime64(found[1] if found else "NaT", "D")
    except (TypeError, ValueError):
        return np.datetime64("NaT", "D")
