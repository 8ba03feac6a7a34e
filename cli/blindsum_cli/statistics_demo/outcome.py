"""What the statistics demo came to: verified sums beside the plain ones, and the noise between."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from blindsum_auditor.report import Report
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.places import Places
from blindsum_cli.statistic import read_records
from blindsum_cli.statistics_demo.study import results_of, table_of
from blindsum_client.statistics import answer
from blindsum_rules.manifest import Manifest
from blindsum_rules.statistics.query import Query
from blindsum_rules.statistics.result import StatisticResult, Values

LARGEST_ERROR: Final = 6.0
"""Deviations beyond which no cell's error may lie: noise does so once in 500 million cells."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One query's sum beside the plain one.

    Attributes:
        result: The sum as the hospitals verified it.
        plain: int64, shape (cells,): the sum over the hospitals' tables, in the clear.
    """

    result: StatisticResult
    plain: npt.NDArray[np.int64]

    @property
    def error(self) -> npt.NDArray[np.float64]:
        """Sum less plain sum."""
        return (self.result.values - self.plain).astype(np.float64)

    @property
    def holds(self) -> bool:
        """Whether the sum is exact; with noise, whether every error is as noise is."""
        return bool((np.abs(self.error) <= LARGEST_ERROR * self.result.deviation).all())


@dataclass(frozen=True, slots=True)
class StatisticsOutcome:
    """The whole run.

    Attributes:
        compared: One a query.
        same_everywhere: Whether all hospitals verified the same results.
        report: The auditor's.
        seconds: Of the whole run.
    """

    compared: tuple[Compared, ...]
    same_everywhere: bool
    report: Report
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether everything is as it was promised."""
        complete = bool(self.compared) and all(one.holds for one in self.compared)
        return complete and self.same_everywhere and self.report.accepted


def compare(places: Places, manifest: Manifest) -> tuple[tuple[Compared, ...], bool]:
    """Read what every hospital verified, and sum their tables in the clear."""
    read = [json.loads(results_of(places, one).read_text("utf-8")) for one in HOSPITALS]
    tables = {hospital: read_records(table_of(places, hospital)) for hospital in HOSPITALS}
    compared = []
    for query, told in zip(manifest.queries, read[0], strict=True):
        result = _result(query, told, exact=manifest.privacy is None)
        answers = [answer(query, tables[member]) for member in result.members]
        compared.append(Compared(result, np.sum(answers, axis=0)))
    return tuple(compared), all(one == read[0] for one in read)


def _result(query: Query, told: dict[str, Any], *, exact: bool) -> StatisticResult:
    numbers = [cell["value"] for cell in told["cells"]]
    values: Values = np.array(numbers, np.int64) if exact else np.array(numbers, np.float64)
    deviation = np.array([cell["deviation"] for cell in told["cells"]], np.float64)
    return StatisticResult(query, tuple(told["members"]), values, deviation)


def write_outcome(path: Path, outcome: StatisticsOutcome) -> None:
    """Write the run as JSON."""
    values = {
        "holds": outcome.holds,
        "seconds": outcome.seconds,
        "queries": [
            {
                "name": one.result.query.name,
                "members": list(one.result.members),
                "cells": [cell.name for cell in one.result.query.cells],
                "plain": one.plain.tolist(),
                "sum": one.result.values.tolist(),
                "deviation": one.result.deviation.tolist(),
            }
            for one in outcome.compared
        ],
    }
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")
