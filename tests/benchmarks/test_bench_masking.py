"""benchmarks/bench_masking.py runs small, without Flower. Times are not judged."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    *("--values", "4000", "--header-peers", "5", "--repetitions", "1"),
    *("--unmask-clients", "10", "--unmask-values", "3000", "--unmask-dropped", "3"),
    *("--memory-clients", "6", "--memory-values", "2000"),
    *("--custodian-clients", "20", "--custodian-masking-clients", "10"),
)
BARS = {
    "mask_vs_limit": ("s", 1.8),
    "mask_bytes": ("bytes a value", 3.6),
    "unmask_vs_limit": ("s", 1.5),
    "memory_vectors": ("vectors", 6),
    "custodian_us_per_client": ("µs a client", 900),
    "custodian_bytes": ("bytes", 1e9),
    "custodian_masking_time": ("s", 10),
}
AGAINST_FLOWER = ("mask_time", "header_time", "unmask_time")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def shown(folder: Path) -> str:
    """What a small run prints."""
    ran = subprocess.run(
        [
            sys.executable,
            "benchmarks/bench_masking.py",
            "--quick",
            *SMALL,
            *("--json", folder / "rows.json", "--results", folder),
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


@pytest.fixture(scope="module")
def cells(shown: str, folder: Path) -> list[dict[str, Any]]:
    assert shown
    text = (folder / "masking-grid-quick.json").read_text(encoding="utf-8")
    written: list[dict[str, Any]] = json.loads(text)["cells"]
    return written


def test_every_sum_of_a_small_run_is_exact(shown: str) -> None:
    assert "the sum of masked vectors is exact: yes" in shown
    assert "the aggregator's published sum is exact: yes" in shown
    assert "the sum of every cell of the grid is exact: yes" in shown


def test_the_rows_that_are_required_by_name_are_there_with_their_bars(
    document: dict[str, Any],
) -> None:
    rows = {row["name"]: row for row in document["rows"]}
    assert len(rows) == len(document["rows"])

    for name, (unit, bar) in BARS.items():
        assert rows[name]["unit"] == unit
        assert document["bars"][name] == bar
    # 4,000 values of 28 bits, and 5 zeros behind them.
    assert rows["mask_bytes"]["value"] == pytest.approx(4_005 * 28 / 8 / 4_000, abs=1e-3)
    assert rows["mask_vs_limit"]["baseline"] == rows["mask_limit_time"]["value"]
    assert rows["unmask_vs_limit"]["baseline"] == rows["unmask_limit_time"]["value"]


def test_without_flower_its_rows_say_that_it_was_not_measured(document: dict[str, Any]) -> None:
    rows = {row["name"]: row for row in document["rows"]}

    for name in AGAINST_FLOWER:
        assert rows[name]["baseline"] is None
        assert document["notes"][name].endswith("Flower: not measured")
        assert name not in document["bars"]
    assert not any(name.startswith("flower") for name in rows)
    assert "flwr" not in document["environment"]["packages"]


def test_growth_is_held_against_what_is_stated(document: dict[str, Any]) -> None:
    rows = {row["name"]: row for row in document["rows"]}

    assert rows["growth_d"]["baseline"] == pytest.approx(10)
    assert rows["growth_n"]["baseline"] > 1
    for name in ("growth_d", "growth_n"):
        assert rows[name]["ratio"] > 0
        assert "the worst of" in document["notes"][name]


def test_every_combination_of_the_grid_is_a_cell_with_all_roles(
    cells: list[dict[str, Any]],
) -> None:
    seen = {(cell["clients"], cell["values"], cell["dropout"]) for cell in cells}

    assert seen == {(n, d, out) for n in (10, 30) for d in (10_000, 100_000) for out in (0.0, 0.3)}
    for cell in cells:
        assert cell["exact"] is True
        assert cell["computed"] is False
        assert set(cell["seconds"]) == {
            *("keys", "mask", "header"),
            *("admit", "release"),
            *("add", "dispute", "open"),
        }
        assert {"payload", "header", "wraps", "pair table", "page", "release", "aggregate"} < set(
            cell["bytes"]
        )
        survivors = cell["clients"] - cell["dropped"]
        assert cell["removed_masks"] == survivors * (1 + cell["dropped"])


def test_rows_and_plots_go_to_the_results_and_never_over_those_of_a_whole_run(
    shown: str, folder: Path
) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "rows.json",
        "masking-quick.json",
        "masking-quick.png",
        "masking-grid-quick.json",
        "masking-grid-quick.png",
    }
    assert "masking-quick.png" in shown
