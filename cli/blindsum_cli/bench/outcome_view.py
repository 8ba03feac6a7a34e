"""An outcome in tables, as a plot, and in sentences."""

from collections.abc import Callable, Mapping, Sequence

from rich.table import Table

from blindsum_cli.bench.chart import OTHERS, OURS, Bar, Chart, Panel
from blindsum_cli.bench.figures import MESSAGES, PHASES, Figures
from blindsum_cli.bench.memory import process_peak_bytes
from blindsum_cli.bench.outcome import Outcome
from blindsum_cli.bench.table import figure, seconds
from blindsum_cli.console import out, say

_MIB = 1 << 20


def render(outcome: Outcome) -> None:
    """Write the outcome to standard output."""
    scenario = outcome.scenario
    away = {0: "nobody stays away", 1: "1 of them stays away"}
    say(
        f"{scenario.clients:,} clients, "
        f"{away.get(scenario.dropped, f'{scenario.dropped:,} of them stay away')}, "
        f"{scenario.values:,} values of {scenario.bits} bits, {scenario.threshold} of "
        f"{scenario.custodians} custodians open"
    )
    ways = outcome.every_way
    out.print(_table("Seconds of one core", PHASES, ways, lambda one: one.seconds, _time))
    out.print(_table("Bytes of one message", MESSAGES, ways, lambda one: one.sizes, _bytes))
    roles = {
        "client": "client, floats to sealed bytes",
        "aggregator": "aggregator, sum and opening",
    }
    out.print(_table("Memory at the most", roles, ways, lambda one: one.memory, _mib))
    say(f"this process with every role in it, at the most: {_mib(process_peak_bytes())}")
    _render_transfers(outcome)
    for figures in outcome.sealed:
        exact = "[green]yes[/]" if figures.is_exact else "[bold red]NO[/]"
        say(f"{figures.way}: the opened sum is the plain sum, value for value: {exact}")
    for figures in outcome.sealed:
        say(outcome.sentence(figures))


def chart_of(outcome: Outcome, footer: Sequence[str]) -> Chart:
    """What people compare first: a client's time and what it sends."""
    scenario = outcome.scenario
    title = f"What encryption costs: {scenario.clients:,} clients, {scenario.values:,} values"
    times = [_bar(one, one.client_seconds, "s") for one in outcome.every_way]
    sizes = [_bar(one, one.upload_bytes, "bytes") for one in outcome.every_way]
    opening = [_bar(one, one.seconds["open"], "s") for one in outcome.every_way]
    panels = (
        Panel("A client's work in a round, one core", times),
        Panel("What a client sends in a round", sizes),
        Panel("Opening the sum, one core", opening),
    )
    return Chart(title, panels, footer)


def _bar(figures: Figures, value: float, unit: str) -> Bar:
    colour = OTHERS if figures.way == "plaintext" else OURS
    return Bar(figures.way, value, figure(value, unit), colour)


def _render_transfers(outcome: Outcome) -> None:
    link = outcome.link
    if link is None:
        return
    title = (
        f"Seconds on the line, computed (not measured): {link.bandwidth_mbit:g} Mbit/s, "
        f"{link.latency_ms:g} ms a call"
    )
    roles = {"client": "client, a round", "custodian": "custodian, a round"}
    out.print(_table(title, roles, outcome.every_way, link.transfers, _time))


def _table(
    title: str,
    lines: Mapping[str, str],
    ways: Sequence[Figures],
    values_of: Callable[[Figures], Mapping[str, float]],
    words: Callable[[float], str],
) -> Table:
    """One line for each key, one column for each way; what a way does not have stays empty."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for figures in ways:
        table.add_column(figures.way, justify="right", no_wrap=True)
    for key, label in lines.items():
        cells = [values_of(figures).get(key) for figures in ways]
        if any(cell for cell in cells):
            table.add_row(label, *("" if not cell else words(cell) for cell in cells))
    return table


def _time(value: float) -> str:
    return seconds(value)


def _bytes(value: float) -> str:
    return f"{value:,.0f}"


def _mib(value: float) -> str:
    return f"{value / _MIB:,.1f} MiB"
