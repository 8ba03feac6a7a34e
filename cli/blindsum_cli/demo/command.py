"""`blindsum demo`: four hospitals train one model that none could train alone, through seals."""

import tempfile
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blindsum_cli.console import advise, note, say
from blindsum_cli.exits import RULE_BROKE
from blindsum_crypto.errors import Refused

if TYPE_CHECKING:
    from blindsum_cli.demo.results import Results


class Seals(StrEnum):
    """Through which seals the demo trains: each is a study of its own."""

    CKKS = "ckks"
    MASKING = "masking"
    BOTH = "both"

    @property
    def names(self) -> tuple[str, ...]:
        """The seals' names in a manifest."""
        return (self.CKKS.value, self.MASKING.value) if self is Seals.BOTH else (self.value,)


def demo(
    seal: Annotated[
        Seals,
        typer.Option(help="Through which seal; both: two studies that share all processes."),
    ] = Seals.BOTH,
    rounds: Annotated[int, typer.Option(help="Rounds of each study.", min=3, max=100)] = 12,
    seed: Annotated[
        int,
        typer.Option(
            help="Which ten splits of the records, and which coins of the rounding; 1988 are the "
            "stated ones.",
            min=0,
        ),
    ] = 1988,
    folder: Annotated[
        Path | None,
        typer.Option(
            help="Where everything goes; it must be new or empty. Default: a new folder, named.",
            file_okay=False,
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Also write the results here, for scripts.", dir_okay=False),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            help="Port of the aggregator on the loopback interface; 0 lets the system choose.",
            min=0,
            max=65535,
        ),
    ] = 0,
) -> None:
    """Train a heart-disease model over four hospitals through both seals, in nine processes.

    One aggregator, and in each hospital a custodian and a client, over loopback gRPC; all serve two
    studies, one a seal. A hospital is killed in the middle of an upload, another uploads too late,
    a custodian misses a round. The sums through both seals are compared with plain integers and
    with each other, the models with each other and with the same training in the clear, and the
    transcripts are verified. Exit code 0: all sums and models equal, no quality lost, transcripts
    accepted.

    Then look into the folder that it names: `blindsum verify FOLDER/transcripts/heart-ckks`.
    """
    root = _empty_folder(folder)
    say(f"folder  {root}")
    results = _run(root, rounds, seed, port, seal)
    from blindsum_cli.demo.results_view import render

    if json_file is not None:
        results.write(json_file)
    render(results)
    if not results.holds:
        note("[bold red]The demo did not hold what it promises.[/]")
        advise(f"see the tables above, and the logs in {root / 'logs'}")
        raise typer.Exit(RULE_BROKE)


def _run(root: Path, rounds: int, seed: int, port: int, seal: Seals) -> "Results":
    try:
        from blindsum_cli.demo.run import run_demo
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise Refused("demo-needs-torch", "expected torch: pip install 'blindsum[demo]'") from error
    return run_demo(root, rounds, seed, port, seal.names)


def _empty_folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="blindsum-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Refused("demo-folder", f"expected a new or an empty folder, got {folder}")
    return folder.resolve()
