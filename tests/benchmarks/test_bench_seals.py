"""benchmarks/bench_seals.py runs, and writes the rows that others rely on. Times are not judged."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = {
    "ckks_seal_time": ("s", 0.08),
    "ckks_seal_bytes": ("bytes a value", 0.047),
    "masking_seal_time": ("s", 2.0),
    "masking_bytes": ("bytes a value", 2.1),
}
PHASES = ("seal", "check_own", "add", "release", "open")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def shown(folder: Path) -> str:
    """What a small run prints."""
    small = ("--quick", "--values", "9000", "--clients", "3", "--repetitions", "1")
    ran = subprocess.run(
        [
            sys.executable,
            "benchmarks/bench_seals.py",
            *small,
            "--json",
            folder / "rows.json",
            "--results",
            folder,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return " ".join(ran.stdout.split())


@pytest.fixture(scope="module")
def document(shown: str, folder: Path) -> dict[str, Any]:
    assert shown
    written: dict[str, Any] = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
    return written


def test_a_quick_run_prints_its_sizes_and_that_the_sums_are_exact(shown: str) -> None:
    assert "sizes: values 9,000, clients 3, repetitions 1" in shown
    assert "ckks opens to the exact sum: yes" in shown
    assert "masking opens to the exact sum: yes" in shown


def test_every_row_has_the_five_keys_and_a_ratio_where_it_has_a_baseline(
    document: dict[str, Any],
) -> None:
    for row in document["rows"]:
        assert set(row) == {"name", "value", "unit", "baseline", "ratio"}
        assert row["value"] > 0
        if row["baseline"] is None:
            assert row["ratio"] is None
        else:
            assert row["ratio"] == pytest.approx(row["value"] / row["baseline"], rel=1e-4)


def test_the_rows_that_are_required_by_name_are_there_with_their_bars(
    document: dict[str, Any],
) -> None:
    rows = {row["name"]: row for row in document["rows"]}
    assert len(rows) == len(document["rows"])

    for name, (unit, bar) in REQUIRED.items():
        assert rows[name]["unit"] == unit
        assert document["bars"][name] == bar
    # Three clients' sums of 12-bit levels take 14 bits: 9,000 values, and 10 zeros behind them.
    assert rows["masking_bytes"]["value"] == pytest.approx(9_010 * 14 / 8 / 9_000, abs=1e-3)
    assert {f"{seal}_{phase}_time" for seal in ("ckks", "masking") for phase in PHASES} <= set(rows)
    assert {"codec_time", "bare_keystream_add_time", "bare_copy_time"} <= set(rows)
    assert {f"tenseal_{phase}_time" for phase in ("seal", "add", "open")} <= set(rows)


def test_the_environment_says_where_and_how(document: dict[str, Any]) -> None:
    environment = document["environment"]

    assert environment["command"].startswith("python benchmarks/bench_seals.py --quick")
    assert environment["cores_used"] == 1
    assert environment["processor"]
    assert set(environment["packages"]) >= {"cryptography", "numpy", "tenseal"}


def test_rows_and_plots_go_to_the_results_and_never_over_those_of_a_whole_run(
    shown: str, folder: Path
) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "rows.json",
        "seals-quick.json",
        "seals-quick.png",
    }
    assert "seals-quick.png" in shown
