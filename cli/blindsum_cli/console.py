"""Where commands write: results to standard output, everything else to standard error."""

import json
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

out: Final = Console(highlight=False)
err: Final = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Write one line of a result; lines are never cut, so that digests and paths stay whole."""
    out.print(text, soft_wrap=True)


def note(text: str) -> None:
    """Write one line about the result to standard error."""
    err.print(text, soft_wrap=True)


def advise(step: str) -> None:
    """Write what to do next to standard error; what looks like markup in it is printed as it is."""
    note(f"[dim]Next:[/] {escape(step)}")


def printable(text: str) -> str:
    """What another party wrote, without what would move a terminal's cursor or colour it."""
    return "".join(character if character.isprintable() else "?" for character in text)


# Any: JSON has no smaller type.
def print_json(value: Any) -> None:  # noqa: ANN401
    """Write one JSON document to standard output, for scripts."""
    out.file.write(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
