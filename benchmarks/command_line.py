"""What every benchmark takes and leaves: --quick and --json; a table, a JSON file and a plot."""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from blindsum_cli.bench.chart import Chart, write_chart
from blindsum_cli.bench.environment import environment
from blindsum_cli.bench.row import Results
from blindsum_cli.bench.table import results_table

_RESULTS: Final = Path(__file__).parent / "results"
_TABLE_WIDTH: Final = 150
_BROKEN: Final = 1


@dataclass(frozen=True, slots=True)
class Options:
    """How a benchmark was called.

    Attributes:
        name: What its files are called.
        quick: Whether it runs small.
        json_file: Where to write the rows as well, or None.
        results: The folder that gets the rows and the plots.
    """

    name: str
    quick: bool
    json_file: Path | None
    results: Path

    @property
    def stem(self) -> Path:
        """The results' path without its ending; a small run never overwrites a whole one."""
        return self.results / (f"{self.name}-quick" if self.quick else self.name)


def arguments(
    description: str,
    whole: Mapping[str, int],
    quick: Mapping[str, int],
    add_own: Callable[[argparse.ArgumentParser], None] | None = None,
) -> argparse.Namespace:
    """What a benchmark was told: the options that all take, and its own sizes.

    Args:
        description: What it measures.
        whole: Its sizes by name, each an option.
        quick: The same with --quick.
        add_own: Adds further options that are no sizes.
    """
    made = argparse.ArgumentParser(description=description)
    made.add_argument(
        "--quick", action="store_true", help="scaled down to less than a minute; prints its sizes"
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write the rows here as well")
    made.add_argument(
        "--results",
        type=Path,
        metavar="FOLDER",
        default=_RESULTS,
        help="folder of the JSON file and the plots (default: benchmarks/results)",
    )
    for name, value in whole.items():
        made.add_argument(
            f"--{name.replace('_', '-')}",
            type=int,
            help=f"default: {value:,}; {quick[name]:,} with --quick",
        )
    if add_own is not None:
        add_own(made)
    given = made.parse_args()
    for name, value in (quick if given.quick else whole).items():
        setattr(given, name, getattr(given, name) or value)
    return given


def options(name: str, given: argparse.Namespace) -> Options:
    """The options as they were given."""
    return Options(name, given.quick, given.json, given.results)


# Any: plain values of several kinds, for JSON.
def surroundings() -> dict[str, Any]:
    """The environment of this very call."""
    script = Path(sys.argv[0]).resolve()
    shown = script.relative_to(script.parents[1]) if len(script.parents) > 1 else script
    return environment(["python", str(shown), *sys.argv[1:]])


def finish(results: Results, chart: Chart, given: Options) -> int:
    """Print the table, write the files, and say whether the checks hold.

    Returns:
        The exit code: 0, or 1 when a check failed and the figures mean nothing.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _TABLE_WIDTH)
    sizes = ", ".join(f"{name} {value:,}" for name, value in results.sizes.items())
    console.print(f"sizes: {sizes}")
    console.print(results_table(results))
    for name, holds in results.checks.items():
        console.print(f"{name}: " + ("[green]yes[/]" if holds else "[bold red]NO[/]"))
    for path in (given.stem.with_suffix(".json"), given.json_file):
        if path is not None:
            results.write(path)
            console.print(f"rows  {path}", soft_wrap=True)
    plot = given.stem.with_suffix(".png")
    write_chart(chart, plot)
    console.print(f"plot  {plot}", soft_wrap=True)
    return 0 if results.holds else _BROKEN
