"""The grid: which rounds are run, which are only computed, and how costs grow from one to the next.

A cell that is predicted to take longer than its limit is not run. Its seconds and bytes then lie on
the line through the two largest cells of the same clients and dropouts, for every cost is linear in
the values; it says so, and nothing that is held against a bar or a growth is taken from it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cells import Cell, run_cells
from round_clients import WHOLE

_SURPLUS: Final = 1.2  # of a mask over its bare limit, where there are many
_SECONDS_A_VALUE: Final = 15e-9  # what every client costs beside its masks: pack, digest, add
_REAL: Final = 3  # of more than 100 clients, so many mask wholly
_POINTS: Final = 2  # of a line
_EPSILON: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Grid:
    """What is varied; every combination is a cell.

    Attributes:
        clients: How many are invited, ascending.
        values: Values of a vector, ascending.
        dropouts: Shares that stay away, ascending.
    """

    clients: tuple[int, ...]
    values: tuple[int, ...]
    dropouts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Budget:
    """What decides whether a cell is run.

    Attributes:
        limit_seconds: The longest that one cell may be predicted to take.
        mask_seconds: Seconds of one mask on one value at the bare limit.
    """

    limit_seconds: float
    mask_seconds: float

    def allows(self, clients: int, values: int, dropout: float) -> bool:
        """Whether the cell is run."""
        return self.predicted(clients, values, dropout) <= self.limit_seconds

    def predicted(self, clients: int, values: int, dropout: float) -> float:
        """Seconds that a cell should take: every mask of its clients and of its opening."""
        dropped = int(clients * dropout)
        survivors = clients - dropped
        made = clients * clients
        if clients > WHOLE:
            made = _REAL * clients + survivors * (1 + _REAL + dropped)
        masks = made + survivors * (1 + dropped)
        return values * (masks * self.mask_seconds * _SURPLUS + clients * _SECONDS_A_VALUE)


def run_grid(grid: Grid, budget: Budget, tell: Callable[[str], None]) -> list[Cell]:
    """Run the cells, smaller ones first, and compute those that take too long.

    Args:
        grid: What is varied.
        budget: What one cell may take.
        tell: Called with what is being done.
    """
    cells: list[Cell] = []
    for clients in grid.clients:
        for values in grid.values:
            cells += _of_one_size(grid, budget, cells, (clients, values), tell)
    return cells


def _of_one_size(
    grid: Grid,
    budget: Budget,
    smaller: Sequence[Cell],
    size: tuple[int, int],
    tell: Callable[[str], None],
) -> Iterator[Cell]:
    clients, values = size
    lines = {one: _through(smaller, clients, one) for one in grid.dropouts}
    run = [one for one in grid.dropouts if lines[one] is None or budget.allows(*size, one)]
    sealed = 0

    def advance() -> None:
        nonlocal sealed
        sealed += 1
        tell(f"{clients:,} clients, {values:,} values: client {sealed:,} sealed")

    done = {cell.dropout: cell for cell in run_cells(clients, values, run, advance)} if run else {}
    for dropout in grid.dropouts:
        line = lines[dropout]
        if dropout in done:
            yield done[dropout]
        elif line is not None:
            yield _on_line(*line, values)


def _through(cells: Sequence[Cell], clients: int, dropout: float) -> tuple[Cell, Cell] | None:
    """The two largest cells that were run with so many clients and dropouts, or None."""
    run = [
        cell
        for cell in cells
        if (cell.clients, cell.dropout) == (clients, dropout) and cell.is_exact is not None
    ]
    return None if len(run) < _POINTS else (run[-2], run[-1])


def _on_line(first: Cell, second: Cell, values: int) -> Cell:
    share = (values - first.values) / (second.values - first.values)

    def at(before: float, after: float) -> float:
        return before + share * (after - before)

    seconds = {name: at(first.seconds[name], second.seconds[name]) for name in first.seconds}
    sizes = {name: round(at(first.sizes[name], second.sizes[name])) for name in first.sizes}
    opening = round(at(first.opening_bytes, second.opening_bytes))
    return Cell(first.clients, values, first.dropout, seconds, sizes, opening, None)


def are_exact(cells: Sequence[Cell]) -> bool:
    """Whether the sum of every cell that was run is the plain one."""
    return all(cell.is_exact is not False for cell in cells)


@dataclass(frozen=True, slots=True)
class Growth:
    """How one cost grew between two neighbouring cells.

    Attributes:
        cost: Whose name it has in `Cell.seconds`.
        smaller: The cell before.
        larger: The cell behind.
        stated: How often the cost should be the smaller one's.
    """

    cost: str
    smaller: Cell
    larger: Cell
    stated: float

    @property
    def measured(self) -> float:
        """How often the smaller one's cost it is."""
        return self.larger.seconds[self.cost] / max(self.smaller.seconds[self.cost], _EPSILON)

    @property
    def note(self) -> str:
        """Which cost, from where to where."""
        before, after = self.smaller, self.larger
        return (
            f"{self.cost}, {before.dropout:.0%} dropout: {before.clients:,} clients, "
            f"{before.values:,} values to {after.clients:,}, {after.values:,}"
        )


def growths_in_values(cells: Sequence[Cell]) -> list[Growth]:
    """Every step to more values: all costs should grow as the values do."""
    return [
        Growth(cost, before, after, after.values / before.values)
        for before, after in _neighbours(cells, lambda cell: (cell.clients, cell.dropout))
        for cost in ("mask", "add", "open")
    ]


def growths_in_clients(cells: Sequence[Cell]) -> list[Growth]:
    """Every step to more clients: agreements and masks a client; payloads, headers a survivor.

    What a custodian releases and an opening takes off is one a survivor, and one for each dropout.
    """
    stated: Mapping[str, Callable[[Cell], int]] = {
        "keys": lambda cell: cell.clients,
        "mask": lambda cell: cell.clients,
        "admit": lambda cell: cell.clients - cell.dropped,
        "release": lambda cell: cell.removed_masks,
        "add": lambda cell: cell.clients - cell.dropped,
        "open": lambda cell: cell.removed_masks,
    }
    return [
        Growth(cost, before, after, count(after) / count(before))
        for before, after in _neighbours(cells, lambda cell: (cell.values, cell.dropout))
        for cost, count in stated.items()
    ]


def worst(growths: Sequence[Growth]) -> Growth:
    """The step that grew most against what is stated."""
    return max(growths, key=lambda one: one.measured / one.stated)


def _neighbours(
    cells: Sequence[Cell], same: Callable[[Cell], tuple[float, float]]
) -> Iterator[tuple[Cell, Cell]]:
    """Cells that were run, each with the next one that is the same otherwise."""
    run = [cell for cell in cells if cell.is_exact is not None]
    for place, before in enumerate(run):
        after = next((one for one in run[place + 1 :] if same(one) == same(before)), None)
        if after is not None:
            yield before, after


# Any: plain values of several kinds, for JSON.
def document(cell: Cell) -> dict[str, Any]:
    """A cell as plain values."""
    return {
        "clients": cell.clients,
        "values": cell.values,
        "dropout": cell.dropout,
        "dropped": cell.dropped,
        "removed_masks": cell.removed_masks,
        "seconds": {name: float(f"{value:.6g}") for name, value in cell.seconds.items()},
        "bytes": dict(cell.sizes),
        "opening_bytes": cell.opening_bytes,
        "exact": cell.is_exact,
        "computed": cell.is_exact is None,
        "cancelling_masks_left_out": cell.clients > WHOLE,
    }
