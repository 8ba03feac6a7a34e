"""The statistics demo's tables: sums beside the plain ones, exact, or with their noise."""

from rich.table import Table

from blindsum_cli.console import out, say
from blindsum_cli.statistics_demo.outcome import Compared, StatisticsOutcome
from blindsum_rules.statistics.result import Estimate


def render_statistics(outcome: StatisticsOutcome) -> None:
    """Write the run to standard output."""
    for one in outcome.compared:
        out.print(_table(one))
        if one.result.query.name == "prevalence":
            say(f"prevalence {_told(one.result.ratio('diseased', 'patients'), 3)}")
            say(f"mean age   {_told(one.result.mean('age'), 2)}, in years")
    say(f"the same results in all hospitals: {_yes(outcome.same_everywhere)}")
    say(f"transcript accepted by the auditor: {_yes(outcome.report.accepted)}")
    say(f"{outcome.seconds:.0f} s in all")


def _table(one: Compared) -> Table:
    result = one.result
    title = f"{result.query.name}, over {len(result.members)} hospitals; noise: one deviation"
    table = Table(title=title)
    table.title_justify = "left"
    table.add_column("cell", no_wrap=True)
    for column in ("plain sum", "sealed sum", "error", "noise"):
        table.add_column(column, justify="right")
    rows = zip(
        result.query.cells, one.plain, result.values, one.error, result.deviation, strict=True
    )
    for cell, plain, value, error, noise in rows:
        exact = noise == 0
        table.add_row(
            cell.name.removeprefix(f"{cell.group}: "),
            f"{plain:,}",
            f"{value:,}" if exact else f"{value:,.1f}",
            f"{error:,.0f}" if exact else f"{error:+,.1f}",
            "none" if exact else f"{noise:,.1f}",
        )
    return table


def _told(estimate: Estimate, digits: int) -> str:
    noise = f" +- {estimate.deviation:.{digits}f}" if estimate.deviation else ", exact"
    return f"{estimate.value:.{digits}f}{noise}"


def _yes(what: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if what else "NO"
