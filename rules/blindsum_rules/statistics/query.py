"""A query: what one round of a statistic study sums, as it stands in the manifest.

A query is a list of cells. Each cell takes one integer of every record within a declared range, and
a client's answer is the sum over its records: counts and histograms from ones, means from values
beside a count. So everybody can read, before any data are touched, what will be known.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_rules.identifiers import check_identifier
from blindsum_rules.statistics.exclusive import are_exclusive

LEAST: Final = -(1 << 62)
MOST: Final = 1 << 62
"""Ends of a condition that only asks for a number to be there."""

MAX_CONTRIBUTION: Final = 1 << 31
"""Largest absolute integer of one record: products and float64 stay exact."""

MAX_NAME: Final = 200
"""Most characters of a cell's, a group's or a column's name: errors and tables repeat them."""

MAX_RECORDS: Final = 1 << 30
MAX_CELLS: Final = 4_096

_NORM_MARGIN: Final = 1.0 + 2.0**-32
"""So that a record at the norm is not counted as clipped for the last bit of a square root."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a record must hold to be counted: at_least <= column < below.

    Without an end it holds every number on that side; a NaN or an infinity never holds.

    Raises:
        Refused: `query-condition`, when no integer can hold it or no column is named.
    """

    column: str
    at_least: int = LEAST
    below: int = MOST

    def __post_init__(self) -> None:
        """Refuse what nothing can hold."""
        _check_name(self.column, "query-condition", "column")
        if not LEAST <= self.at_least < self.below <= MOST:
            raise Refused(
                "query-condition", f"{self.column}: expected at_least below `below`, within 2^62"
            )


@dataclass(frozen=True, slots=True)
class Cell:
    """One integer of a query.

    Attributes:
        name: What it is called in results; one line.
        value_column: The column whose value, less the offset, a record adds; empty where it adds
            one.
        lowest: The least that one record adds.
        highest: The most that one record adds; not both zero.
        group: Cells of one group exclude one another: a record is in one of them at most. Empty
            for a cell that excludes none.
        where: What a record must hold, ascending by column, one condition a column.
        offset: Subtracted from every value before it is added: a value in the middle of the range
            makes what a record adds, and with it the noise, small.

    Raises:
        Refused: `query-cell`.
    """

    name: str
    value_column: str = ""
    lowest: int = 0
    highest: int = 1
    group: str = ""
    where: tuple[Condition, ...] = ()
    offset: int = 0

    def __post_init__(self) -> None:
        """Refuse a range that is none, and conditions out of order."""
        _check_name(self.name, "query-cell", "name")
        for name in (self.value_column, self.group):
            _check_name(name or self.name, "query-cell", "value_column and group")
        inside = -MAX_CONTRIBUTION <= self.lowest <= self.highest <= MAX_CONTRIBUTION
        if not inside or self.lowest == self.highest == 0:
            raise Refused(
                "query-cell", f"{self.name}: expected lowest up to highest, within 2^31, not both 0"
            )
        if not self.value_column and (self.lowest, self.highest, self.offset) != (0, 1, 0):
            raise Refused("query-cell", f"{self.name}: expected the range 0 to 1 of a count")
        if abs(self.offset) > MAX_CONTRIBUTION:
            raise Refused("query-cell", f"{self.name}: expected an offset within 2^31")
        columns = [condition.column for condition in self.where]
        if columns != sorted(set(columns)):
            raise Refused("query-cell", f"{self.name}: expected conditions ascending by column")

    @property
    def scale(self) -> int:
        """The largest absolute integer that one record adds, 1 or more."""
        return max(abs(self.lowest), abs(self.highest))


@dataclass(frozen=True, slots=True)
class Query:
    """What one round sums.

    Attributes:
        name: Identifier.
        description: What is asked, in words.
        window_from: The first day of the data that are asked about.
        window_to: The day after the last.
        date_column: The column of a record's day, by which the client cuts the window; empty where
            records have none, and the site itself answers from the window.
        max_records: B, the most records of one client; public.
        cells: What is summed, in the order of the vector; distinct names.

    Raises:
        Refused: `query`, `query-window`, `query-records`, `query-cells`; `query-group`, when a
            record could be in two cells of one group.
        Rejected: `identifier`.
    """

    name: str
    description: str
    window_from: date
    window_to: date
    date_column: str
    max_records: int
    cells: tuple[Cell, ...]

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, and what could overflow."""
        check_identifier(self.name, "query")
        if not self.description.strip():
            raise Refused("query", f"{self.name}: expected a description in words")
        if self.window_from >= self.window_to:
            raise Refused("query-window", f"{self.name}: expected window_from before window_to")
        if not 1 <= self.max_records <= MAX_RECORDS:
            raise Refused("query-records", f"{self.name}: expected max_records of 1 to 2^30")
        names = {cell.name for cell in self.cells}
        if not 1 <= len(self.cells) <= MAX_CELLS or len(names) != len(self.cells):
            raise Refused(
                "query-cells", f"{self.name}: expected 1 to {MAX_CELLS} cells of distinct names"
            )
        for group, members in self.groups.items():
            if not are_exclusive([self.cells[index].where for index in members]):
                raise Refused(
                    "query-group",
                    f"{self.name}: expected cells of group {group!r} that no record is in twice",
                )

    @property
    def groups(self) -> Mapping[str, tuple[int, ...]]:
        """The cells of every named group, by position."""
        found: dict[str, tuple[int, ...]] = {}
        for index, cell in enumerate(self.cells):
            if cell.group:
                found[cell.group] = (*found.get(cell.group, ()), index)
        return found

    @property
    def norm(self) -> float:
        """The largest L2 norm of a record, every cell counted in units of its own scale.

        A group adds one at most, and so does a cell outside of groups; so a private answer that is
        clipped to this norm loses nothing of any record that is permitted.
        """
        alone = sum(1 for cell in self.cells if not cell.group)
        return math.sqrt(len(self.groups) + alone) * _NORM_MARGIN

    @property
    def largest_answer(self) -> int:
        """The largest absolute integer of a client's answer without noise: B times the scale."""
        return self.max_records * max(cell.scale for cell in self.cells)

    def overlaps(self, other: "Query") -> bool:
        """Whether a record may be asked about by both: unless one column tells the windows apart.

        Days of two columns (admitted, discharged) may lie in two windows of one record, and where
        no column cuts the window, nothing but the site says which records lie in it.
        """
        cut_alike = self.date_column != "" and self.date_column == other.date_column
        shares_a_day = self.window_from < other.window_to and other.window_from < self.window_to
        return shares_a_day or not cut_alike


def _check_name(name: str, rule: str, what: str) -> None:
    if not 1 <= len(name) <= MAX_NAME:
        raise Refused(rule, f"{what}: expected 1 to {MAX_NAME} characters")
