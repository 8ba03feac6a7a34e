"""A benchmark's rows as a table for people."""

from typing import Final

from rich.table import Table

from blindsum_cli.bench.row import Results, Row

_UNITS: Final = ((1e-6, "ns", 1e9), (1e-3, "µs", 1e6), (1.0, "ms", 1e3))


def results_table(results: Results) -> Table:
    """Every row with its baseline, ratio and bar."""
    table = Table(title=results.title, title_justify="left", caption_justify="left")
    table.add_column("row", overflow="fold")
    for column in ("value", "baseline", "ratio", "at most"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    for row in results.rows:
        baseline = "" if row.baseline is None else figure(row.baseline, row.unit)
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        table.add_row(row.name, figure(row.value, row.unit), baseline, ratio, _bar(row), row.note)
    return table


def figure(value: float, unit: str) -> str:
    """A figure with its unit as people read it: 0.0263 s is 26.3 ms.

    Args:
        value: The figure.
        unit: `s` and `bytes` are scaled, everything else is written as it is.
    """
    if unit == "s":
        return seconds(value)
    if unit == "bytes":
        return f"{value:,.0f} B"
    return f"{value:.4g} {unit}"


def seconds(value: float) -> str:
    """Seconds in the unit that leaves one to three digits before the point."""
    for limit, unit, factor in _UNITS:
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.3g} s"


def _bar(row: Row) -> str:
    if row.bar is None:
        return ""
    colour = "green" if row.within_bar else "bold red"
    return f"[{colour}]{row.bar:g}[/]"
