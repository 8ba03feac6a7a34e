"""What does compression save? Bytes dense, at 10 % of the coordinates, at other levels; both seals.

    python benchmarks/bench_compression.py            # 1,000,000 values, 10 clients, median of 5
    python benchmarks/bench_compression.py --quick    # 100,000 values, median of 3

Every case is really sealed, summed and opened, and its sum compared with the plain one. Bytes are
what one client sends; times are process time on one core. The last rows are how near a quadratic
comes to its optimum in so many rounds, without and with error feedback (benchmarks/quadratic.py).
"""

import sys
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import Progress

import quadratic
from blindsum_cli.bench.chart import OTHERS, OURS, Bar, Chart, Panel
from blindsum_cli.bench.environment import footer
from blindsum_cli.bench.row import Results, Row
from blindsum_cli.bench.table import figure
from blindsum_cli.bench.timing import Task, interleaved, run_on_one_core
from blindsum_crypto.primitives import digest
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.sparsity import Sparsity, SparsityRule, positions
from command_line import arguments, finish, options, surroundings
from problem import Problem
from sealed_vectors import SealedVectors, ckks_vectors, masking_vectors

_WHOLE: Final = {"values": 1_000_000, "clients": 10, "rounds": 300, "repetitions": 5}
_QUICK: Final = {"values": 100_000, "clients": 10, "rounds": 150, "repetitions": 3}
_SHARE: Final = 10  # one coordinate in so many travels
_SEALS: Final = {"ckks": ckks_vectors, "masking": masking_vectors}
_CASES: Final = {
    "dense": (1, 12),
    "random_k": (_SHARE, 12),
    "levels_8": (1, 8),
    "levels_16": (1, 16),
    "random_k_levels_8": (_SHARE, 8),
}
"""By name: of how many coordinates one travels, and bits of a signed level."""

_TIMED: Final = ("dense", "random_k")
_ROUND_ID: Final = digest("benchmarks/round")


def main() -> int:
    """Run the benchmark; the exit code is 0 when every sum was exact and feedback came nearer."""
    given = arguments("What does compression save?", _WHOLE, _QUICK)
    run_on_one_core()
    sizes = {name: getattr(given, name) for name in _WHOLE}
    values, rounds = sizes["values"], sizes["rounds"]
    payloads: dict[str, int] = {}
    checks: dict[str, bool] = {}
    tasks = _position_tasks(values)
    for case in _CASES:
        for seal, sealed in _sealed(case, values, sizes["clients"]):
            payloads[f"{seal}_{case}"] = sealed.payload_bytes
            checks[f"{seal} opens {case} to the exact sum"] = sealed.is_exact()
            if case in _TIMED:
                tasks[f"{seal}_{case}_seal"] = sealed.tasks()[f"{seal}_seal"]
    seconds = _measure(tasks, sizes["repetitions"])
    distances = _distances(rounds)
    checks["error feedback comes nearer to the optimum"] = (
        distances["random_k_feedback"] < distances["random_k"]
    )
    rows = [*_byte_rows(payloads), *_time_rows(seconds), *_distance_rows(distances, rounds)]
    title = f"Compression of {values:,} values, {sizes['clients']} clients, one core"
    if values != _WHOLE["values"]:
        title += "; 'at most' is for 1,000,000 values"  # fewer do not fill whole ciphertexts
    results = Results(title, surroundings(), sizes, rows, checks)
    return finish(results, _chart_of(results), options("compression", given))


def _sealed(case: str, values: int, clients: int) -> Iterator[tuple[str, SealedVectors]]:
    """The case's vectors, each with its weight, through each seal."""
    share, bits = _CASES[case]
    # One level below the largest number of so many bits, for stochastic rounding may go up.
    codec = Codec(clip_norm=1.0, levels=(1 << (bits - 1)) - 2, weight_cap=1000, weight_scale=0.25)
    problem = Problem.of(values // share + 1, clients, codec)
    for name, seal in _SEALS.items():
        yield name, seal(problem)


def _position_tasks(values: int) -> dict[str, Task]:
    model = np.sin(np.arange(values, dtype=np.float64)).astype(np.float32)
    return {
        f"positions_{rule.name.lower()}": _positions_task(Sparsity(rule, values // _SHARE), model)
        for rule in SparsityRule
    }


def _positions_task(
    sparsity: Sparsity, model: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> Task:
    return lambda: positions(sparsity, model, _ROUND_ID)


def _distances(rounds: int) -> dict[str, float]:
    drawn = Sparsity(SparsityRule.RANDOM_K, quadratic.DIMENSION // _SHARE)
    return {
        "dense": quadratic.distance(rounds, None, feedback=False),
        "random_k": quadratic.distance(rounds, drawn, feedback=False),
        "random_k_feedback": quadratic.distance(rounds, drawn, feedback=True),
    }


def _measure(tasks: Mapping[str, Task], repetitions: int) -> dict[str, float]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("measuring", total=len(tasks) * (repetitions + 1))
        return interleaved(tasks, repetitions, lambda: progress.advance(bar))


def _byte_rows(payloads: Mapping[str, int]) -> Iterator[Row]:
    for seal in _SEALS:
        dense = payloads[f"{seal}_dense"]
        for case, (share, bits) in _CASES.items():
            kept = "every value" if share == 1 else f"one value in {share}"
            yield Row(
                f"{seal}_{case}_bytes",
                payloads[f"{seal}_{case}"],
                "bytes",
                None if case == "dense" else dense,
                f"what one client sends: {kept}, levels of {bits} bits",
                0.11 if case == "random_k" else None,
            )


def _time_rows(seconds: Mapping[str, float]) -> Iterator[Row]:
    for rule in SparsityRule:
        name = f"positions_{rule.name.lower()}"
        yield Row(f"{name}_time", seconds[name], "s", None, f"which coordinates travel: {rule}")
    for seal in _SEALS:
        for case in _TIMED:
            baseline = None if case == "dense" else seconds[f"{seal}_dense_seal"]
            name = f"{seal}_{case}_seal"
            yield Row(f"{name}_time", seconds[name], "s", baseline, "integers to wire bytes")


def _distance_rows(distances: Mapping[str, float], rounds: int) -> Iterator[Row]:
    against = {"dense": None, "random_k": "dense", "random_k_feedback": "random_k"}
    for case, other in against.items():
        yield Row(
            f"quadratic_{case}_distance",
            distances[case],
            "of the start",
            None if other is None else distances[other],
            f"distance to the optimum after {rounds} rounds; held against {other or 'nothing'}",
        )


def _chart_of(results: Results) -> Chart:
    by_name = {row.name: row for row in results.rows}
    panels = [
        Panel(
            f"Bytes that one client sends, {seal}",
            [_bar(case, by_name[f"{seal}_{case}_bytes"]) for case in _CASES],
        )
        for seal in _SEALS
    ]
    cases = ("dense", "random_k", "random_k_feedback")
    bars = [_bar(case, by_name[f"quadratic_{case}_distance"]) for case in cases]
    return Chart(
        results.title,
        [*panels, Panel("Distance to the optimum", bars)],
        footer(results.environment),
    )


def _bar(case: str, row: Row) -> Bar:
    colour = OTHERS if case == "dense" else OURS
    return Bar(case.replace("_", " "), row.value, figure(row.value, row.unit), colour)


if __name__ == "__main__":
    sys.exit(main())
