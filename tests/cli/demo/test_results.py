"""The demo's verdict falls when anything of what it promises does not hold, and it says what."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blindsum_auditor.report import Finding, Level, Report, Status
from blindsum_cli.console import out
from blindsum_cli.demo.heart_disease import HOSPITALS, SPLITS
from blindsum_cli.demo.quality import MOST_DIFFERENCE, Quality
from blindsum_cli.demo.results import Artefact, Results
from blindsum_cli.demo.results_view import render
from blindsum_cli.demo.rounds import RoundResult, SealedRound

SEALS = ("ckks", "masking")
TERMINAL = 80


def row(mean: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return mean + np.linspace(-0.01, 0.01, SPLITS)


def finding(status: Status) -> Finding:
    return Finding("freeze", Level.PUBLIC, status, "rounds/000000/freeze.pb", "a sentence")


def artefact(seal: str, status: Status = Status.OK) -> Artefact:
    report = Report(
        study=f"heart-{seal}",
        manifest_digest=bytes(32),
        level=Level.ENTITLED,
        rounds=1,
        ended=True,
        findings=(finding(status),),
        limits=("That nobody colluded, which no transcript ever shows to anybody at all.",),
    )
    sizes = {"sent/payload": 1000.0, "sent/header": 20.0, "fetched/outcome": 5.0}
    extra = {"sent/pair table": 300.0} if seal == "masking" else {}
    seconds = {"round": 0.5, "aggregator: OPEN": 0.25, "hospital: train": 0.125}
    return Artefact(Path("transcripts") / f"heart-{seal}", report, sizes | extra, seconds)


@pytest.fixture
def good() -> Results:
    sealed = SealedRound(tuple(sorted(HOSPITALS)), is_exact=True, phases={"OPEN": 0.5})
    first = RoundResult(
        0, dict.fromkeys(SEALS, sealed), same_sums=True, same_models=True, remark=""
    )
    quality = Quality(
        hospitals={name: row(0.8) for name in HOSPITALS},
        plaintext=row(0.9),
        sealed=dict.fromkeys(SEALS, row(0.9)),
        pooled=row(0.91),
        largest_parameter_difference=1e-5,
    )
    return Results(
        rounds=(first, replace(first, number=1)),
        same_final_models=True,
        quality=quality,
        artefacts={seal: artefact(seal) for seal in SEALS},
        seconds={"setting up": 1.0, "studies": 2.0, "whole run": 4.0},
        seed=1988,
    )


def with_last_round(results: Results, last: RoundResult) -> Results:
    return replace(results, rounds=(*results.rounds[:-1], last))


def inexact(results: Results) -> Results:
    last = results.rounds[-1]
    wrong = replace(last.seals["masking"], is_exact=False)
    return with_last_round(results, replace(last, seals={**last.seals, "masking": wrong}))


SPOILED: dict[str, Callable[[Results], Results]] = {
    "an inexact sum": inexact,
    "sums that differ": lambda r: with_last_round(r, replace(r.rounds[-1], same_sums=False)),
    "models that differ": lambda r: with_last_round(r, replace(r.rounds[-1], same_models=False)),
    "final models that differ": lambda r: replace(r, same_final_models=False),
    "a refused transcript": lambda r: replace(
        r, artefacts={**r.artefacts, "masking": artefact("masking", Status.FAILED)}
    ),
    "lost quality": lambda r: replace(
        r,
        quality=replace(
            r.quality, sealed={**r.quality.sealed, "masking": row(0.9 - 2 * MOST_DIFFERENCE)}
        ),
    ),
}


def test_a_good_run_holds(good: Results) -> None:
    assert good.holds


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_run_does_not_hold_with(good: Results, spoil: Callable[[Results], Results]) -> None:
    assert not spoil(good).holds


def test_the_json_names_every_seal_beside_the_others(good: Results, tmp_path: Path) -> None:
    good.write(tmp_path / "results.json")
    document = json.loads((tmp_path / "results.json").read_text())

    for seal in SEALS:
        assert document["auc"][seal] == pytest.approx(0.9)
        assert document["auc"][f"difference_{seal}_plaintext"] == 0.0
        assert document["auc"]["gap_to_best_hospital"][seal] == pytest.approx(0.1)
        assert document["rounds"][1][seal]["exact"] is True
        assert document[seal]["transcript"].endswith(f"heart-{seal}")
    assert document["ckks"]["bytes_sent"] == 1020.0
    assert document["masking"]["bytes_sent"] == 1320.0
    assert document["exact"] is document["same_sums"] is document["same_models"] is True


def results_row(lines: list[str], name: str) -> list[str]:
    """The cells of the one table row of this name."""
    (line,) = (line for line in lines if name in line and "│" in line)
    return [cell.strip() for cell in line.split("│")[2:-1]]


def test_the_tables_stand_side_by_side_and_fit_a_terminal(
    good: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not through the property: setting a width back to what it was would fix it for good.
    monkeypatch.setattr(out, "_width", TERMINAL)
    with out.capture() as captured:
        render(good)
    text = captured.get()

    lines = [line for line in text.splitlines() if not line.startswith("$ ")]
    assert max(map(len, lines)) <= TERMINAL
    (heads,) = (line for line in lines if "ckks" in line and "masking" in line and "┃" in line)
    assert heads.index("ckks") < heads.index("masking")
    assert results_row(lines, "pair table") == ["", "300"]
    names = [line.split("│")[1].strip() for line in lines if "│" in line]
    assert names.index("pair table") < names.index("bytes fetched: outcome")
    assert results_row(lines, "bytes of a contribution") == ["1,020", "1,320"]
    assert results_row(lines, "seconds of an undisturbed round") == ["0.500", "0.500"]
    for seal in SEALS:
        assert results_row(lines, "rounds whose sum is exact")[SEALS.index(seal)] == "2 of 2"
        assert results_row(lines, "AUC, mean over the splits")[SEALS.index(seal)] == "0.9000"
    assert "2 of 2 rounds: sum through ckks == sum through masking == plaintext sum" in text


def test_seconds_of_disturbed_rounds_are_called_so(good: Results) -> None:
    disturbed = tuple(replace(one, remark="somebody is away") for one in good.rounds)
    with out.capture() as captured:
        render(replace(good, rounds=disturbed))

    assert "seconds of a disturbed round" in captured.get()


def test_a_refused_transcript_is_shown_in_full(good: Results) -> None:
    with out.capture() as captured:
        render(SPOILED["a refused transcript"](good))

    assert "1 check failed" in captured.get()
    assert "rounds/000000/freeze.pb" in captured.get()


def test_models_that_differ_are_told(good: Results) -> None:
    with out.capture() as captured:
        render(replace(good, same_final_models=False))

    assert "are NOT equal byte for byte" in captured.get()


def test_one_seal_alone_is_compared_with_the_plain_sum_alone(good: Results) -> None:
    rounds = tuple(replace(one, seals={"ckks": one.seals["ckks"]}) for one in good.rounds)
    alone = replace(
        good,
        rounds=rounds,
        quality=replace(good.quality, sealed={"ckks": row(0.9)}),
        artefacts={"ckks": artefact("ckks")},
    )
    with out.capture() as captured:
        render(alone)

    assert alone.holds
    assert "sum through ckks == plaintext sum" in captured.get()
    assert "masking" not in captured.get()
    assert "byte for byte" not in captured.get()
