"""Which custodians attend now; known in memory only, since a restart ends every stream."""

from collections import Counter


class Attendance:
    """The open duty streams of one study. Changed on the event loop, read from any thread.

    Attributes:
        names: Custodians with at least one stream.
    """

    def __init__(self) -> None:
        self._streams: Counter[str] = Counter()
        self.names: frozenset[str] = frozenset()

    def arrive(self, custodian: str) -> None:
        """Count one more stream."""
        self._streams[custodian] += 1
        self.names = frozenset(self._streams)

    def leave(self, custodian: str) -> None:
        """Count one stream less."""
        self._streams[custodian] -= 1
        self._streams += Counter()  # drops those at zero
        self.names = frozenset(self._streams)
