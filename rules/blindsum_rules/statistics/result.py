"""What a query's sum says: integers as they are, or noisy numbers with their deviations."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.study_plan import study_plan
from blindsum_rules.statistics.answered import query_of
from blindsum_rules.statistics.building import COUNT, SUM
from blindsum_rules.statistics.query import Query

Values = npt.NDArray[np.int64] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number, and the standard deviation of the noise in it; 0.0 where there is none."""

    value: float
    deviation: float


@dataclass(frozen=True, slots=True, eq=False)
class StatisticResult:
    """The sum over one frozen set.

    Attributes:
        query: What was asked.
        members: Whose records were summed, ascending.
        values: One a cell: int64 and exact without noise, float64 with it.
        deviation: float64, one a cell: the standard deviation of the noise in it, 0.0 without.
    """

    query: Query
    members: tuple[str, ...]
    values: Values
    deviation: npt.NDArray[np.float64]

    def cell(self, name: str) -> Estimate:
        """One cell's sum.

        Raises:
            Refused: `query-cell`, when the query has none of that name.
        """
        names = [cell.name for cell in self.query.cells]
        if name not in names:
            raise Refused("query-cell", f"expected a cell of {self.query.name!r}, got {name!r}")
        index = names.index(name)
        return Estimate(float(self.values[index]), float(self.deviation[index]))

    def histogram(self, group: str) -> dict[str, Estimate]:
        """The cells of a group by name, in their order.

        Raises:
            Refused: `query-group`, when the query has none of that name.
        """
        if group not in self.query.groups:
            raise Refused("query-group", f"expected a group of {self.query.name!r}, got {group!r}")
        cells = [self.query.cells[index].name for index in self.query.groups[group]]
        return {name: self.cell(name) for name in cells}

    def ratio(self, part: str, whole: str) -> Estimate:
        """One cell over another, such as a prevalence, with its deviation to first order.

        Not a number where nothing is in the whole.

        Raises:
            Refused: as `cell`.
        """
        above, below = self.cell(part), self.cell(whole)
        if below.value <= 0:
            return Estimate(math.nan, math.nan)
        value = above.value / below.value
        noise = math.hypot(above.deviation, value * below.deviation)
        return Estimate(value, noise / below.value)

    def mean(self, name: str) -> Estimate:
        """The mean that `building.mean` asked for under this name; as `ratio`."""
        about_offset = self.ratio(f"{name}: {SUM}", f"{name}: {COUNT}")
        (offset,) = (cell.offset for cell in self.query.cells if cell.name == f"{name}: {SUM}")
        return Estimate(offset + about_offset.value, about_offset.deviation)

    def __repr__(self) -> str:
        """Show what was asked of how many, never a value."""
        return f"StatisticResult(query={self.query.name!r}, members={len(self.members)})"


def read_result(
    manifest: Manifest,
    model_version: int,
    aggregate: npt.NDArray[np.int64],
    members: tuple[str, ...],
) -> StatisticResult:
    """Read an opened sum as the answer to the query of its round.

    With noise a cell comes back in its own unit: a level is norm / L of the cell's scale, and the
    deviation is that of all members' shares and roundings.

    Args:
        manifest: The statistic study.
        model_version: The version of the round.
        aggregate: int64, shape (manifest.vector_length,).
        members: The frozen set.

    Raises:
        Refused: `query-left`, when there is no such query.
    """
    query = query_of(manifest, model_version)
    answer = aggregate[: len(query.cells)]
    policy = manifest.privacy
    if policy is None:
        return StatisticResult(query, members, answer.copy(), np.zeros(answer.size))
    scale = query.norm * np.array([cell.scale for cell in query.cells], np.float64)
    noise = study_plan(manifest).noise_of_mean(len(members), 1)
    return StatisticResult(query, members, answer * (scale / policy.levels), noise * scale)
