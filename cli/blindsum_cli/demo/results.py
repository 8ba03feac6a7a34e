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
from blindsum_cli.demo.quality import LABEL, Quality, Row
from blindsum_cli.demo.rounds import RoundResult
from blindsum_cli.demo.scoring import paired_gap, summarise

_PACKAGES: Final = ("blindsum", "cryptography", "grpcio", "numpy", "tenseal", "torch")


@dataclass(frozen=True, slots=True)
class Artefact:
    """What one study left behind.

    Attributes:
        folder: The transcript folder.
        report: The auditor's report on it.
        bytes_per_client_round: Mean bytes by kind.
        seconds: Mean seconds of a round (of `rounds.timed`), of its phases and of a hospital's
            steps.
    """

    folder: Path
    report: Report
    bytes_per_client_round: Mapping[str, float]
    seconds: Mapping[str, float]

    @property
    def bytes_sent(self) -> float:
        """Bytes of one contribution: everything that a client sends in a round."""
        sizes = self.bytes_per_client_round
        return sum(size for kind, size in sizes.items() if kind.startswith("sent/"))


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that a run of the demo found.

    Attributes:
        rounds: What came of each round.
        same_final_models: Whether all studies ended with one model, byte for byte.
        quality: The AUCs.
        artefacts: What each study left behind, by seal.
        seconds: Seconds of the whole run, of setting up and of the studies.
        seed: Which ten splits, and which coins of the rounding.
    """

    rounds: tuple[RoundResult, ...]
    same_final_models: bool
    quality: Quality
    artefacts: Mapping[str, Artefact]
    seconds: Mapping[str, float]
    seed: int

    @property
    def seals(self) -> tuple[str, ...]:
        """The seals, in the order of their studies."""
        return tuple(self.artefacts)

    @property
    def all_exact(self) -> bool:
        """Whether every round's sum was exact, through every seal."""
        return all(one.is_exact for row in self.rounds for one in row.seals.values())

    @property
    def same_sums(self) -> bool:
        """Whether every round's sum was the same through all seals."""
        return all(row.same_sums for row in self.rounds)

    @property
    def same_models(self) -> bool:
        """Whether the studies had one model in every round and at the end, byte for byte."""
        return self.same_final_models and all(row.same_models for row in self.rounds)

    @property
    def verified(self) -> bool:
        """Whether the auditor accepted every transcript."""
        return all(one.report.accepted for one in self.artefacts.values())

    @property
    def holds(self) -> bool:
        """Whether the demo showed what it promises."""
        return (
            self.all_exact
            and self.same_sums
            and self.same_models
            and self.verified
            and self.quality.holds
        )

    # Any: plain values of several kinds, for JSON.
    def document(self) -> dict[str, Any]:
        """The results as plain values; what each seal has of its own stands below its name."""
        return {
            "auc": self._auc(),
            "exact": self.all_exact,
            "same_sums": self.same_sums,
            "same_models": self.same_models,
            "verified": self.verified,
            "rounds": [_round(one) for one in self.rounds],
            "seconds": dict(self.seconds),
            "seed": self.seed,
            "environment": environment(),
            **{seal: artefact_document(one) for seal, one in self.artefacts.items()},
        }

    def write(self, path: Path) -> None:
        """Write the results as JSON."""
        text = json.dumps(self.document(), indent=2, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")

    def _auc(self) -> dict[str, Any]:
        quality = self.quality
        best = quality.hospitals[quality.best_hospital]
        compared: dict[str, Row] = {
            "plaintext": quality.plaintext,
            **quality.sealed,
            "pooled": quality.pooled,
        }
        values: dict[str, Any] = {
            "label": LABEL,
            "hospital_best_name": quality.best_hospital,
            "hospitals": {name: float(row.mean()) for name, row in quality.hospitals.items()},
            "largest_parameter_difference": quality.largest_parameter_difference,
        }
        values |= {
            f"difference_{seal}_plaintext": value for seal, value in quality.differences.items()
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


def artefact_document(one: Artefact) -> dict[str, Any]:
    """What a study left behind as plain values."""
    return {
        "transcript": str(one.folder),
        "manifest_digest": one.report.manifest_digest.hex(),
        "verified": one.report.accepted,
        "bytes_sent": one.bytes_sent,
        "bytes_per_client_round": dict(one.bytes_per_client_round),
        "seconds": dict(one.seconds),
    }


def _round(one: RoundResult) -> dict[str, Any]:
    return {
        "round": one.number,
        "members": list(one.members),
        "same_sums": one.same_sums,
        "same_models": one.same_models,
        "remark": one.remark,
        **{
            seal: {
                "members": list(sealed.members),
                "exact": sealed.is_exact,
                "seconds": sealed.seconds,
                "phases": dict(sealed.phases),
            }
            for seal, sealed in one.seals.items()
        },
    }


def environment() -> dict[str, Any]:
    """Where a run took place."""
    return {
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in _PACKAGES},
    }
