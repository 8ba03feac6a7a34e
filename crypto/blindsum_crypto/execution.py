"""How long work is carried out: on how many cores, told to whom, and ended before its time.

A sum of a thousand clients takes minutes to open. It goes chunk by chunk, so that whoever waits
learns how far it is, and an operator's abort or a server's stop ends it within a chunk. Ciphers and
numpy let go of the interpreter's lock, so threads share one vector and no bytes are copied.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from blindsum_crypto.errors import Refused, Unavailable


class Cancelled(Unavailable):
    """The work was ended before its time; nothing came of it, and it may be begun again."""

    def __init__(self) -> None:
        super().__init__("cancelled", "expected work that is wanted to its end")


def _never() -> bool:
    return False


def _nobody(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Execution:
    """How one piece of work is carried out.

    Attributes:
        workers: Threads that share the chunks, 1 or more.
        is_cancelled: Asked before every chunk, from any of the threads.
        on_progress: Told after every chunk how many steps of how many are done; by one thread at a
            time, and not always the same.

    Raises:
        Refused: `workers` below 1.
    """

    workers: int = 1
    is_cancelled: Callable[[], bool] = _never
    on_progress: Callable[[int, int], None] = _nobody

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise Refused("workers", f"expected 1 or more, got {self.workers}")


ALONE = Execution()
"""On one core, to its end, and nobody is told."""


def usable_cores() -> int:
    """How many cores this process may run on; os.cpu_count() counts those of others too."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Course:
    """One piece of work while it is carried out.

    Args:
        execution: How.
        total_steps: Of how many steps it is.
    """

    def __init__(self, execution: Execution, total_steps: int) -> None:
        self._execution = execution
        self._total_steps = total_steps
        self._done = 0
        self._failed = False
        self._telling = threading.Lock()

    def check(self) -> None:
        """Go on only if the work is still wanted.

        Raises:
            Cancelled: if it is not, or if another thread failed.
        """
        if self._failed or self._execution.is_cancelled():
            raise Cancelled

    def step_done(self) -> None:
        """Tell that one more step is done."""
        with self._telling:
            self._done += 1
            self._execution.on_progress(self._done, self._total_steps)

    def share(self, count: int, work: Callable[[range], None], most_workers: int) -> None:
        """Let workers do contiguous stripes of so many chunks; one stripe needs no thread.

        Args:
            count: How many chunks there are.
            work: Does one stripe.
            most_workers: How many the work is worth.

        Raises:
            BlindsumError: What the first stripe that failed raised; the others are then ended.
        """
        workers = max(1, min(self._execution.workers, most_workers, count))
        bounds = [count * worker // workers for worker in range(workers + 1)]
        stripes = [range(bounds[worker], bounds[worker + 1]) for worker in range(workers)]
        if workers == 1:
            work(stripes[0])
            return
        errors: list[BaseException] = []
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda stripe: self._guarded(work, stripe, errors), stripes))
        if errors:
            raise errors[0]

    def _guarded(
        self, work: Callable[[range], None], stripe: range, errors: list[BaseException]
    ) -> None:
        try:
            work(stripe)
        except BaseException as error:  # noqa: BLE001 - it is raised where the work was given out
            errors.append(error)
            self._failed = True
