"""`blindsum`: the command line, one thin file a command group."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from blindsum_cli import (
    aggregator,
    client,
    custodian,
    keys,
    privacy,
    rounds,
    statistic,
    study,
    verify,
)
from blindsum_cli.bench import command as bench
from blindsum_cli.console import say
from blindsum_cli.demo import command as demo
from blindsum_cli.exits import report
from blindsum_cli.logs import COMMAND, configure_logs
from blindsum_cli.statistics_demo import command as demo_statistics
from blindsum_crypto.errors import BlindsumError

app = typer.Typer(
    name="blindsum",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="""Sum what nobody may see.

Clients seal their model updates; an aggregator adds sealed vectors that it cannot open; a
committee of custodians releases the one secret that opens the *sum*.

**Try it:** `blindsum demo` trains a model over four hospitals on this machine.

**Run a study:**

1. every party: `blindsum keys new NAME --role ROLE`, then send NAME.identity to the operator
2. operator: `blindsum study create`, `blindsum study sign`; everybody: `blindsum study verify`
3. `blindsum aggregator serve`, `blindsum custodian attend`, `blindsum client join`
4. anybody, any time later: `blindsum verify FOLDER`

Exit codes: 0 done, 1 a rule of the protocol broke (named), 2 wrong usage, 3 unavailable: try again.
""",
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - Typer passes it by position
    if wanted:
        say(f"blindsum {version('blindsum')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and stop.", is_eager=True, callback=_version
        ),
    ] = False,
) -> None:
    """Options of the command line as a whole; its help stands above."""


app.add_typer(keys.app, name="keys")
app.add_typer(study.app, name="study")
app.add_typer(aggregator.app, name="aggregator")
app.add_typer(custodian.app, name="custodian")
app.add_typer(client.app, name="client")
app.add_typer(rounds.app, name="round")
app.add_typer(privacy.app, name="privacy")
app.add_typer(statistic.app, name="statistic")
app.command("verify")(verify.verify_folder)
app.command("demo")(demo.demo)
app.command("demo-statistics")(demo_statistics.demo_statistics)
app.command("bench")(bench.bench)


def main() -> None:
    """Run a command; a broken rule becomes words and an exit code, not a traceback."""
    configure_logs(COMMAND)
    try:
        app()
    except BlindsumError as error:
        sys.exit(report(error))
