"""The rows of bench_masking.py: bars, ratios, the grid's line, and what a wrong sum does."""

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from blindsum_cli.bench.chart import Bar, Chart, Panel
from blindsum_cli.bench.row import Results
from cells import Cell
from command_line import Options, finish
from docs_table import table_of
from grid import (
    Budget,
    Grid,
    are_exact,
    document,
    growths_in_clients,
    growths_in_values,
    run_grid,
    worst,
)
from masking_rows import Masked, custodian_rows, growth_rows, memory_rows
from masks import MaskedVectors
from peers.flower_peer import FlowerPeer

SECONDS = {
    "mask": 0.016,
    "mask_limit": 0.010,
    "encode_mask": 0.030,
    "encode": 0.014,
    "check_own": 0.02,
    "header": 0.005,
    "unmask": 0.060,
    "unmask_limit": 0.030,
}
FLOWER = {"flower_mask": 0.1, "flower_share": 0.5, "flower_unmask": 12.0}
PHASES = ("keys", "mask", "header", "admit", "release", "add", "dispute", "open")


def measured(seconds: dict[str, float], flower_bytes: int | None = None) -> Masked:
    return Masked(seconds, 1_000_000, 10, 3_500_018, flower_bytes, 50, 100_000, 560)


def cell(clients: int, values: int, dropout: float = 0.0, *, seconds: float = 1.0) -> Cell:
    sizes = {"payload": values}
    taken = dict.fromkeys(PHASES, seconds)
    return Cell(clients, values, dropout, taken, sizes, opening_bytes=values, is_exact=True)


def test_rows_stand_within_or_outside_their_bars() -> None:
    rows = {row.name: row for row in measured(SECONDS | FLOWER, 8_000_264).rows()}

    assert rows["mask_vs_limit"].ratio == pytest.approx(1.6)
    assert rows["mask_vs_limit"].within_bar
    assert rows["mask_time"].ratio == pytest.approx(0.3)
    assert rows["mask_bytes"].within_bar
    assert rows["header_time"].ratio == pytest.approx(0.01)
    assert rows["unmask_vs_limit"].ratio == pytest.approx(2.0)
    assert rows["unmask_vs_limit"].within_bar is False
    assert rows["unmask_time"].within_bar
    assert rows["flower_mask_bytes"].value == pytest.approx(8.0, abs=1e-3)
    assert rows["mask_unit"].value == pytest.approx(1.6)
    assert rows["header_unit"].value == pytest.approx(100.0)


def test_a_row_without_flower_has_no_bar_and_says_so() -> None:
    rows = {row.name: row for row in measured(SECONDS).rows()}

    for name in ("mask_time", "header_time", "unmask_time"):
        assert rows[name].ratio is None
        assert rows[name].within_bar is None
        assert "not measured" in rows[name].note


def test_memory_counts_in_vectors_beyond_what_the_process_may_hold_anyhow() -> None:
    told = {
        "peak_bytes": 256_000_000,
        "started_bytes": 100_000_000,
        "frozen_bytes": 110_000_000,
        "members": 990,
        "seconds": {"upload": 1.0, "open": 2.0},
    }

    more, less = (
        {row.name: row for row in memory_rows(told | {"peak_bytes": peak}, 1_000, 1_000_000)}
        for peak in (256_000_000, 190_000_000)
    )

    assert more["memory_vectors"].value == pytest.approx(7.0)
    assert more["memory_vectors"].within_bar is False
    assert less["memory_vectors"].value == 0
    assert less["memory_vectors"].within_bar


def test_custodian_rows_carry_their_bars() -> None:
    told = {
        "clients": 1_000,
        "members": 900,
        "microseconds_a_member": 901.0,
        "peak_megabytes": 400.0,
        "total_seconds": 9.5,
        "seconds": {"admit": 1.0},
    }

    rows = {row.name: row for row in custodian_rows(told, told)}

    assert rows["custodian_us_per_client"].within_bar is False
    assert rows["custodian_bytes"].within_bar
    assert rows["custodian_masking_time"].within_bar


def test_growth_is_measured_between_neighbours_and_the_worst_is_told() -> None:
    cells = [
        cell(10, 1_000, seconds=1.0),
        cell(10, 10_000, seconds=10.0),
        cell(10, 100_000, seconds=150.0),
        cell(100, 1_000, seconds=10.0),
    ]

    in_values, in_clients = growths_in_values(cells), growths_in_clients(cells)

    assert len(in_values) == 6  # two steps of three costs
    assert worst(in_values).measured == pytest.approx(15.0)
    assert worst(in_values).stated == 10
    costs = ("keys", "mask", "admit", "release", "add", "open")
    assert {one.cost: one.stated for one in in_clients} == dict.fromkeys(costs, 10)
    rows = {row.name: row for row in growth_rows(cells)}
    assert rows["growth_d"].ratio == pytest.approx(1.5)
    assert rows["growth_n"].ratio == pytest.approx(1.0)


