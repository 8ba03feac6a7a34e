"""`blindsum demo` refuses what it cannot run, by name and with a next step, before it begins."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.mark.parametrize("epsilon", ["0", "-3", "nan", "inf", "1000", "0.001"])
def test_an_epsilon_that_hides_nothing_or_all_is_refused(
    run: Run, tmp_path: Path, epsilon: str
) -> None:
    ran = run("demo", f"--epsilon={epsilon}", "--folder", tmp_path / "new")

    assert ran.code == 1
    assert "demo-epsilon" in ran.err
    assert "blindsum demo --epsilon 3" in ran.err
    assert not (tmp_path / "new").exists()


def test_two_private_studies_of_the_same_records_are_refused(run: Run, tmp_path: Path) -> None:
    ran = run("demo", "--epsilon", 3, "--seal", "both", "--folder", tmp_path / "new")

    assert ran.code == 1
    assert "demo-private-seal" in ran.err
    assert "--seal ckks" in ran.err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("options", [[], ["--epsilon", "3"]])
def test_a_folder_that_holds_something_is_refused(
    run: Run, tmp_path: Path, options: list[str]
) -> None:
    (tmp_path / "something").touch()
    ran = run("demo", *options, "--folder", tmp_path)

    assert ran.code == 1
    assert "demo-folder" in ran.err


@pytest.mark.parametrize("rounds", ["2", "101", "many"])
def test_rounds_out_of_range_are_wrong_usage(run: Run, tmp_path: Path, rounds: str) -> None:
    ran = run("demo", "--epsilon", 3, "--rounds", rounds, "--folder", tmp_path / "new")

    assert ran.code == 2
    assert "--rounds" in ran.err


def test_the_help_teaches_what_epsilon_is(run: Run) -> None:
    told = " ".join(run("demo", "--help").out.replace("│", " ").split())

    for words in ("--epsilon", "about 1 is strong", "one curious hospital", "budget is spent"):
        assert words in told
