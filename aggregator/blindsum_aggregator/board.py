"""The board: what a study's rounds have come to, in memory, for those who wait for it.

Thousands of clients may wait for one outcome. They look here and sleep until something changes;
none of them asks the database again and again. Used from the event loop only.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from blindsum_rules.transitions import AggregatorState

FoundT = TypeVar("FoundT")


@dataclass(frozen=True, slots=True)
class View:
    """What there is to see.

    Attributes:
        states: The state of every round by its number.
        newest_accepted: Number of the newest spec that a quorum accepted; -1 before the first.
        ended: Whether a quorum accepted the end of the study.
    """

    states: Mapping[int, AggregatorState] = field(default_factory=dict)
    newest_accepted: int = -1
    ended: bool = False


@dataclass(frozen=True, slots=True)
class OpeningProgress:
    """How far the opening of a sum is.

    Attributes:
        steps_done: Chunks that are unmasked, each counted for every batch of masks.
        steps: Of how many.
    """

    steps_done: int
    steps: int


class Signal:
    """Wakes whoever waits; a touch between two waits is not lost."""

    def __init__(self) -> None:
        self._touched = asyncio.Event()
        self.count = 0

    def touch(self) -> None:
        """Wake everybody."""
        self.count += 1
        touched, self._touched = self._touched, asyncio.Event()
        touched.set()

    async def wait(self, seen_count: int, seconds: float) -> None:
        """Return at once if it was touched since `seen_count`, else when it is or time is up."""
        if self.count != seen_count:
            return
        try:
            await asyncio.wait_for(self._touched.wait(), seconds)
        except TimeoutError:
            return


class Board:
    """One study's board.

    Attributes:
        rounds: Touched when a round changed its state: clients wait for it.
        work: Touched when the driver may have something to do.
        duties: Touched when a custodian may owe something new; receipts alone do not.
        is_stopping: Whether the aggregator stops; everybody who waits is then let go.
        openings: How far the openings that run are, by round number; set by their threads.
    """

    def __init__(self) -> None:
        self.view = View()
        self.rounds = Signal()
        self.work = Signal()
        self.duties = Signal()
        self.is_stopping = False
        self.openings: dict[int, OpeningProgress] = {}

    def show(self, view: View) -> None:
        """Show what changed; those who wait for rounds are woken only if it did."""
        if view != self.view:
            self.view = view
            self.rounds.touch()
        self.work.touch()
        self.duties.touch()

    def stop(self) -> None:
        """Let everybody go."""
        self.is_stopping = True
        for signal in (self.rounds, self.work, self.duties):
            signal.touch()

    async def wait_for(
        self, found: Callable[[View], FoundT | None], seconds: float
    ) -> FoundT | None:
        """What `found` sees as soon as it sees something, or None when time is up."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            seen = self.rounds.count
            result = found(self.view)
            remaining = end - loop.time()
            if result is not None or remaining <= 0 or self.is_stopping:
                return result
            await self.rounds.wait(seen, remaining)
