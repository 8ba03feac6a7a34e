"""What does a masked round cost? Beside its bare limit, beside Flower, and over a grid of rounds.

    python benchmarks/bench_masking.py --with-flower    # the whole: see docs/benchmarks.md
    python benchmarks/bench_masking.py --quick          # small, without Flower

Process time on one core, everything that is compared in turns, medians. Flower's SecAgg+ runs in a
process of its own environment, which `--with-flower` makes; `--flower-python` names one that is
there. Without either its rows say so. What each row means: docs/benchmarks.md.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console

from bare_limits import keystream_add
from blindsum_cli.bench.environment import footer
from blindsum_cli.bench.row import Results, Row
from blindsum_cli.bench.timing import run_on_one_core
from cells import Cell
from command_line import Options, arguments, finish, options, surroundings
from grid import Budget, Grid, are_exact, document, run_grid
from grid_view import cells_table, write_plot
from masking_rows import Masked, chart_of, custodian_rows, growth_rows, memory_rows
from masks import KeysAndHeader, MaskedVectors
from peers.flower_peer import FlowerPeer, flower_python
from turns import Clock, clock, in_turns

_WHOLE: Final = {
    "values": 1_000_000,
    "peers": 9,
    "header_peers": 50,
    "unmask_clients": 50,
    "unmask_values": 100_000,
    "unmask_dropped": 15,
    "memory_clients": 1_000,
    "memory_values": 1_000_000,
    "custodian_clients": 100_000,
    "custodian_masking_clients": 1_000,
    "cell_seconds": 600,
    "repetitions": 5,
}
_QUICK: Final = _WHOLE | {
    "memory_clients": 30,
    "memory_values": 50_000,
    "custodian_clients": 300,
    "custodian_masking_clients": 100,
    "repetitions": 3,
}
_GRID: Final = Grid((10, 50, 100, 1_000), (100_000, 1_000_000, 10_000_000), (0.0, 0.1, 0.3))
_QUICK_GRID: Final = Grid((10, 30), (10_000, 100_000), (0.0, 0.3))
_MEMORY_DROPOUT: Final = 0.01
_CUSTODIAN_DROPOUT: Final = 0.1
_FLOWER_ERROR: Final = 1e-4  # its grid is 4e-6 wide, and a mean of tens of nodes keeps below this
_PARTS: Final = ("masks", "aggregator", "custodian", "grid")
_HERE: Final = Path(__file__).parent


def main() -> int:
    """Run the benchmark; the exit code is 0 when every opened sum was exact."""
    given = arguments("What does a masked round cost?", _WHOLE, _QUICK, _own_options)
    cores = os.sched_getaffinity(0)
    run_on_one_core()
    bench = _Bench({name: getattr(given, name) for name in _WHOLE}, cores)
    cells = _measure(bench, given)
    is_whole = bench.sizes == _WHOLE
    title = "What a masked round costs"
    environment = surroundings()
    environment["packages"] |= bench.peers
    results = Results(
        title if is_whole else f"{title}; 'at most' is for the whole run's sizes",
        environment,
        bench.sizes,
        bench.rows,
        bench.checks,
    )
    name = "masking" if set(given.parts) == set(_PARTS) else f"masking-only-{'-'.join(given.parts)}"
    chosen = options(name, given)
    if cells:
        _write_cells(cells, _grid(given), environment, options("masking-grid", given))
    return finish(results, chart_of(bench.title, bench.rows, footer(environment)), chosen)


def _own_options(parser: argparse.ArgumentParser) -> None:
    flower = parser.add_mutually_exclusive_group()
    flower.add_argument(
        "--with-flower",
        action="store_true",
        help="measure Flower as well; its environment is made in the user's cache if it is missing",
    )
    flower.add_argument(
        "--flower-python", type=Path, metavar="PATH", help="the Python of one that is there"
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=_PARTS,
        default=_PARTS,
        help="what to measure (default: all of it); some alone get files of their own",
    )


def _measure(bench: "_Bench", given: argparse.Namespace) -> list[Cell]:
    """Everything that was asked for, the longest last; the cells of the grid."""
    if "masks" in given.parts:
        with _flower(given) as flower:
            bench.masks(flower)
    if "aggregator" in given.parts:
        bench.aggregator()
    if "custodian" in given.parts:
        bench.custodian()
    return bench.grid(_grid(given)) if "grid" in given.parts else []


def _grid(given: argparse.Namespace) -> Grid:
    return _QUICK_GRID if given.quick else _GRID


@contextmanager
def _flower(given: argparse.Namespace) -> Iterator[FlowerPeer | None]:
    python = flower_python() if given.with_flower else given.flower_python
    if python is None:
        yield None
        return
    with FlowerPeer(python) as flower:
        yield flower


@dataclass(slots=True)
class _Bench:
    """The sections of the benchmark; each adds its rows and checks.

    Attributes:
        sizes: How large everything is.
        cores: All cores that this process was given; it keeps itself to one of them.
    """

    sizes: Mapping[str, int]
    cores: set[int]
    rows: list[Row] = field(init=False, default_factory=list)
    checks: dict[str, bool] = field(init=False, default_factory=dict)
    peers: dict[str, str] = field(init=False, default_factory=dict)

    @property
    def title(self) -> str:
        """What is plotted, with its sizes."""
        sizes = self.sizes
        survivors = sizes["unmask_clients"] - sizes["unmask_dropped"]
        return (
            f"Masked sums: {sizes['values']:,} values and {sizes['peers']} peers; header among "
            f"{sizes['header_peers']} peers;\nopening of {sizes['unmask_values']:,} values, "
            f"{survivors} of {sizes['unmask_clients']} clients there"
        )

    def masks(self, flower: FlowerPeer | None) -> None:
        """Masking, keys and header, opening: ours, the bare limits, and Flower's."""
        sizes, repetitions = self.sizes, self.sizes["repetitions"]
        clients, values = sizes["peers"] + 1, sizes["values"]
        sealing = MaskedVectors(values, clients)
        dropped = sizes["unmask_dropped"]
        opening = MaskedVectors(sizes["unmask_values"], sizes["unmask_clients"], dropped).opening()
        header = KeysAndHeader.among(sizes["header_peers"])
        sealed = {name: clock(task) for name, task in sealing.sealing().items()}
        opened = {"unmask": clock(opening.open), "unmask_limit": clock(opening.limit)}
        keyed = {"header": clock(header.run)}
        self.checks["the sum of masked vectors is exact"] = opening.is_exact()
        if flower is not None:
            sealed |= self._prepared(flower, "mask", clients, values)
            keyed |= self._prepared(flower, "share", sizes["header_peers"] + 1, 1)
            crowd = sizes["unmask_clients"], sizes["unmask_values"], dropped
            opened |= self._prepared(flower, "unmask", *crowd)
            self.peers["flwr"] = flower.version
        seconds: dict[str, float] = {}
        for turns in (sealed, keyed, opened):
            self._tell(f"measuring {', '.join(turns)}")
            seconds |= in_turns(turns, repetitions)
        measured = Masked(
            seconds,
            values,
            clients,
            sealing.payload_bytes,
            None if flower is None else flower.sent_bytes["mask"],
            sizes["header_peers"],
            sizes["unmask_values"],
            opening.masks,
        )
        self.rows += measured.rows()

    def aggregator(self) -> None:
        """A whole round at an aggregator in a process of its own."""
        clients, values = self.sizes["memory_clients"], self.sizes["memory_values"]
        told = self._run(
            "aggregator_round.py",
            {"clients": clients, "values": values, "dropout": _MEMORY_DROPOUT},
        )
        self.checks["the aggregator's published sum is exact"] = told["is_exact"]
        self.rows += memory_rows(told, clients, values)

    def custodian(self) -> None:
        """A whole round at a custodian in a process of its own, under both seals."""
        ckks = {"clients": self.sizes["custodian_clients"], "seal": "ckks"}
        masking = {"clients": self.sizes["custodian_masking_clients"], "seal": "masking"}
        masking |= {"dropout": _CUSTODIAN_DROPOUT}
        script = "custodian_round.py"
        self.rows += custodian_rows(self._run(script, ckks), self._run(script, masking))

    def grid(self, grid: Grid) -> list[Cell]:
        """Every cell of the grid."""
        words = np.ones(_WHOLE["values"], np.uint32)
        masks = _WHOLE["peers"] + 1
        limit = in_turns({"limit": clock(lambda: keystream_add(words, masks))}, 3)["limit"]
        budget = Budget(self.sizes["cell_seconds"], limit / (masks * words.size))
        cells = run_grid(grid, budget, self._tell)
        self.checks["the sum of every cell of the grid is exact"] = are_exact(cells)
        self.rows += growth_rows(cells)
        return cells

    def _prepared(self, flower: FlowerPeer, task: Any, *sizes: int) -> dict[str, Clock]:  # noqa: ANN401
        self._tell(f"Flower plays the round before its stage {task}")
        error = flower.prepare(task, *sizes)
        if task == "unmask":
            self.checks["Flower opened its own mean"] = error < _FLOWER_ERROR
        return {f"flower_{task}": flower.clock(task)}

    # Any: plain values of several kinds, read from JSON.
    def _run(self, script: str, told: Mapping[str, object]) -> dict[str, Any]:
        """One of the measurements that have a process of their own, on all cores."""
        words = [word for name, value in told.items() for word in (f"--{name}", str(value))]
        command = [sys.executable, str(_HERE / script), *words]
        self._tell(f"running {script} {' '.join(words)}")
        # On a terminal it shows how far it is; elsewhere that is told only when it fails.
        told_to = None if sys.stderr.isatty() else subprocess.PIPE
        with _all(self.cores):
            ran = subprocess.run(  # noqa: S603 - a file beside this one
                command, stdout=subprocess.PIPE, stderr=told_to, text=True, check=False
            )
        if not ran.stdout:
            sys.stderr.write(ran.stderr or "")
            raise RuntimeError(f"expected figures of {script}, got exit code {ran.returncode}")
        figures: dict[str, Any] = json.loads(ran.stdout)
        return figures

    def _tell(self, what: str) -> None:
        """One line on a terminal, and nothing in a log."""
        console = Console(stderr=True)
        if console.is_terminal:
            console.print(what.ljust(console.width - 1)[: console.width - 1], end="\r")


@contextmanager
def _all(cores: set[int]) -> Iterator[None]:
    """Let what is started here use all cores."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


def _write_cells(
    cells: Sequence[Cell], grid: Grid, environment: Mapping[str, Any], chosen: Options
) -> None:
    """Print the grid, and write its own JSON file and plot."""
    Console(highlight=False, width=None if sys.stdout.isatty() else 170).print(cells_table(cells))
    stem = chosen.stem
    told = {"environment": dict(environment), "cells": [document(cell) for cell in cells]}
    stem.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(told, indent=2, ensure_ascii=False)
    stem.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    write_plot(cells, grid, footer(environment), stem.with_suffix(".png"))


if __name__ == "__main__":
    sys.exit(main())
