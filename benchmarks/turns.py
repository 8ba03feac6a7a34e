"""Turns between us and a peer in a process of its own: each clock tells its own seconds.

As `blindsum_cli.bench.timing.interleaved`, which times in this process alone: one call of each that
is not counted, then all of them in turns, so that a slow moment of the machine falls on all alike.
"""

import gc
import statistics
from collections.abc import Callable, Mapping

from blindsum_cli.bench.timing import Task, process_seconds

Clock = Callable[[], float]


def clock(task: Task) -> Clock:
    """A task of this process as a clock: its seconds of process time."""
    return lambda: process_seconds(task)


def in_turns(clocks: Mapping[str, Clock], repetitions: int) -> dict[str, float]:
    """Run clocks in turns.

    Args:
        clocks: What to run, by name; each runs once and tells its seconds.
        repetitions: Turns that are counted, 1 or more.

    Returns:
        The median seconds of each.
    """
    seconds: dict[str, list[float]] = {name: [] for name in clocks}
    for turn in range(repetitions + 1):
        for name, run in clocks.items():
            gc.collect()
            taken = run()
            if turn:
                seconds[name].append(taken)
    return {name: statistics.median(times) for name, times in seconds.items()}
