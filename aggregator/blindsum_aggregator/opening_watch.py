"""An opening that runs: how far it is, for status and log, and whether it is still wanted.

It runs in threads beside the event loop. They look at the board before every chunk, so that an
operator's abort and a server's stop end it within one; nothing of it is on the disk before the
transaction that publishes, so an opening that was cut short, or killed, is begun again.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from blindsum_aggregator.board import OpeningProgress
from blindsum_aggregator.store.rounds import ENDED
from blindsum_aggregator.study import Study
from blindsum_crypto.execution import Execution, usable_cores

_LOG: Final[Any] = structlog.get_logger("blindsum.aggregator")
_TELL_EVERY_SECONDS: Final = 10.0
"""A sum of a few clients is open before anybody could read of it."""


class OpeningWatch:
    """Watches the opening of one round; its methods are called from the opening's threads.

    Args:
        study: The round's study.
        number: The round.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self, study: Study, number: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._study = study
        self._number = number
        self._monotonic = monotonic
        self._told_at = monotonic()

    @property
    def execution(self) -> Execution:
        """How the opening is carried out: on every core that this process may use."""
        return Execution(usable_cores(), self.is_unwanted, self.tell)

    def is_unwanted(self) -> bool:
        """Whether the aggregator stops, or the round has come to an end without this opening."""
        board = self._study.board
        return board.is_stopping or board.view.states.get(self._number) in ENDED

    def tell(self, done: int, total: int) -> None:
        """Show on the board how far it is; tell the log now and then."""
        self._study.board.openings[self._number] = OpeningProgress(done, total)
        now = self._monotonic()
        if now - self._told_at < _TELL_EVERY_SECONDS:
            return
        self._told_at = now
        _LOG.info(
            "opening",
            study=self._study.name,
            round_number=self._number,
            steps_done=done,
            steps=total,
        )

    def end(self) -> None:
        """Take the opening off the board, however it ended."""
        self._study.board.openings.pop(self._number, None)
