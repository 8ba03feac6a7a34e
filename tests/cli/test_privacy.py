"""`blindsum privacy plan`: what it prints, what scripts read, what it refuses."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blindsum_cli import privacy_comparison, privacy_view
from blindsum_cli.exits import NEXT_STEPS, RULE_BROKE, USAGE
from blindsum_cli.privacy_chart import draw_curves
from blindsum_rules.privacy.derivation import plan_for_epsilon
from blindsum_rules.privacy.effective_noise import evenly
from blindsum_rules.privacy.setting import Setting

Run = Callable[..., Any]

HOSPITALS = (
    *("privacy", "plan", "--clients", 4, "--dim", 25, "--rounds", 20, "--min-cohort", 3),
    *("--max-records", 303, "--total-records", 920),
)
CLIENTS = (
    *("privacy", "plan", "--dim", 1000, "--rounds", 10, "--min-cohort", 60, "--epsilon", 5),
    *("--unit", "client"),
)


def test_the_promise_stands_first_and_what_it_leaves_open_last(run: Run) -> None:
    ran = run(*HOSPITALS, "--epsilon", 3)

    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[1] == (
        "epsilon 3 at delta 1e-05, zero-out of one record, against 1 colluding organisation(s)"
    )
    left_open = lines[lines.index("Not covered:") :]
    for words in ("takes part, when", "computational", "several records", "tuned", "garbage"):
        assert any(words in line for line in left_open)


def test_the_tables_say_noise_width_bytes_rounds_and_colluders(run: Run) -> None:
    ran = run(*HOSPITALS, "--epsilon", 3)

    shown = " ".join(re.sub(r"[│┃]", " ", ran.out).split())
    assert re.search(r"noise multiplier 6\.7\d* times the clip norm", shown)
    assert "shares that count 2 of the smallest sum" in shown
    assert re.search(r"levels [\d,]+ for the clip norm", shown)
    assert re.search(r"field \d+ bits", shown)
    assert "seal ckks 2458 bytes a value, 61,440 a client a round" in shown
    assert re.search(r"seal masking [\d.]+ bytes a value", shown)
    assert "Noise of one value of the mean over 920 records" in shown
    assert re.search(r" 10 2\.\d+ ", shown)
    assert re.search(r" 2 1 4\.4\d* ", shown)
    assert "3 or more 0 none" in shown
    assert re.search(r"Exchanging one for another: epsilon 6\.\d+", shown)


def test_scripts_read_the_same_figures(run: Run) -> None:
    document = json.loads(run(*HOSPITALS, "--epsilon", 3, "--json").out)

    assert document["guarantee"] == {
        "epsilon": pytest.approx(3, rel=1e-6),
        "delta": 1e-5,
        "unit": "record",
        "relation": "zero-out",
        "colluders": 1,
    }
    assert document["epsilon_over_rounds"][-1]["epsilon"] == document["guarantee"]["epsilon"]
    assert [row["honest_shares"] for row in document["epsilon_over_colluders"]] == [2, 1, 0]
    assert document["epsilon_over_colluders"][-1]["epsilon"] is None
    assert document["epsilon_replace_one"] > document["guarantee"]["epsilon"]
    deviations = {row["clients"]: row for row in document["noise_of_mean"]}
    expected = (4 * (document["share_variance"] + 0.25)) ** 0.5 / document["levels"] / 920
    assert deviations[4]["deviation_over_clip_norm"] == pytest.approx(expected)
    assert document["not_covered"]


def test_a_noise_multiplier_gives_the_epsilon_and_the_epsilon_gives_it_back(run: Run) -> None:
    by_noise = json.loads(run(*HOSPITALS, "--noise-multiplier", 6.72, "--json").out)
    epsilon = by_noise["guarantee"]["epsilon"]
    by_epsilon = json.loads(run(*HOSPITALS, "--epsilon", epsilon, "--json").out)

    assert by_noise["noise_multiplier"] == pytest.approx(6.72, rel=1e-6)
    assert by_epsilon["noise_multiplier"] == pytest.approx(6.72, rel=1e-4)


def test_a_second_opinion_agrees_with_the_plan(run: Run) -> None:
    document = json.loads(run(*HOSPITALS, "--epsilon", 3, "--json").out)

    compared = document["comparisons"]
    exact = compared["continuous Gaussian, exactly"]
    assert compared["continuous Gaussian, by dp-accounting's PLD"] == pytest.approx(exact, rel=1e-4)
    assert compared["this plan's curve, converted by dp-accounting"] == pytest.approx(
        document["guarantee"]["epsilon"], abs=1e-9
    )
    by_orders = compared["continuous Gaussian, by the same Renyi orders"]
    assert exact < by_orders < document["guarantee"]["epsilon"] <= 1.01 * by_orders


def test_without_the_extra_the_plan_is_whole_and_says_what_is_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (privacy_comparison, privacy_view):
        monkeypatch.setattr(module, "has_second_opinion", lambda: False)

    ran = run(*HOSPITALS, "--epsilon", 3)

    assert ran.code == 0
    assert "continuous Gaussian, exactly" in ran.out
    assert "dp-accounting" not in ran.out
    assert "blindsum[privacy]" in ran.err


def test_the_unit_client_below_a_hundred_clients_must_be_wanted(run: Run) -> None:
    refused = run(*CLIENTS, "--clients", 80)
    wanted = run(*CLIENTS, "--clients", 80, "--few-clients")
    many = run(*CLIENTS, "--clients", 100)

    assert refused.code == RULE_BROKE
    assert "privacy-client-unit" in refused.err
    assert "--few-clients" in refused.err
    assert wanted.code == many.code == 0
    assert "over the clients of the sum" in " ".join(many.out.split())


def test_a_cohort_that_masking_cannot_carry_is_planned_under_ckks(run: Run) -> None:
    ran = run(*CLIENTS, "--clients", 1_001, "--organisations", 50)

    assert ran.code == 0
    assert "expected at most 1000 clients under the seal masking" in ran.out
    assert run(*CLIENTS, "--clients", 1_001, "--seal", "masking").code == RULE_BROKE


def test_patients_at_several_clients_are_not_covered(run: Run) -> None:
    ran = run(*HOSPITALS, "--epsilon", 3, "--unit", "patient")

    assert "one patient" in ran.out
    assert "a patient at k clients" in ran.out


def test_a_delta_that_lets_one_record_leak_is_pointed_out(run: Run) -> None:
    loose = run(*HOSPITALS, "--epsilon", 3, "--delta", 1e-2)
    tight = run(*HOSPITALS, "--epsilon", 3)

    assert loose.code == 0
    assert "1/920" in loose.err
    assert "1/920" not in tight.err


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--epsilon", 3, "--colluders", 3), "privacy-no-honest-noise"),
        (("--epsilon", 3, "--organisations", 1), "privacy-no-honest-noise"),
        (("--epsilon", 3, "--delta", 0), "privacy-delta"),
        (("--epsilon", 0), "privacy-epsilon"),
        (("--noise-multiplier", -1), "privacy-noise-multiplier"),
        (("--epsilon", 3, "--min-organisations", 5), "privacy-cohort"),
        (("--epsilon", 3, "--seal", "paillier"), "unknown-seal"),
        (("--epsilon", 3, "--plot", "plan.pdf"), "plot-file"),
    ],
)
def test_what_cannot_be_promised_is_refused_by_name(
    run: Run, options: tuple[object, ...], rule: str
) -> None:
    ran = run(*HOSPITALS, *options)

    assert ran.code == RULE_BROKE
    assert f"Refused {rule}" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--epsilon", 3, "--noise-multiplier", 4),
        ("--epsilon", 3, "--unit", "client"),
        ("--epsilon", 3, "--mechanism", "laplace"),
    ],
)
def test_options_that_contradict_are_wrong_usage(run: Run, options: tuple[object, ...]) -> None:
    assert run(*HOSPITALS, *options).code == USAGE


def test_records_need_to_know_how_many_a_client_holds(run: Run) -> None:
    ran = run(
        *("privacy", "plan", "--clients", 4, "--dim", 25, "--rounds", 20, "--min-cohort", 3),
        *("--epsilon", 3),
    )

    assert ran.code == USAGE
    assert "--max-records" in ran.err


def test_the_plot_draws_both_curves_from_zero(run: Run, tmp_path: Path) -> None:
    ran = run(*HOSPITALS, "--epsilon", 3, "--plot", tmp_path / "new" / "plan.svg")

    assert ran.code == 0
    drawn = (tmp_path / "new" / "plan.svg").read_text()
    ET.fromstring(drawn)  # noqa: S314 - our own drawing, of a moment ago
    assert "epsilon 3" in drawn
    assert "colluding organisations of 4" in drawn


def test_the_ledgers_line_meets_the_best_one_where_the_study_ends() -> None:
    setting = Setting(
        cohort=evenly(4, 4, 3), dimension=25, rounds=20, delta=1e-5, units_per_client=303
    )
    over_rounds, over_colluders = draw_curves(plan_for_epsilon(setting, 3.0)).axes

    best, ledger = (np.asarray(line.get_ydata(), np.float64) for line in over_rounds.lines)
    assert (best <= ledger + 1e-9).all()
    assert best[-1] == pytest.approx(ledger[-1]) == pytest.approx(3.0)
    assert over_rounds.get_ylim()[0] == over_colluders.get_ylim()[0] == 0


def test_every_advice_is_for_a_rule_that_a_plan_can_break() -> None:
    of_ledgers = {"privacy-budget"}
    told = {rule for rule in NEXT_STEPS if rule.startswith("privacy-")} - of_ledgers

    assert told == {
        "privacy-client-unit",
        "privacy-units",
        "privacy-no-honest-noise",
        "privacy-epsilon",
        "privacy-share",
    }
