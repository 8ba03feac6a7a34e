"""The machine, the software and the command beside every figure: without them it means nothing."""

import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

_PACKAGES: Final = ("blindsum", "cryptography", "numpy", "pycryptodome", "tenseal")
_PROCESSOR_FILE: Final = Path("/proc/cpuinfo")


# Any: plain values of several kinds, for JSON.
def environment(command: Sequence[str]) -> dict[str, Any]:
    """Describe this process's surroundings.

    Args:
        command: The words of the command as a reader would type it.

    Returns:
        Plain values: command, time (UTC), platform, processor, cores of the machine, cores that
        this process may use, the load average over one minute, Python and packages.
    """
    return {
        "command": shlex.join(command),
        "measured": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "cores_used": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[0], 2),
        "python": sys.version.split()[0],
        "packages": {name: version(name) for name in _PACKAGES},
    }


def footer(told: Mapping[str, Any]) -> list[str]:
    """Below a plot: how and where it was measured."""
    packages = ", ".join(f"{name} {one}" for name, one in told["packages"].items())
    return [
        f"$ {told['command']}",
        f"{told['processor']}, {told['measured'][:10]}; seconds of one core",
        f"Python {told['python']}, {packages}",
    ]


def _processor() -> str:
    """The processor's name as Linux tells it, or what Python knows."""
    if _PROCESSOR_FILE.exists():
        for line in _PROCESSOR_FILE.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
