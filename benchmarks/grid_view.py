"""The grid for people: a table of every cell, and the costs over clients, values and dropouts."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.table import Table

from blindsum_cli.bench.chart import check_plot_file
from blindsum_cli.bench.table import seconds
from cells import Cell
from grid import Grid
from round_clients import WHOLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COSTS: Final[Mapping[str, Callable[[Cell], float]]] = {
    "client: keys, agreements": lambda cell: cell.seconds["keys"],
    "client: mask": lambda cell: cell.seconds["mask"],
    "client: header": lambda cell: cell.seconds["header"],
    "custodian: admit, release": lambda cell: cell.seconds["admit"] + cell.seconds["release"],
    "aggregator: add, compare, open": lambda cell: sum(
        cell.seconds[name] for name in ("add", "dispute", "open")
    ),
}
_COLOURS: Final = ("#4dabf7", "#1971c2", "#0b3d66", "#f08c00", "#2f9e44")
_USUAL_DROPOUT: Final = 0.1
_INCHES: Final = (15.0, 6.0)
_FAINT: Final = "#868e96"
_MEGA: Final = 1e6


def cells_table(cells: Sequence[Cell]) -> Table:
    """One line a cell: seconds of each role, bytes of what travels, memory of the opening."""
    table = Table(title="The grid: seconds of one core", title_justify="left")
    for name in ("clients", "values", "dropout", *_COSTS, "client sends", "opening", "sum"):
        table.add_column(name, justify="right", overflow="fold")
    for cell in cells:
        sent = sum(cell.sizes[name] for name in ("payload", "header", "wraps", "pair table"))
        table.add_row(
            f"{cell.clients:,}",
            f"{cell.values:,}",
            f"{cell.dropout:.0%}",
            *(seconds(cost(cell)) for cost in _COSTS.values()),
            f"{sent:,} B",
            f"{cell.opening_bytes / _MEGA:,.1f} MB",
            {True: "exact", False: "[bold red]WRONG[/]", None: "computed"}[cell.is_exact],
        )
    return table


def write_plot(cells: Sequence[Cell], grid: Grid, footer: Sequence[str], path: Path) -> None:
    """Draw three panels: costs over clients, over values, over dropouts.

    Raises:
        Refused: as `check_plot_file`.
    """
    check_plot_file(path)
    from matplotlib.figure import Figure  # noqa: PLC0415 - it comes with the extra `plots`

    clients = max((one for one in grid.clients if one <= WHOLE), default=grid.clients[0])
    values = grid.values[len(grid.values) // 2]
    dropout = _USUAL_DROPOUT if _USUAL_DROPOUT in grid.dropouts else grid.dropouts[-1]
    figure = Figure(figsize=_INCHES, layout="constrained")
    figure.suptitle("What a masked round costs: seconds of one core", x=0.01, ha="left")
    figure.supxlabel("\n".join(footer), x=0.01, ha="left", fontsize=7, color=_FAINT)
    axes = figure.subplots(1, 3)
    over_clients = [one for one in cells if (one.values, one.dropout) == (values, dropout)]
    over_values = [one for one in cells if (one.clients, one.dropout) == (clients, dropout)]
    over_dropouts = [one for one in cells if (one.clients, one.values) == (clients, values)]
    fixed = f"{values:,} values, {dropout:.0%} stay away"
    _draw(axes[0], over_clients, "clients", fixed, lambda cell: cell.clients)
    fixed = f"{clients:,} clients, {dropout:.0%} stay away"
    _draw(axes[1], over_values, "values of a vector", fixed, lambda cell: cell.values)
    fixed = f"{clients:,} clients, {values:,} values"
    _draw(axes[2], over_dropouts, "stay away, %", fixed, lambda cell: 100 * cell.dropout)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=3, fontsize=9, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _draw(
    axes: "Axes", cells: Sequence[Cell], axis: str, fixed: str, place: Callable[[Cell], float]
) -> None:
    places = [place(cell) for cell in cells]
    if min(places, default=0.0) > 0:  # a share of nobody has no logarithm
        axes.set_xscale("log")
    computed = [cell for cell in cells if cell.is_exact is None]
    for (label, cost), colour in zip(_COSTS.items(), _COLOURS, strict=True):
        taken = [cost(cell) for cell in cells]
        axes.plot(places, taken, color=colour, label=label, marker="o", markersize=5)
        axes.scatter(
            [place(cell) for cell in computed],
            [cost(cell) for cell in computed],
            s=30,
            facecolor="white",
            edgecolor=colour,
            zorder=3,
        )
    axes.set_yscale("log")
    axes.set_xticks(places, [f"{one:,.0f}" for one in places])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(axis)
    axes.set_ylabel("seconds")
    axes.set_title(f"{fixed}; hollow: computed" if computed else fixed, loc="left", fontsize=10)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
