"""Patience: try again while the aggregator is away, longer each time, never all clients at once."""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from blindsum_crypto.errors import Unavailable
from blindsum_crypto.randomness import Randomness, SystemRandomness

FIRST_SECONDS: Final = 0.5
MOST_SECONDS: Final = 30.0

_SYSTEM: Final = SystemRandomness()
_JITTER_BYTES: Final = 4
_MOST_DOUBLINGS: Final = 32

_log = structlog.get_logger(__name__)

ResultT = TypeVar("ResultT")


class Backoff:
    """Waits that double from `first_seconds` to `most_seconds`, each shortened by up to a half.

    The shortening is random: when an aggregator comes back, its clients must not return in one
    moment.
    """

    def __init__(
        self,
        first_seconds: float = FIRST_SECONDS,
        most_seconds: float = MOST_SECONDS,
        randomness: Randomness = _SYSTEM,
    ) -> None:
        self._first_seconds = first_seconds
        self._most_seconds = most_seconds
        self._randomness = randomness
        self._failures = 0

    def next_seconds(self) -> float:
        """Seconds to wait after one more failure."""
        longest = self._first_seconds * 2.0 ** min(self._failures, _MOST_DOUBLINGS)
        self._failures += 1
        draw = int.from_bytes(self._randomness.bytes(_JITTER_BYTES), "big")
        fraction = draw / (1 << (8 * _JITTER_BYTES))
        return min(longest, self._most_seconds) * (1.0 - fraction / 2.0)

    def reset(self) -> None:
        """Begin anew after a success."""
        self._failures = 0


def try_patiently(
    attempt: Callable[[], ResultT],
    stop: threading.Event,
    may_go_on: Callable[[], bool] = lambda: True,
) -> ResultT:
    """Make an attempt until it is answered.

    Args:
        attempt: What to do; `Unavailable` means that trying again may help.
        stop: Ends the waiting.
        may_go_on: Asked after each failure; False gives up.

    Raises:
        Unavailable: the last attempt's, when it was given up or stopped.
        BlindsumError: any other of the attempt's, at once.
    """
    backoff = Backoff()
    while True:
        try:
            return attempt()
        except Unavailable as error:
            # What was stopped was cut off here, which says nothing of whom it was talking to.
            if stop.is_set() or not may_go_on():
                raise
            seconds = backoff.next_seconds()
            _log.warning(
                "unavailable",
                rule=error.rule,
                expected=error.expected,
                retry_seconds=round(seconds, 1),
            )
            if stop.wait(seconds):
                raise
