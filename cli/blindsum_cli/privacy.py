"""`blindsum privacy`: what differential privacy would promise a study, and what it costs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blindsum_cli.console import print_json, say
from blindsum_cli.options import AsJson
from blindsum_cli.privacy_spent import spent
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.noise import Mechanism

if TYPE_CHECKING:
    from blindsum_rules.privacy.plan import Plan
    from blindsum_rules.privacy.setting import Setting

app = typer.Typer(
    no_args_is_help=True, help="Plan a study's differential privacy, and see what is spent of it."
)


@app.callback()
def _group() -> None:
    """Its commands need no key and no network."""


@app.command("plan")
def plan(
    clients: Annotated[int, typer.Option(help="Clients that may be summed.", min=1, max=1 << 20)],
    dim: Annotated[int, typer.Option(help="Values of the model.", min=1, max=1 << 28)],
    rounds: Annotated[
        int, typer.Option(help="The most rounds; every round costs.", min=1, max=1 << 20)
    ],
    min_cohort: Annotated[
        int,
        typer.Option(
            help="Fewest clients of a sum. Noise is sized for it: the fewer may be summed, the "
            "more noise each adds.",
            min=1,
        ),
    ],
    epsilon: Annotated[
        float | None,
        typer.Option(help="Promise this over all rounds: about 1 is strong, 10 is weak."),
    ] = None,
    noise_multiplier: Annotated[
        float | None,
        typer.Option(
            help="Instead of --epsilon: deviation of the noise over the clip norm, and see what it "
            "promises."
        ),
    ] = None,
    delta: Annotated[
        float,
        typer.Option(help="Chance that the promise fails; well below 1 over all records."),
    ] = 1e-5,
    unit: Annotated[
        Unit,
        typer.Option(
            help="What is hidden: one record; one patient, whose records a site puts together "
            "first; or a whole client, which needs 100 clients."
        ),
    ] = Unit.RECORD,
    max_records: Annotated[
        int | None,
        typer.Option(
            help="The most records (patients) of one client: how wide a sum can become. Needed for "
            "the units record and patient.",
            min=1,
        ),
    ] = None,
    total_records: Annotated[
        int | None,
        typer.Option(
            help="Records (patients) of all clients, a public number that sums are divided by. "
            "Default: --clients times --max-records.",
            min=1,
        ),
    ] = None,
    organisations: Annotated[
        int | None,
        typer.Option(
            help="Organisations that share the clients evenly. Default: each client its own.", min=1
        ),
    ] = None,
    min_organisations: Annotated[
        int, typer.Option(help="Fewest organisations of a sum.", min=1)
    ] = 1,
    colluders: Annotated[
        int,
        typer.Option(
            help="Organisations that may pool what they know. At least 1: everybody knows its own "
            "noise.",
            min=1,
        ),
    ] = 1,
    mechanism: Annotated[
        Mechanism, typer.Option(help="Law of the integer noise; skellam fits every case.")
    ] = Mechanism.SKELLAM,
    seal: Annotated[
        str,
        typer.Option(
            help="Whose fields the levels fill: ckks, where finer levels are often free, or "
            "masking, where every bit is sent. Bytes are told for both."
        ),
    ] = "ckks",
    plot: Annotated[
        Path | None,
        typer.Option(help="Also draw epsilon here: a name in .png or .svg.", dir_okay=False),
    ] = None,
    *,
    few_clients: Annotated[
        bool,
        typer.Option("--few-clients", help="Plan the unit client below 100 clients all the same."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Derive noise, levels, width and bytes from what a study wants; nothing is drawn or sent.

    Every client is to add a share of integer noise before it seals. Only the shares that nobody of
    the colluders knows protect; the plan counts those of the smallest sum that is permitted. What
    a study promises stands in its manifest: `blindsum study create --example --private` begins one.

    **Try:** `blindsum privacy plan --clients 4 --dim 25 --rounds 20 --min-cohort 3 --epsilon 3
    --max-records 303 --total-records 920`

    Exit code 0: the plan holds. What it does not cover is printed with it.
    """
    from blindsum_cli.bench.chart import check_plot_file
    from blindsum_cli.privacy_chart import write_curves
    from blindsum_cli.privacy_figures import PlanFigures
    from blindsum_cli.privacy_view import render
    from blindsum_rules.privacy.effective_noise import evenly
    from blindsum_rules.privacy.setting import Setting

    if plot is not None:
        check_plot_file(plot)
    setting = Setting(
        cohort=evenly(clients, organisations or clients, min_cohort, min_organisations),
        dimension=dim,
        rounds=rounds,
        delta=delta,
        colluders=colluders,
        unit=unit,
        units_per_client=_units_per_client(unit, max_records),
        mechanism=mechanism,
        allow_few_clients=few_clients,
    )
    figures = PlanFigures(_derive(setting, epsilon, noise_multiplier, seal), total_records)
    if as_json:
        print_json(figures.document())
    else:
        render(figures)
    if plot is not None:
        write_curves(figures.plan, plot)
        if not as_json:
            say(f"plot  {plot}")


def _units_per_client(unit: Unit, max_records: int | None) -> int:
    if unit is Unit.CLIENT:
        if max_records is not None:
            raise typer.BadParameter("--max-records says nothing where the unit is the client")
        return 1
    if max_records is None:
        raise typer.BadParameter(f"the unit {unit} needs --max-records")
    return max_records


def _derive(
    setting: "Setting", epsilon: float | None, noise_multiplier: float | None, seal: str
) -> "Plan":
    from blindsum_rules.privacy.derivation import plan_for_epsilon, plan_for_noise

    if epsilon is not None and noise_multiplier is None:
        return plan_for_epsilon(setting, epsilon, seal)
    if noise_multiplier is not None and epsilon is None:
        return plan_for_noise(setting, noise_multiplier, seal)
    raise typer.BadParameter("give --epsilon or --noise-multiplier, and not both")


app.command("spent")(spent)
