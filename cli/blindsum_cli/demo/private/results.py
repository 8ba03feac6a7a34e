"""The private demo's results: as one JSON document for scripts; `results_view.py` shows them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from blindsum_cli.demo.private.course import PrivateCourse
from blindsum_cli.demo.private.ledgers import Ledgers
from blindsum_cli.demo.private.promise import over_colluders
from blindsum_cli.demo.private.quality import PrivateQuality
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_cli.demo.quality import LABEL, Row
from blindsum_cli.demo.results import Artefact, artefact_document, environment
from blindsum_cli.demo.rounds import RoundResult
from blindsum_cli.demo.scoring import paired_gap, summarise
from blindsum_rules.privacy.account import Account
from blindsum_rules.privacy.plan import Plan


@dataclass(frozen=True, slots=True)
class PrivateResults:
    """Everything that a run of the private demo found.

    Attributes:
        course: What came of the study that went through the processes.
        recipe: How it was trained.
        plans: The study's plan, and those of the same study with other promises, by epsilon.
        quality: The AUCs.
        artefact: What the study left behind.
        seconds: Seconds of the whole run, of setting up, of the study, and in one process.
        seed: Which ten splits.
    """

    course: PrivateCourse
    recipe: PrivateRecipe
    plans: Mapping[float, Plan]
    quality: PrivateQuality
    artefact: Artefact
    seconds: Mapping[str, float]
    seed: int

    @property
    def rounds(self) -> tuple[RoundResult, ...]:
        """What came of each round, the planned ones and those beyond."""
        return self.course.rounds

    @property
    def epsilon(self) -> float:
        """What the study was asked to promise."""
        return next(iter(self.plans))

    @property
    def plan(self) -> Plan:
        """The study's plan."""
        return self.plans[self.epsilon]

    @property
    def seal(self) -> str:
        """The study's seal."""
        return next(iter(self.rounds[0].seals))

    @property
    def exact_rounds(self) -> int:
        """Rounds whose opened sum is the sum of the integers that were sealed, noise included."""
        return sum(one.holds for one in self.rounds)

    @property
    def books_agree(self) -> bool:
        """Whether all clients, all custodians and the auditor counted the same, to the last step.

        After the planned rounds, and after the last; and a restart forgot nothing.
        """
        course, audited = self.course, self.artefact.report.privacy
        if audited is None or not (course.planned.agree and course.ended.agree):
            return False
        own = {name: account.settled.steps for name, account in course.ended.clients.items()}
        return {one.name: one.steps for one in audited.spenders} == own and (
            course.spent.clients == course.ended.clients
        )

    @property
    def refusals(self) -> Mapping[str, str]:
        """By which rule each ledger, read from disk, refuses another round; "": it does not."""
        cohort = self.plan.setting.cohort
        return self.course.spent.refusals(cohort.min_cohort, cohort.min_organisations)

    @property
    def all_refuse(self) -> bool:
        """Whether every client and every custodian refuses to go on, by its own ledger."""
        return set(self.refusals.values()) == {"privacy-budget"}

    @property
    def is_judged(self) -> bool:
        """Whether the quality is that of the recipe that it was stated for."""
        return self.recipe == PrivateRecipe()

    @property
    def holds(self) -> bool:
        """Whether the demo showed what it promises."""
        return (
            self.exact_rounds == len(self.rounds)
            and self.artefact.report.accepted
            and self.books_agree
            and self.all_refuse
            and (self.quality.holds or not self.is_judged)
        )

    # Any: plain values of several kinds, for JSON.
    def document(self) -> dict[str, Any]:
        """The results as plain values."""
        return {
            "epsilon": self.epsilon,
            "auc": self._auc(),
            "privacy": {f"{epsilon:g}": _plan(plan) for epsilon, plan in self.plans.items()},
            "recipe": asdict(self.recipe) | {"averaged": self.recipe.averaged},
            "budget": {
                "books_agree": self.books_agree,
                "refusals": dict(self.refusals),
                "planned": _ledgers(self.course.planned),
                "ended": _ledgers(self.course.ended),
            },
            "exact": self.exact_rounds == len(self.rounds),
            "verified": self.artefact.report.accepted,
            "rounds": [_round(one, self.seal) for one in self.rounds],
            "seconds": dict(self.seconds),
            "seed": self.seed,
            "environment": environment(),
            self.seal: artefact_document(self.artefact),
        }

    def write(self, path: Path) -> None:
        """Write the results as JSON."""
        text = json.dumps(self.document(), indent=2, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")

    def _auc(self) -> dict[str, Any]:
        quality = self.quality
        best = quality.hospitals[quality.best_hospital]
        compared = {"no_noise": quality.exact} | {
            f"epsilon_{epsilon:g}": row for epsilon, row in quality.noisy.items()
        }
        rows = {name: _row(row, quality.exact, best) for name, row in compared.items()}
        alone = {name: _summary(row) for name, row in quality.hospitals.items()}
        return {
            "label": LABEL,
            "hospital_best_name": quality.best_hospital,
            "hospitals": alone,
            "judged": self.is_judged,
            "splits_through_processes": 1,
            **rows,
        }


def _summary(row: Row) -> dict[str, float]:
    found = summarise(row)
    return {"mean": found.mean, "sd": found.deviation, "min": found.smallest, "max": found.largest}


def _row(row: Row, exact: Row, best: Row) -> dict[str, float]:
    loss, gain = paired_gap(exact, row), paired_gap(row, best)
    return _summary(row) | {
        "loss": loss.mean,
        "loss_sd": loss.deviation,
        "above_best_hospital": gain.mean,
        "above_best_hospital_sd": gain.deviation,
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        **plan.guarantee.plain,
        "noise_multiplier": plan.noise_multiplier,
        "levels": plan.levels,
        "field_bits": plan.field_bits,
        "order": plan.order,
        "share_variance": plan.share.variance,
        "over_colluders": [asdict(one) for one in over_colluders(plan)],
    }


def _ledgers(ledgers: Ledgers) -> dict[str, Any]:
    return {
        "order": ledgers.charging.budget.order,
        "budget_steps": ledgers.charging.budget.steps,
        "worst_round_steps": ledgers.charging.worst.steps,
        "rounds_left": ledgers.rounds_left,
        "clients": {name: _account(one) for name, one in ledgers.clients.items()},
        "custodians": {
            custodian: {name: one.settled.steps for name, one in accounts.items()}
            for custodian, accounts in ledgers.custodians.items()
        },
    }


def _account(one: Account) -> dict[str, Any]:
    return {
        "rounds": one.rounds,
        "settled_steps": one.settled.steps,
        "reserved_steps": one.reserved.steps,
        "epsilon_so_far": one.spent_epsilon,
    }


def _round(one: RoundResult, seal: str) -> dict[str, Any]:
    sealed = one.seals[seal]
    return {
        "round": one.number,
        "members": list(sealed.members),
        "exact": sealed.is_exact,
        "seconds": sealed.seconds,
    }
