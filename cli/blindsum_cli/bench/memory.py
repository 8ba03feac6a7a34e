"""Peak memory of a step: how far the process grew above what it held when the step began."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")
_RESET_PEAK: Final = "5"  # proc(5): sets the peak to what is resident now
_KIB: Final = 1024


@dataclass(slots=True)
class Peak:
    """The peak of one step.

    Attributes:
        bytes: Most bytes resident above those at the beginning; 0 until the step has ended, and
            None where the system does not tell (only Linux does).
    """

    bytes: int | None = 0


@contextmanager
def watched_memory() -> Iterator[Peak]:
    """Watch the resident memory of this process while the block runs."""
    peak = Peak()
    try:
        _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
        before = _resident("VmRSS")
    except OSError:
        peak.bytes = None
        yield peak
        return
    yield peak
    peak.bytes = max(0, _resident("VmHWM") - before)


def _resident(field: str) -> int:
    """One field of the process's status, in bytes."""
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * _KIB
    raise OSError(f"expected {field} in {_STATUS}")
