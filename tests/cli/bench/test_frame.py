"""The frame of every benchmark: rows, turns, memory, tables."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from blindsum_cli.bench.memory import process_peak_bytes, traced
from blindsum_cli.bench.row import Results, Row
from blindsum_cli.bench.table import figure, seconds
from blindsum_cli.bench.timing import interleaved, process_seconds

MIB = 1 << 20


@pytest.mark.parametrize(
    ("row", "ratio", "within"),
    [
        (Row("a", 2.0, "s", 4.0, bar=0.5), 0.5, True),
        (Row("a", 2.0, "s", 4.0, bar=0.49), 0.5, False),
        (Row("a", 2.0, "bytes a value", bar=2.1), None, True),
        (Row("a", 2.2, "bytes a value", bar=2.1), None, False),
        (Row("a", 2.0, "s", 4.0), 0.5, None),
    ],
)
def test_a_bar_is_held_by_the_ratio_or_without_a_baseline_by_the_value(
    row: Row,
    ratio: float | None,
    *,
    within: bool | None,
) -> None:
    assert row.ratio == ratio
    assert row.within_bar is within


def test_results_are_written_with_rows_of_five_keys_and_the_environment(tmp_path: Path) -> None:
    rows = [Row("seal", 1 / 3, "s", 2.0, "in words", 0.5), Row("size", 2.0, "bytes")]
    path = tmp_path / "folder" / "rows.json"

    Results("title", {"python": "3.11"}, {"values": 7}, rows, {"exact": True}).write(path)

    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["environment"] == {"python": "3.11"}
    assert document["rows"] == [
        {"name": "seal", "value": 0.333333, "unit": "s", "baseline": 2.0, "ratio": 0.166667},
        {"name": "size", "value": 2.0, "unit": "bytes", "baseline": None, "ratio": None},
    ]
    assert document["notes"] == {"seal": "in words"}
    assert document["bars"] == {"seal": 0.5}


def test_results_hold_only_while_every_check_is_true() -> None:
    assert Results("", {}, {}, [], {"a": True}).holds
    assert not Results("", {}, {}, [], {"a": True, "b": False}).holds


def test_tasks_run_in_turns_and_the_first_turn_is_not_counted() -> None:
    calls: list[str] = []

    def slow_at_first() -> None:
        if calls.count("slow") == 0:
            sum(range(2_000_000))
        calls.append("slow")

    taken = interleaved({"slow": slow_at_first, "fast": lambda: calls.append("fast")}, 3)

    assert calls == ["slow", "fast"] * 4
    assert taken["slow"] < process_seconds(lambda: sum(range(2_000_000))) / 2


def test_progress_is_told_after_every_call() -> None:
    told: list[None] = []

    interleaved({"a": lambda: None, "b": lambda: None}, 2, lambda: told.append(None))

    assert len(told) == 6


def test_memory_is_the_most_that_a_step_holds_at_any_moment() -> None:
    def step() -> int:
        np.ones(8 * MIB, np.uint8)
        return int(np.ones(32 * MIB, np.uint8)[0])

    result, peak = traced(step)

    assert result == 1
    assert 32 * MIB <= peak < 33 * MIB
    assert process_peak_bytes() > 32 * MIB


@pytest.mark.slow
def test_a_benchmark_starts_itself_again_on_one_core_with_one_thread() -> None:
    program = (
        "import os; from blindsum_cli.bench.timing import run_on_one_core; run_on_one_core(); "
        "print(len(os.sched_getaffinity(0)), os.environ['OPENBLAS_NUM_THREADS'])"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stdout.split() == ["1", "1"]


@pytest.mark.parametrize(
    ("value", "words"),
    [(2.5, "2.5 s"), (0.0263, "26.3 ms"), (0.000358, "358 µs"), (1.5e-8, "15 ns"), (0.0, "0 ns")],
)
def test_seconds_are_written_in_the_unit_that_people_read(value: float, words: str) -> None:
    assert seconds(value) == words


def test_figures_keep_their_unit() -> None:
    assert figure(1234567.0, "bytes") == "1,234,567 B"
    assert figure(2.51904, "bytes a value") == "2.519 bytes a value"
    assert figure(0.5, "s") == "500 ms"