def test_an_opening_is_stated_to_grow_with_survivors_and_their_dropouts() -> None:
    cells = [cell(10, 1_000, 0.3), cell(100, 1_000, 0.3, seconds=77.5)]

    (opening,) = (one for one in growths_in_clients(cells) if one.cost == "open")

    assert opening.stated == pytest.approx(70 * 31 / (7 * 4))


def test_nothing_that_was_computed_is_held_against_a_growth() -> None:
    computed = replace(cell(10, 10_000, seconds=99.0), is_exact=None)

    assert growths_in_values([cell(10, 1_000), computed]) == []


def test_a_cell_that_takes_too_long_lies_on_the_line_through_the_two_before() -> None:
    told: list[str] = []

    cells = run_grid(Grid((4,), (1_000, 2_000, 4_000), (0.0,)), Budget(0.0, 1.0), told.append)

    assert [one.is_exact for one in cells] == [True, True, None]
    first, second, third = cells
    for phase, taken in third.seconds.items():
        before, after = first.seconds[phase], second.seconds[phase]
        assert taken == pytest.approx(before + 3 * (after - before))
    assert third.sizes["payload"] == pytest.approx(2 * second.sizes["payload"], rel=0.01)
    assert told


def test_a_budget_counts_only_the_masks_that_are_really_made() -> None:
    budget = Budget(limit_seconds=10.0, mask_seconds=1e-9)

    everybody = budget.predicted(100, 1_000_000, 0.0)
    three = budget.predicted(1_000, 1_000_000, 0.0)

    assert everybody == pytest.approx(1e6 * (10_100 * 1.2e-9 + 100 * 15e-9))
    assert three == pytest.approx(1e6 * (8_000 * 1.2e-9 + 1_000 * 15e-9))
    assert not budget.allows(1_000, 1_000_000, 0.3)


def test_an_opening_that_is_off_by_one_is_not_exact() -> None:
    opening = MaskedVectors(values=500, clients=5, dropped=2).opening()
    assert opening.is_exact()

    opening.accumulator[7] += 1

    assert not opening.is_exact()


def test_one_wrong_cell_is_a_wrong_grid_and_a_computed_one_is_not() -> None:
    right = cell(10, 1_000)

    assert are_exact([right, replace(right, is_exact=None)])
    assert not are_exact([right, replace(right, is_exact=False)])


def test_the_bare_limit_takes_as_many_masks_as_the_opening_takes_off() -> None:
    opening = MaskedVectors(values=500, clients=5, dropped=2).opening()

    assert opening.masks == 3 * (1 + 2)
    assert opening.limit().shape == opening.accumulator.shape


@pytest.mark.slow  # it draws the plot
def test_a_wrong_sum_ends_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = Options("masking", quick=True, json_file=None, results=tmp_path)
    right = Results("title", {}, {}, [], {"the sum is exact": True})
    wrong = replace(right, checks={"the sum is exact": True, "another is exact": False})

    chart = Chart("title", [Panel("panel", [Bar("bar", 1.0, "1 s")])])

    assert finish(right, chart, given) == 0
    assert finish(wrong, chart, given) == 1
    assert "another is exact: NO" in capsys.readouterr().out


@pytest.mark.skipif(find_spec("flwr") is not None, reason="this environment holds Flower")
def test_an_environment_without_flower_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        FlowerPeer(Path(sys.executable))


def test_a_file_of_rows_becomes_a_table_for_the_docs() -> None:
    results = Results("title", {}, {}, list(measured(SECONDS | FLOWER, 8_000_264).rows()))

    head, _, first, second, *_ = table_of(results.document())

    assert head == "| row | value | baseline | ratio | at most |"
    assert first == "| `mask_vs_limit` | 16 ms | 10 ms | 1.6 | 1.8 |"
    assert second == "| `mask_time` | 30 ms | 100 ms | 0.3 | 0.3 |"


def test_the_grid_becomes_a_table_that_says_what_was_computed() -> None:
    sizes = dict.fromkeys(("payload", "header", "wraps", "pair table", "release"), 10)
    computed = replace(cell(10, 1_000, 0.3), is_exact=None, sizes=sizes)

    *_, last = table_of({"cells": [document(computed)]})

    assert last.startswith("| 10 | 1,000 (computed) | 30% | 1 s | 1 s | 1 s | 2 s | 1 s | 2 s |")
    assert "| 40 B | 10 B |" in last
