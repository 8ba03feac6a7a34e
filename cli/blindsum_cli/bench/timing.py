"""Timing on a machine that others use too: one core, process time, interleaved, medians.

Process time counts what this process computed and not what it waited for. Tasks that are to be
compared run in turns, so that a slow moment of the machine falls on all of them alike.
"""

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

_THREAD_SETTINGS: Final = (
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)

Task = Callable[[], object]


def run_on_one_core() -> None:
    """Keep this process, and every library in it, to one core.

    Numeric libraries read their number of threads when they are loaded, which is before any line of
    a script can set it: so the process starts itself once more under the settings.
    """
    if any(os.environ.get(name) != "1" for name in _THREAD_SETTINGS):
        os.environ.update(dict.fromkeys(_THREAD_SETTINGS, "1"))
        sys.stdout.flush()
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - this very command again
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def process_seconds(task: Task) -> float:
    """Seconds of computation that one call of the task takes in this process."""
    began = time.process_time()
    task()
    return time.process_time() - began


def interleaved(
    tasks: Mapping[str, Task],
    repetitions: int,
    after_each: Callable[[], None] | None = None,
) -> dict[str, float]:
    """Time tasks in turns, after one call of each that is not counted.

    Args:
        tasks: What to call, by name; a task may be called any number of times.
        repetitions: Turns, 1 or more.
        after_each: Called after every call of a task, for a progress bar.

    Returns:
        For every task the median of its process times in seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(repetitions + 1):
        for name, task in tasks.items():
            gc.collect()
            taken = process_seconds(task)
            if turn:
                seconds[name].append(taken)
            if after_each is not None:
                after_each()
    return {name: statistics.median(times) for name, times in seconds.items()}
