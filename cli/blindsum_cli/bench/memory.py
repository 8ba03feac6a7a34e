"""Memory: the most that a step allocates, and the most that the process ever held."""

import resource
import tracemalloc
from collections.abc import Callable
from typing import Final, TypeVar

_KIB: Final = 1024

ResultT = TypeVar("ResultT")


def traced(step: Callable[[], ResultT]) -> tuple[ResultT, int]:
    """Run a step, untimed (tracing slows it), and watch what it allocates.

    Args:
        step: What to run, once.

    Returns:
        Its result, and the most bytes that Python and numpy held for it at any moment, the result
        included. What a C library takes for itself is not seen; SEAL's own pool is about 1 MB.
    """
    tracemalloc.start()
    try:
        result = step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return result, peak


def process_peak_bytes() -> int:
    """The most bytes that this process was ever resident with, libraries included (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB
