"""Flower beside us: an environment of its own, and one long-lived process that takes its turns.

Flower and this project pin other versions of the same libraries, so its code never runs here. The
process inherits the one core and the one thread a library of whoever starts it; `flower_secagg.py`
says what it answers.
"""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

FLOWER: Final = "flwr==1.41.0"
_SCRIPT: Final = Path(__file__).with_name("flower_secagg.py")
_MARK: Final = "installed"

Task = Literal["mask", "share", "unmask"]


def flower_python(cache: Path | None = None) -> Path:
    """The Python of an environment that holds Flower; it is made when it is not there yet.

    Args:
        cache: The folder that keeps the environment; by default that of the user's caches.

    Raises:
        subprocess.CalledProcessError: when pip cannot install it.
    """
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blindsum"
    folder = (cache or kept) / FLOWER.replace("==", "-")
    python = folder / "bin" / "python"
    if not (folder / _MARK).exists():
        print(f"installing {FLOWER} into {folder}", file=sys.stderr)  # noqa: T201
        venv.create(folder, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", FLOWER]
        subprocess.run(install, check=True, stdout=sys.stderr)  # noqa: S603 - of this very file
        (folder / _MARK).touch()
    return python


@dataclass(slots=True, eq=False)
class FlowerPeer(AbstractContextManager["FlowerPeer"]):
    """A process of Flower's Python; it ends with the block.

    Attributes:
        python: Of the environment that holds Flower.
        version: What that environment calls itself.
        sent_bytes: What the stage of a task sends, once it ran.
    """

    python: Path
    version: str = field(init=False)
    sent_bytes: dict[str, int] = field(init=False, default_factory=dict)
    _process: subprocess.Popen[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Ask for the version, then start.

        Raises:
            subprocess.CalledProcessError: when that environment holds no Flower.
        """
        told = "from importlib.metadata import version; print(version('flwr'))"
        asked = [str(self.python), "-c", told]
        self.version = subprocess.run(  # noqa: S603 - the Python that the caller names
            asked, check=True, capture_output=True, text=True
        ).stdout.strip()
        self._process = subprocess.Popen(  # noqa: S603 - the same
            [str(self.python), str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"FLWR_TELEMETRY_ENABLED": "0"},
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process: it stops at the end of its input."""
        self._process.communicate()

    def prepare(self, task: Task, nodes: int, values: int, dropped: int = 0) -> float:
        """Play a round up to what is to be timed.

        Returns:
            How far the mean that Flower opened is from the true one; 0 where it opened nothing.
        """
        asked = {"prepare": task, "nodes": nodes, "values": values, "dropped": dropped}
        return self._ask(asked)["largest_error"]

    def clock(self, task: Task) -> Callable[[], float]:
        """What runs a prepared task once more and gives its seconds of process time."""

        def run() -> float:
            answer = self._ask({"run": task})
            self.sent_bytes[task] = round(answer["bytes"])
            return answer["seconds"]

        return run

    def _ask(self, request: Mapping[str, object]) -> dict[str, float]:
        sink, source = self._process.stdin, self._process.stdout
        if sink is None or source is None:
            raise RuntimeError("expected the pipes of a process that runs")
        sink.write(json.dumps(request) + "\n")
        sink.flush()
        line = source.readline()
        if not line:
            raise RuntimeError("Flower's process ended; what it wrote stands above")
        answer: dict[str, float] = json.loads(line)
        return answer
