"""[[queries]] of study.toml: counts, means and histograms, compiled into a query's cells."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from blindsum_crypto.errors import Refused
from blindsum_rules.statistics.building import count, histogram, mean
from blindsum_rules.statistics.query import LEAST, MOST, Cell, Condition, Query


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ConditionTable(_Table):
    """Inside `where`: a range of a column, or the one value that it equals."""

    column: str
    at_least: int = LEAST
    below: int = MOST
    equals: int | None = None

    def condition(self) -> Condition:
        """As it stands in the manifest."""
        if self.equals is None:
            return Condition(self.column, self.at_least, self.below)
        if {"at_least", "below"} & self.model_fields_set:
            raise Refused("query-condition", f"{self.column}: expected equals or a range, not both")
        return Condition(self.column, self.equals, self.equals + 1)


class CountTable(_Table):
    """[[queries.counts]]: how many records hold the conditions."""

    name: str
    where: list[ConditionTable] = []

    def cells(self) -> tuple[Cell, ...]:
        """One cell."""
        return count(self.name, [one.condition() for one in self.where])


class MeanTable(_Table):
    """[[queries.means]]: a column's sum and count."""

    name: str
    column: str
    lowest: int
    highest: int
    offset: int = 0
    where: list[ConditionTable] = []

    def cells(self) -> tuple[Cell, ...]:
        """Two cells."""
        where = [one.condition() for one in self.where]
        return mean(self.name, self.column, self.lowest, self.highest, where, self.offset)


class HistogramTable(_Table):
    """[[queries.histograms]]: how many records lie in every bin; by column, where bins begin."""

    name: str
    edges: dict[str, list[int]]
    where: list[ConditionTable] = []

    def cells(self) -> tuple[Cell, ...]:
        """A cell for every combination of bins."""
        return histogram(self.name, self.edges, [one.condition() for one in self.where])


class QueryTable(_Table):
    """[[queries]]: what one round sums."""

    name: str
    description: str
    window_from: date
    window_to: date
    date_column: str = ""
    max_records: Annotated[int, Field(ge=1, lt=2**32)] | None = None
    counts: list[CountTable] = []
    means: list[MeanTable] = []
    histograms: list[HistogramTable] = []

    def query(self, most_records: int) -> Query:
        """As it stands in the manifest: counts, then means, then histograms.

        Args:
            most_records: B where the table names none; 0 where there is no such number.

        Raises:
            Refused: a rule of `Query`, `Cell`, `Condition` or the builders.
            Rejected: `identifier`.
        """
        tables: list[CountTable | MeanTable | HistogramTable]
        tables = [*self.counts, *self.means, *self.histograms]
        return Query(
            name=self.name,
            description=self.description,
            window_from=self.window_from,
            window_to=self.window_to,
            date_column=self.date_column,
            max_records=most_records if self.max_records is None else self.max_records,
            cells=tuple(cell for table in tables for cell in table.cells()),
        )
