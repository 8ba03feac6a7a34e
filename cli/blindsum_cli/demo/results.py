"""The demo's results: as one JSON document for scripts, as tables and plain words for people."""

import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from blindsum_auditor.report import Report
from blindsum_cli.demo.course import RoundResult
from blindsum_cli.demo.quality import LABEL, Quality
from blindsum_cli.demo.scoring import paired_gap, summarise

_PACKAGES: Final = ("blindsum", "cryptography", "grpcio", "numpy", "tenseal", "torch")


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that a run of the demo found.

    Attributes:
        rounds: What came of each round.
        quality: The AUCs.
        bytes_per_client_round: Mean bytes by kind.
        seconds: Seconds of the whole run, of setting up, and mean seconds of a round's phases.
        report: The auditor's report on the artefact folder.
        artefact: That folder.
        seed: Which ten splits.
    """

    rounds: tuple[RoundResult, ...]
    quality: Quality
    bytes_per_client_round: Mapping[str, float]
    seconds: Mapping[str, float]
    report: Report
    artefact: Path
    seed: int

    @property
    def all_exact(self) -> bool:
        """Whether every round's sum was exact."""
        return all(one.is_exact for one in self.rounds)

    @property
    def holds(self) -> bool:
        """Whether the demo showed what it promises."""
        return self.all_exact and self.report.accepted and self.quality.holds

    # Any: plain values of several kinds, for JSON.
    def document(self) -> dict[str, Any]:
        """The results as plain values."""
        return {
            "auc": self._auc(),
            "exact": self.all_exact,
            "verified": self.report.accepted,
            "rounds": [_round(one) for one in self.rounds],
            "seconds": dict(self.seconds),
            "bytes_per_client_round": dict(self.bytes_per_client_round),
            "artefact": str(self.artefact),
            "manifest_digest": self.report.manifest_digest.hex(),
            "seed": self.seed,
            "environment": _environment(),
        }

    def write(self, path: Path) -> None:
        """Write the results as JSON."""
        text = json.dumps(self.document(), indent=2, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")

    def _auc(self) -> dict[str, Any]:
        quality = self.quality
        best = quality.hospitals[quality.best_hospital]
        compared = {"plaintext": quality.plaintext, "ckks": quality.ckks, "pooled": quality.pooled}
        values: dict[str, Any] = {
            "label": LABEL,
            "hospital_best_name": quality.best_hospital,
            "hospitals": {name: float(row.mean()) for name, row in quality.hospitals.items()},
            "difference_ckks_plaintext": quality.difference,
            "largest_parameter_difference": quality.largest_parameter_difference,
        }
        for name, row in {"hospital_best": best, **compared}.items():
            summary = summarise(row)
            values |= {name: summary.mean, f"{name}_sd": summary.deviation}
        gaps = {name: paired_gap(row, best) for name, row in compared.items()}
        values["gap_to_best_hospital"] = {name: gap.mean for name, gap in gaps.items()}
        values["gap_to_best_hospital_sd"] = {name: gap.deviation for name, gap in gaps.items()}
        return values


def mean_phases(phases: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Mean seconds of each phase over the rounds that have it."""
    collected: dict[str, list[float]] = {}
    for one in phases:
        for phase, seconds in one.items():
            collected.setdefault(phase, []).append(seconds)
    return {phase: sum(values) / len(values) for phase, values in collected.items()}


def _round(one: RoundResult) -> dict[str, Any]:
    return {
        "round": one.number,
        "members": list(one.members),
        "exact": one.is_exact,
        "seconds": one.seconds,
        "phases": dict(one.phases),
        "remark": one.remark,
    }


def _environment() -> dict[str, Any]:
    return {
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in _PACKAGES},
    }
