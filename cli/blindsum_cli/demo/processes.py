"""The demo's operating-system processes: start, kill, start again, and never leave one behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from blindsum_crypto.errors import Aborted

_GRACE_SECONDS: Final = 10.0
_TAIL_LINES: Final = 25
_INTERRUPTED: Final = 130


class Processes:
    """Processes by name, each with its log file."""

    def __init__(self, logs: Path) -> None:
        """Start nothing yet; `logs` is the folder of the logs, NAME.log, and must exist."""
        self.logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, module: str, arguments: Sequence[str | Path]) -> None:
        """Start `python -m MODULE ARGUMENTS`; its output is appended to its log."""
        command = [sys.executable, "-m", module, *map(str, arguments)]
        with self.log(name).open("ab") as log:
            # A session of its own: Ctrl-C reaches the demo alone, which then stops them in order.
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own interpreter and words
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """End a process as a power cut does: SIGKILL."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def check(self, may_have_ended: Sequence[str] = ()) -> None:
        """Check that everybody still runs.

        Args:
            may_have_ended: Processes that may have ended, if they ended well.

        Raises:
            Aborted: `demo-process-ended`, naming the process and the end of its log.
        """
        for name, process in self._running.items():
            code = process.poll()
            if code is None or (code == 0 and name in may_have_ended):
                continue
            raise Aborted(
                "demo-process-ended",
                f"expected the process {name} to go on, it ended with {code}; the end of "
                f"{self.log(name)}:\n{self.tail(name)}",
            )

    def has_ended(self, name: str) -> bool:
        """Whether a process has ended by itself."""
        return self._running[name].poll() is not None

    def log(self, name: str) -> Path:
        """Where a process writes."""
        return self.logs / f"{name}.log"

    def tail(self, name: str) -> str:
        """The last lines of a log."""
        lines = self.log(name).read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-_TAIL_LINES:])

    def stop(self) -> None:
        """Ask everybody to end, and end whoever does not within ten seconds."""
        processes = list(self._running.values())
        self._running.clear()
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def running(logs: Path) -> Iterator[Processes]:
    """Processes that are all gone when the block is left: by its end, an error, Ctrl-C, SIGTERM."""
    processes = Processes(logs)
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = [signal.signal(number, _interrupt) for number in numbers]
    try:
        yield processes
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)  # A second Ctrl-C must not leave one behind.
        processes.stop()
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(_INTERRUPTED)


def _environment() -> dict[str, str]:
    """The environment without settings for other studies; one thread a process, on few cores."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BLINDSUM_")}
    return kept | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
