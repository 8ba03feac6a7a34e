"""What every benchmark measures: rows, and beside them the machine they were measured on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        name: What a script calls it; distinct within a benchmark.
        value: The figure.
        unit: Its unit: `s` (process time), `s (wall)`, `bytes`, `bytes a value`, ...
        baseline: The same figure of what it is held against, or None.
        note: In words, what it is and what it is held against.
        bar: What the ratio, or without a baseline the value, may be at most; None for no bar.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    note: str = ""
    bar: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value over its baseline; None without one."""
        return None if self.baseline is None else self.value / self.baseline

    @property
    def within_bar(self) -> bool | None:
        """Whether the figure keeps its bar; None where there is no bar."""
        if self.bar is None:
            return None
        return (self.value if self.ratio is None else self.ratio) <= self.bar

    # Any: plain values of several kinds, for JSON.
    def document(self) -> dict[str, Any]:
        """The row as plain values, with exactly the keys name, value, unit, baseline and ratio."""
        return {
            "name": self.name,
            "value": _rounded(self.value),
            "unit": self.unit,
            "baseline": None if self.baseline is None else _rounded(self.baseline),
            "ratio": None if self.ratio is None else _rounded(self.ratio),
        }


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that one run of a benchmark found.

    Attributes:
        title: What was asked.
        environment: Machine, software, command; see `environment.environment`.
        sizes: How large the problem was: clients, values, repetitions.
        rows: The figures.
        checks: What had to be true for the figures to mean anything, such as `exact`.
    """

    title: str
    environment: Mapping[str, Any]
    sizes: Mapping[str, Any]
    rows: Sequence[Row]
    checks: Mapping[str, bool] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every check is true."""
        return all(self.checks.values())

    # Any: plain values of several kinds, for JSON.
    def document(self) -> dict[str, Any]:
        """The results as plain values."""
        return {
            "title": self.title,
            "environment": dict(self.environment),
            "sizes": dict(self.sizes),
            "checks": dict(self.checks),
            "rows": [row.document() for row in self.rows],
            "notes": {row.name: row.note for row in self.rows if row.note},
            "bars": {row.name: row.bar for row in self.rows if row.bar is not None},
        }

    def write(self, path: Path) -> None:
        """Write the results as JSON; the folder is made if it is missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.document(), indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")


def _rounded(value: float) -> float:
    """Six significant digits: more would be noise, and would make every rerun a long diff."""
    return float(f"{value:.{_DIGITS}g}")
