"""Randomness that hands out what a test decided on."""

from collections.abc import Iterable

import numpy as np


class Given:
    """Two bytes for every theta, each handed out once and in order, however they are asked for."""

    def __init__(self, thetas: Iterable[int]) -> None:
        self._left = np.fromiter(thetas, dtype="<u2").tobytes()

    def bytes(self, count: int) -> bytes:
        assert count <= len(self._left), "more was drawn than the test decided on"
        drawn, self._left = self._left[:count], self._left[count:]
        return drawn

    @property
    def is_used_up(self) -> bool:
        return not self._left
