"""What does sealing cost? Both seals beside TenSEAL's usual path and the machine's bare limits.

    python benchmarks/bench_seals.py            # 1,000,000 values, 10 clients, median of 5
    python benchmarks/bench_seals.py --quick    # 100,000 values, median of 3

One core, process time, everything in turns, medians. What each row means: docs/benchmarks.md.
"""

import sys
from typing import Final

from rich.console import Console
from rich.progress import Progress

from bare_limits import BareLimits
from blindsum_cli.bench.environment import footer
from blindsum_cli.bench.row import Results
from blindsum_cli.bench.timing import Task, interleaved, run_on_one_core
from command_line import arguments, finish, options, surroundings
from peers.tenseal_vectors import TensealVectors
from problem import Problem
from seal_rows import Measured, chart_of
from sealed_vectors import ckks_vectors, codec_task, masking_vectors

_WHOLE: Final = {"values": 1_000_000, "clients": 10, "repetitions": 5}
_QUICK: Final = {"values": 100_000, "clients": 10, "repetitions": 3}


def main() -> int:
    """Run the benchmark; the exit code is 0 when every opened sum was exact."""
    given = arguments(
        "What does sealing cost? Both seals beside TenSEAL and the bare limits.", _WHOLE, _QUICK
    )
    run_on_one_core()
    sizes = {name: getattr(given, name) for name in _WHOLE}
    problem = Problem.of(sizes["values"], sizes["clients"])
    ckks, masking = ckks_vectors(problem), masking_vectors(problem)
    tenseal = TensealVectors(problem)
    limits = BareLimits(problem, masking.payload_bytes)
    tasks = {"codec": codec_task(problem), **ckks.tasks(), **masking.tasks()}
    tasks |= {**tenseal.tasks(), **limits.tasks()}
    measured = Measured(
        seconds=_measure(tasks, sizes["repetitions"]),
        bytes_a_value={
            "ckks": ckks.payload_bytes / problem.values,
            "masking": masking.payload_bytes / problem.values,
            "tenseal": tenseal.payload_bytes / problem.values,
        },
        tenseal_error=tenseal.largest_error(),
    )
    title = f"Sealing {problem.values:,} values, {problem.clients} clients, one core"
    is_whole = (problem.values, problem.clients) == (_WHOLE["values"], _WHOLE["clients"])
    results = Results(
        title if is_whole else f"{title}; 'at most' is for 1,000,000 values and 10 clients",
        surroundings(),
        {**sizes, "field_bits": problem.field_bits},
        measured.rows(),
        {f"{one.name} opens to the exact sum": one.is_exact() for one in (ckks, masking)},
    )
    return finish(
        results, chart_of(title, results.rows, footer(results.environment)), options("seals", given)
    )


def _measure(tasks: dict[str, Task], repetitions: int) -> dict[str, float]:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("measuring", total=len(tasks) * (repetitions + 1))
        return interleaved(tasks, repetitions, lambda: progress.advance(bar))


if __name__ == "__main__":
    sys.exit(main())
