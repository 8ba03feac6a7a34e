"""`blindsum bench`: what encryption costs on this machine, for people who must decide."""

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blindsum_cli.console import advise, err, note, say
from blindsum_cli.exits import RULE_BROKE

if TYPE_CHECKING:
    from blindsum_cli.bench.link import Link
    from blindsum_cli.bench.outcome import Outcome
    from blindsum_cli.bench.scenario import Scenario


class SealChoice(StrEnum):
    """Which seals are measured."""

    CKKS = "ckks"
    MASKING = "masking"
    BOTH = "both"

    @property
    def names(self) -> tuple[str, ...]:
        """The seals' names in a spec."""
        both = (SealChoice.CKKS.value, SealChoice.MASKING.value)
        return both if self is SealChoice.BOTH else (self.value,)


def bench(
    clients: Annotated[
        int, typer.Option(help="Clients that are invited to the round.", min=2, max=1 << 20)
    ] = 10,
    dim: Annotated[
        int, typer.Option(help="Values of the model: what each client sends.", min=1, max=1 << 28)
    ] = 1_000_000,
    bits: Annotated[
        int,
        typer.Option(
            help="Bits of the signed integer that stands for a value; 12 lose little of a model "
            "update, 16 nearly nothing.",
            min=3,
            max=19,
        ),
    ] = 12,
    dropout: Annotated[
        float,
        typer.Option(
            help="Share of the clients that seal and then stay away: 0 to below 1. ckks does not "
            "notice; under masking every absent client costs the opening a mask a survivor.",
            min=0.0,
            max=0.999_999,
        ),
    ] = 0.1,
    seal: Annotated[
        SealChoice,
        typer.Option(help="Which seal; masking takes at most 1,000 clients, ckks any number."),
    ] = SealChoice.BOTH,
    custodians: Annotated[
        int, typer.Option(help="Custodians in the committee: 4, 7 or 1 are recommended.", min=1)
    ] = 4,
    threshold: Annotated[
        int,
        typer.Option(help="Custodians needed to open: 2 of 4, 3 of 7, 1 of 1 are usual.", min=1),
    ] = 2,
    latency_ms: Annotated[
        float | None,
        typer.Option(
            help="Milliseconds from a request to its answer; transfer times are then computed from "
            "the measured bytes (nothing is sent). Default with --bandwidth-mbit: 0.",
            min=0.0,
        ),
    ] = None,
    bandwidth_mbit: Annotated[
        float | None,
        typer.Option(
            help="Megabit a second of each party's link, for the same computation. Default with "
            "--latency-ms: 1000.",
            min=0.001,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Also draw the result here: a name in .png or .svg.", dir_okay=False),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Also write every figure here, for scripts.", dir_okay=False),
    ] = None,
) -> None:
    """Measure one sealed round on this machine: time, bytes and memory, beside the round in clear.

    Every client really encodes, seals, checks its seal and wraps its seeds; custodians open their
    wraps and release for the frozen set; the opened sum is compared with the plain sum, value for
    value. All roles run one after the other in this process, so every figure is work of one core;
    what a network adds can be computed with --latency-ms and --bandwidth-mbit.

    **Try:** `blindsum bench --dim 100000 --clients 50 --dropout 0.2`

    Exit code 0: every sum was exact.
    """
    from blindsum_cli.bench.chart import check_plot_file, write_chart
    from blindsum_cli.bench.environment import environment, footer
    from blindsum_cli.bench.outcome_view import chart_of, render
    from blindsum_cli.bench.scenario import Scenario

    if plot is not None:
        check_plot_file(plot)
    scenario = Scenario(clients, dim, bits, dropout, custodians, threshold)
    for name in seal.names:
        scenario.check_seal(name)
    outcome = _measure(scenario, seal, _link(latency_ms, bandwidth_mbit))
    results = outcome.results(environment(["blindsum", *sys.argv[1:]]))
    render(outcome)
    if json_file is not None:
        results.write(json_file)
        say(f"rows  {json_file}")
    if plot is not None:
        write_chart(chart_of(outcome, footer(results.environment)), plot)
        say(f"plot  {plot}")
    if not outcome.is_exact:
        note("[bold red]An opened sum differs from the plain sum.[/]")
        advise("this must not happen: keep the command and report it")
        raise typer.Exit(RULE_BROKE)


def _link(latency_ms: float | None, bandwidth_mbit: float | None) -> "Link | None":
    from blindsum_cli.bench.link import Link

    if latency_ms is None and bandwidth_mbit is None:
        return None
    return Link(latency_ms or 0.0, 1000.0 if bandwidth_mbit is None else bandwidth_mbit)


def _measure(scenario: "Scenario", seal: SealChoice, link: "Link | None") -> "Outcome":
    """Every round, with a bar on a terminal while it takes its time."""
    from rich.progress import Progress

    from blindsum_cli.bench.outcome import Outcome
    from blindsum_cli.bench.plaintext import run_in_the_clear
    from blindsum_cli.bench.sealed_round import run_sealed

    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        sealed = []
        for name in seal.names:
            bar = progress.add_task(f"{name}: sealing", total=scenario.clients)
            sealed.append(run_sealed(scenario, name, partial(progress.advance, bar)))
        return Outcome(scenario, sealed, run_in_the_clear(scenario), link)
