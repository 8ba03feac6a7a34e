"""Where commands write: results to standard output, everything else to standard error."""

import json
from typing import Any, Final

from rich.console import Console

out: Final = Console(highlight=False)
err: Final = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Write one JSON document to standard output, for scripts."""
    out.file.write(json.dumps(value, indent=2, sort_keys=True) + "\n")
