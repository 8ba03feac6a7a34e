"""Cells from what people ask for: counts, histograms over several columns, sums and means."""

from collections.abc import Mapping, Sequence
from itertools import pairwise, product

from blindsum_crypto.errors import Refused
from blindsum_rules.statistics.query import Cell, Condition

SUM = "sum"
COUNT = "count"


def count(name: str, where: Sequence[Condition] = ()) -> tuple[Cell, ...]:
    """How many records hold all of the conditions; without any, how many there are.

    Raises:
        Refused: `query-cell`, when two conditions are of one column.
    """
    return (Cell(name, where=_ordered(where)),)


def histogram(
    name: str, edges: Mapping[str, Sequence[int]], where: Sequence[Condition] = ()
) -> tuple[Cell, ...]:
    """How many records lie in every bin of one or more columns.

    Args:
        name: The group that all bins make: a record is in one at most.
        edges: By column, where bins begin; the last edge is where the last bin ends.
        where: What a record must hold beside.

    Returns:
        One cell for every combination of bins, the last column's varying fastest. They are called
        "NAME: COLUMN 40 to 49, SEX 1".

    Raises:
        Refused: `query-histogram`, when a column has fewer than two edges or they do not ascend;
            `query-condition`, `query-cell`.
    """
    if not edges:
        raise Refused("query-histogram", f"{name}: expected one column or more")
    axes = [[Condition(column, *ends) for ends in _bins(name, edges[column])] for column in edges]
    return tuple(
        Cell(
            f"{name}: {', '.join(map(_label, bins))}",
            group=name,
            where=_ordered([*where, *bins]),
        )
        for bins in product(*axes)
    )


def mean(
    name: str,
    column: str,
    lowest: int,
    highest: int,
    where: Sequence[Condition] = (),
    offset: int = 0,
) -> tuple[Cell, ...]:
    """A column's sum and how many records have a number there; their ratio is the mean.

    Args:
        name: The cells are called "NAME: sum" and "NAME: count".
        column: Integers; another unit (tenths, minutes) makes integers of decimals.
        lowest: The least value that a record may have; without noise a site with another refuses,
            with noise the record counts for nothing.
        highest: The most.
        where: What a record must hold beside.
        offset: What is subtracted from every value; `StatisticResult.mean` adds it again. With
            noise the middle of the range is best: the noise of the sum is in its proportion.

    Raises:
        Refused: `query-cell`, `query-condition`.
    """
    conditions = list(where)
    if column not in {condition.column for condition in where}:
        conditions.append(Condition(column))
    holds = _ordered(conditions)
    return (
        Cell(
            f"{name}: {SUM}",
            column,
            lowest - offset,
            highest - offset,
            where=holds,
            offset=offset,
        ),
        Cell(f"{name}: {COUNT}", where=holds),
    )


def _bins(name: str, edges: Sequence[int]) -> list[tuple[int, int]]:
    bins = list(pairwise(edges))
    if not bins or any(lowest >= beyond for lowest, beyond in bins):
        raise Refused("query-histogram", f"{name}: expected two edges or more, ascending")
    return bins


def _label(bin_: Condition) -> str:
    last = bin_.below - 1
    span = f"{last}" if last == bin_.at_least else f"{bin_.at_least} to {last}"
    return f"{bin_.column} {span}"


def _ordered(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    return tuple(sorted(conditions, key=lambda condition: condition.column))
