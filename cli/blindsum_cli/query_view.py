"""The queries of a statistic study in words, and what they came to."""

from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from blindsum_rules.statistics.query import LEAST, MOST, Cell, Condition, Query
from blindsum_rules.statistics.result import StatisticResult

_CELLS_SHOWN: Final = 12


# Any: plain values of several kinds, for JSON.
def query_summary(query: Query) -> dict[str, Any]:
    """A query as plain values for JSON."""
    return {
        "name": query.name,
        "description": query.description,
        "window_from": query.window_from.isoformat(),
        "window_to": query.window_to.isoformat(),
        "date_column": query.date_column,
        "max_records": query.max_records,
        "cells": [
            {"name": cell.name, "adds": _adds(cell), "where": [_holds(one) for one in cell.where]}
            for cell in query.cells
        ],
    }


def query_table(query: Query) -> Table:
    """What a record adds to the cells of a query: what people read before they sign."""
    days = f"days {query.window_from} to before {query.window_to}"
    most = f"at most {query.max_records} records of a client"
    title = escape(f"Query {query.name}: {query.description}")
    table = Table(title=f"{title}\n({days}, {most})", title_justify="left")
    for column in ("cell", "a record adds", "where"):
        table.add_column(column)
    for cell in query.cells[:_CELLS_SHOWN]:
        where = ", ".join(_holds(one) for one in cell.where)
        table.add_row(escape(cell.name), escape(_adds(cell)), escape(where))
    more = len(query.cells) - _CELLS_SHOWN
    if more > 0:
        table.add_row(f"and {more} more: --json", "", "")
    return table


def result_values(result: StatisticResult) -> dict[str, Any]:
    """A result as plain values for JSON."""
    return {
        "query": result.query.name,
        "members": list(result.members),
        "cells": [
            {"name": cell.name, "value": value, "deviation": deviation}
            for cell, value, deviation in zip(
                result.query.cells, result.values.tolist(), result.deviation.tolist(), strict=True
            )
        ],
    }


def result_table(result: StatisticResult) -> Table:
    """A result as people read it."""
    query = result.query
    title = f"{query.name}: {query.description}, over {', '.join(result.members)}"
    table = Table(title=escape(title), title_justify="left")
    table.add_column("cell")
    for column in ("sum", "noise, one deviation"):
        table.add_column(column, justify="right")
    for cell, value, noise in zip(query.cells, result.values, result.deviation, strict=True):
        exact = noise == 0
        table.add_row(
            escape(cell.name),
            f"{value:,}" if exact else f"{value:,.1f}",
            "none" if exact else f"{noise:,.1f}",
        )
    return table


def _adds(cell: Cell) -> str:
    if not cell.value_column:
        return "1"
    added = f"{cell.value_column} - {cell.offset}" if cell.offset else cell.value_column
    return f"{added}, {cell.lowest} to {cell.highest}"


def _holds(condition: Condition) -> str:
    column, last = condition.column, condition.below - 1
    if condition.at_least == last:
        return f"{column} = {last}"
    if condition.at_least == LEAST and condition.below == MOST:
        return f"{column} is a number"
    if condition.at_least == LEAST:
        return f"{column} < {condition.below}"
    if condition.below == MOST:
        return f"{column} >= {condition.at_least}"
    return f"{column} {condition.at_least} to {last}"
