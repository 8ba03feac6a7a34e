"""The private demo's verdict, its tables and its JSON: every figure beside what it means."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blindsum_auditor.privacy_account import PrivacyAccount, Spender
from blindsum_auditor.report import Finding, Level, Report, Status
from blindsum_cli.console import out
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.private.course import PrivateCourse
from blindsum_cli.demo.private.ledgers import Ledgers
from blindsum_cli.demo.private.quality import PrivateQuality
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_cli.demo.private.results import PrivateResults
from blindsum_cli.demo.private.results_view import render_private
from blindsum_cli.demo.private.study import with_epsilon
from blindsum_cli.demo.quality import Row
from blindsum_cli.demo.results import Artefact
from blindsum_cli.demo.rounds import RoundResult, SealedRound
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.study_plan import study_plan

TERMINAL = 80


def row(mean: float) -> Row:
    return mean + np.linspace(-0.01, 0.01, 10)


def artefact(audited: PrivacyAccount | None, status: Status = Status.OK) -> Artefact:
    finding = Finding("freeze", Level.PUBLIC, status, "rounds/000000/freeze.pb", "a sentence")
    report = Report(
        study="heart-private",
        manifest_digest=bytes(32),
        level=Level.ENTITLED,
        rounds=2,
        ended=True,
        findings=(finding,),
        limits=("That nobody colluded.",),
        is_believed=True,
        privacy=audited,
    )
    sizes = {"sent/payload": 61000.0, "sent/header": 500.0, "fetched/outcome": 5.0}
    return Artefact(Path("transcripts") / "heart-private", report, sizes, {"round": 0.5})


def audit(ledgers: Ledgers) -> PrivacyAccount:
    """What an auditor recomputes of the same rounds."""
    plan = ledgers.charging.plan
    return PrivacyAccount(
        promise=plan.guarantee,
        mechanism=plan.share.mechanism,
        noise_multiplier=plan.noise_multiplier,
        honest_shares=plan.honest_shares,
        order=plan.order,
        budget_steps=plan.budget.steps,
        planned_rounds=20,
        most_rounds=40,
        rounds_charged=29,
        spenders=tuple(
            Spender(name, one.rounds, one.settled.steps, one.spent_epsilon)
            for name, one in ledgers.clients.items()
        ),
        against=(plan.guarantee,),
    )


@pytest.fixture
def good(
    setup: DemoSetup,
    manifest: Manifest,
    recipe: PrivateRecipe,
    ledgers_after: Callable[[int], Ledgers],
) -> PrivateResults:
    spent = ledgers_after(29)
    sealed = SealedRound(tuple(sorted(HOSPITALS)), is_exact=True, phases={"OPEN": 0.5})
    first = RoundResult(0, {"ckks": sealed}, same_sums=True, same_models=True, remark="")
    return PrivateResults(
        course=PrivateCourse(
            (first, replace(first, number=1)), ledgers_after(20), spent, ledgers_after(29)
        ),
        recipe=recipe,
        plans={
            3.0: study_plan(manifest),
            1.0: study_plan(with_epsilon(setup, 1.0, recipe)),
        },
        quality=PrivateQuality(
            exact=row(0.9),
            noisy={3.0: row(0.895), 1.0: row(0.88)},
            hospitals={name: row(0.8) for name in HOSPITALS},
        ),
        artefact=artefact(audit(spent)),
        seconds={"setting up": 1.0, "studies": 20.0, "one process": 8.0, "whole run": 30.0},
        seed=1988,
    )


def inexact(results: PrivateResults) -> PrivateResults:
    last = results.rounds[-1]
    wrong = replace(last, seals={"ckks": replace(last.seals["ckks"], is_exact=False)})
    return of_course(results, rounds=(*results.rounds[:-1], wrong))


def of_course(results: PrivateResults, **changed: Any) -> PrivateResults:  # noqa: ANN401 - fields
    return replace(results, course=replace(results.course, **changed))


def overcharged(ledgers: Ledgers) -> Ledgers:
    """A client that counts one step more than anybody else."""
    own = ledgers.clients["hungary"]
    more = replace(own, settled=replace(own.settled, steps=own.settled.steps + 1))
    return replace(ledgers, clients={**ledgers.clients, "hungary": more})


def lossy(results: PrivateResults) -> PrivateResults:
    noisy = {**results.quality.noisy, 3.0: row(0.88)}
    return replace(results, quality=replace(results.quality, noisy=noisy))


SPOILED: dict[str, Callable[[PrivateResults], PrivateResults]] = {
    "an inexact sum": inexact,
    "a refused transcript": lambda r: replace(
        r, artefact=artefact(r.artefact.report.privacy, Status.FAILED)
    ),
    "no account of the auditor": lambda r: replace(r, artefact=artefact(None)),
    "ledgers that differ after the planned rounds": lambda r: of_course(
        r, planned=overcharged(r.course.planned)
    ),
    "ledgers that differ at the end": lambda r: of_course(r, ended=overcharged(r.course.ended)),
    "a client that forgot over a restart": lambda r: of_course(r, spent=r.course.planned),
    "an auditor who counts less": lambda r: replace(r, artefact=artefact(audit(r.course.planned))),
    "more loss than is stated": lossy,
}


def shown(results: PrivateResults) -> str:
    with out.capture() as captured:
        render_private(results)
    return captured.get()


def cells(text: str, name: str) -> list[str]:
    """The cells of the one table row of this name."""
    (line,) = (line for line in text.splitlines() if f"│ {name} " in line)
    return [cell.strip() for cell in line.split("│")[2:-1]]


def test_a_good_run_holds(good: PrivateResults) -> None:
    assert good.holds
    assert (good.epsilon, good.seal, good.exact_rounds) == (3.0, "ckks", 2)


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_run_does_not_hold_with(
    good: PrivateResults, spoil: Callable[[PrivateResults], PrivateResults]
) -> None:
    assert not spoil(good).holds


def test_another_recipe_than_the_stated_one_is_not_judged(good: PrivateResults) -> None:
    other = replace(lossy(good), recipe=PrivateRecipe(rounds=3))

    assert not other.is_judged
    assert other.holds
    assert "as stated" not in shown(other)
    assert "stated for 20 rounds alone" in shown(other)


def test_the_three_trainings_stand_side_by_side(
    good: PrivateResults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out, "_width", TERMINAL)
    text = shown(good)

    (heads,) = (line for line in text.splitlines() if "no noise" in line and "┃" in line)
    assert heads.index("no noise") < heads.index("epsilon 3") < heads.index("epsilon 1")
    assert cells(text, "mean") == ["0.9000", "0.8950", "0.8800"]
    assert cells(text, "lost by noise, paired") == ["", "+0.0050", "+0.0200"]
    assert cells(text, "  at most, as stated") == ["", "0.015", "0.025"]
    assert cells(text, "through nine processes") == ["none", "split 1", "none"]
    assert cells(text, "noise multiplier z") == ["0", "6.70", "18.16"]
    assert cells(text, "bytes of a contribution") == ["", "61,500", ""]
    lines = [line for line in text.splitlines() if not line.startswith("$ ")]
    assert max(map(len, lines)) <= TERMINAL


def test_what_epsilon_means_is_said_in_words(good: PrivateResults) -> None:
    text = " ".join(shown(good).split())

    assert "demo harness, public test set" in text
    assert "zero-out" in text
    assert "which no budget was charged for" in text
    assert "released here without noise" in text
    assert "would spend ten budgets" in text
    assert "none left" in text


def test_epsilon_over_colluders_is_a_table(good: PrivateResults) -> None:
    text = shown(good)

    assert cells(text, "1") == ["2", "3.00", "3", "2.40"]
    assert cells(text, "2")[:2] == ["1", "4.44"]
    assert cells(text, "3")[:2] == ["0", "none left"]


def test_the_budget_is_told_after_the_planned_rounds_and_at_the_end(good: PrivateResults) -> None:
    text = shown(good)
    words = " ".join(text.split())

    assert cells(text, "20 rounds")[2:] == ["2.405", "9"]
    assert cells(text, "29 rounds")[2:] == ["2.940", "0"]
    assert "9 books agree to the last step" in words
    assert "4 of 4 clients and 4 of 4 custodians refuse another round" in words
    assert "--state hospitals/cleveland/client/state/heart-private" in words
    assert "--store hospitals/cleveland/custodian/state" in words


def test_a_budget_that_is_not_spent_is_refused_by_nobody_and_does_not_hold(
    good: PrivateResults, ledgers_after: Callable[[int], Ledgers]
) -> None:
    early = of_course(good, spent=ledgers_after(28), ended=ledgers_after(28))
    early = replace(early, artefact=artefact(audit(ledgers_after(28))))

    assert early.books_agree
    assert not early.all_refuse
    assert not early.holds
    assert "0 of 4 clients and 0 of 4 custodians refuse" in " ".join(shown(early).split())


def test_books_that_differ_are_told(good: PrivateResults) -> None:
    differing = SPOILED["ledgers that differ at the end"](good)

    assert "9 books do NOT agree" in " ".join(shown(differing).split())


def test_a_refused_transcript_is_shown_in_full(good: PrivateResults) -> None:
    assert "1 check failed" in shown(SPOILED["a refused transcript"](good))


def test_the_json_holds_what_scripts_ask_for(good: PrivateResults, tmp_path: Path) -> None:
    good.write(tmp_path / "results.json")
    document = json.loads((tmp_path / "results.json").read_text())

    assert document["epsilon"] == 3.0
    auc = document["auc"]
    assert auc["no_noise"]["mean"] == pytest.approx(0.9)
    assert auc["epsilon_3"]["loss"] == pytest.approx(0.005)
    assert auc["epsilon_1"]["above_best_hospital"] == pytest.approx(0.08)
    assert auc["hospitals"]["hungary"]["sd"] > 0
    assert auc["splits_through_processes"] == 1
    privacy = document["privacy"]["3"]
    assert (privacy["unit"], privacy["relation"], privacy["colluders"]) == ("record", "zero-out", 1)
    assert privacy["over_colluders"][2]["epsilon"] is None
    budget = document["budget"]
    assert budget["books_agree"] is True
    assert set(budget["refusals"].values()) == {"privacy-budget"}
    assert (budget["planned"]["rounds_left"], budget["ended"]["rounds_left"]) == (9, 0)
    assert budget["ended"]["clients"]["hungary"]["rounds"] == 29
    assert document["recipe"]["averaged"] == 10
    assert document["exact"] is document["verified"] is True
    assert document["ckks"]["bytes_sent"] == 61500.0
    assert [one["exact"] for one in document["rounds"]] == [True, True]
