"""Sole use: what one process holds alone, so that no second one speaks for the same party.

Two processes on one memory would contradict each other: endorse twice, seal twice. The system lets
go of the hold when the process ends, however it ends, so nothing has to be cleared after a crash.
"""

import fcntl
import os
from pathlib import Path
from typing import Final, Self

from blindsum_crypto.errors import Refused

_MODE: Final = 0o600


class SoleUse:
    """A hold on a lock file, from its construction to `close` or the end of the process."""

    def __init__(self, lock_file: Path, rule: str, expected: str) -> None:
        """Take the hold; the lock file is created if need be, and stays when it is let go.

        Args:
            lock_file: The file that stands for what is held; its folder must exist.
            rule: The rule that a second holder breaks.
            expected: What that error says was expected.

        Raises:
            Refused: `rule`, when it is held already, by another process or by this one.
            FileNotFoundError: when the folder does not exist.
        """
        descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise Refused(rule, expected) from None
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor: int | None = descriptor

    def close(self) -> None:
        """Let somebody else have it; a second call changes nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        """Hold it in a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go."""
        self.close()
