"""How long a demo hospital's steps take: DEMO HARNESS."""

import time


class Clock:
    """Seconds of one step after the other."""

    def __init__(self) -> None:
        """Begin the first step."""
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, step: str) -> None:
        """End a step, and begin the next."""
        now = time.perf_counter()
        self.laps[step] = now - self._since
        self._since = now
