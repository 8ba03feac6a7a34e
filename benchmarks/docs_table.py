"""The figures of a benchmark's JSON file as the tables of docs/benchmarks.md, on standard output.

python benchmarks/docs_table.py benchmarks/results/masking.json
python benchmarks/docs_table.py benchmarks/results/masking-grid.json
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from blindsum_cli.bench.table import figure, seconds

_MEGA: Final = 1e6
_SENT: Final = ("payload", "header", "wraps", "pair table")


# Any: plain values of several kinds, read from JSON.
def table_of(document: Mapping[str, Any]) -> Iterator[str]:
    """The lines of the document's table, in Markdown.

    Args:
        document: What `Results.write` wrote, or the grid of bench_masking.py.
    """
    if "cells" in document:
        yield from _grid(document["cells"])
        return
    yield from _head("row", "value", "baseline", "ratio", "at most")
    for row in document["rows"]:
        baseline, ratio = row["baseline"], row["ratio"]
        bar = document["bars"].get(row["name"])
        yield _line(
            f"`{row['name']}`",
            figure(row["value"], row["unit"]),
            "" if baseline is None else figure(baseline, row["unit"]),
            "" if ratio is None else f"{ratio:.3g}",
            "" if bar is None else f"{bar:g}",
        )


def _grid(cells: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from _head(
        *("clients", "values", "dropout", "client: keys", "mask", "header", "custodian"),
        *("aggregator: add", "open", "client sends", "custodian sends", "opening's memory"),
    )
    for cell in cells:
        taken, sizes = cell["seconds"], cell["bytes"]
        computed = " (computed)" if cell["computed"] else ""
        yield _line(
            f"{cell['clients']:,}",
            f"{cell['values']:,}{computed}",
            f"{cell['dropout']:.0%}",
            *(seconds(taken[name]) for name in ("keys", "mask", "header")),
            seconds(taken["admit"] + taken["release"]),
            seconds(taken["add"]),
            seconds(taken["dispute"] + taken["open"]),
            f"{sum(sizes[name] for name in _SENT):,} B",
            f"{sizes['release']:,} B",
            f"{cell['opening_bytes'] / _MEGA:,.1f} MB",
        )


def _head(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield "|" + "---|" * len(names)


def _line(*words: str) -> str:
    return f"| {' | '.join(words)} |"


def main() -> None:
    """Print the table of every file that is named."""
    for name in sys.argv[1:]:
        document = json.loads(Path(name).read_text(encoding="utf-8"))
        sys.stdout.writelines(f"{line}\n" for line in table_of(document))


if __name__ == "__main__":
    main()
