"""`blindsum demo-statistics`: four hospitals count their patients together, through a seal."""

import tempfile
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from blindsum_cli.console import advise, note, say
from blindsum_cli.demo.options import DemoFolder, DemoJson, DemoPort
from blindsum_cli.exits import RULE_BROKE
from blindsum_crypto.errors import Refused


class Seal(StrEnum):
    """Through which seal."""

    CKKS = "ckks"
    MASKING = "masking"


def demo_statistics(
    epsilon: Annotated[
        float | None,
        typer.Option(
            help="Hide every record: noise that promises this epsilon over both queries, against "
            "one curious hospital, at delta 1e-5. Without it sums are exact.",
        ),
    ] = None,
    seal: Annotated[Seal, typer.Option(help="Through which seal.")] = Seal.CKKS,
    folder: DemoFolder = None,
    json_file: DemoJson = None,
    port: DemoPort = 0,
) -> None:
    """Count heart patients over four hospitals by age, sex and diagnosis, in nine processes.

    No model is trained. Two queries stand in the signed manifest; each hospital answers from its
    own table with `blindsum statistic answer`, and only the sums are opened. They are compared with
    the sums in the clear: equal, or with --epsilon as far apart as the noise that is printed beside
    them. Exit code 0: that holds, all hospitals verified the same, and the transcript is accepted.
    """
    from blindsum_cli.statistics_demo.course import run_statistics
    from blindsum_cli.statistics_demo.outcome import StatisticsOutcome, compare, write_outcome
    from blindsum_cli.statistics_demo.study import set_up_statistics
    from blindsum_cli.statistics_demo.view import render_statistics
    from blindsum_cli.verify import check_folder
    from blindsum_rules.privacy.study_plan import study_plan

    began = time.monotonic()
    root = _empty_folder(folder)
    say(f"folder  {root}")
    setup = set_up_statistics(root, seal.value, epsilon)
    (study,) = setup.studies
    say(f"study   {study.name}, its manifest's digest:\n        {study.digest}")
    if study.manifest.privacy is not None:
        say(f"promise {study_plan(study.manifest).guarantee}")
    run_statistics(setup, port)
    compared, same = compare(setup.places, study.manifest)
    report = check_folder(study.transcript, study.digest)
    outcome = StatisticsOutcome(compared, same, report, time.monotonic() - began)
    if json_file is not None:
        write_outcome(json_file, outcome)
    render_statistics(outcome)
    if not outcome.holds:
        note("[bold red]The demo did not hold what it promises.[/]")
        advise(f"see the tables above, and the logs in {root / 'logs'}")
        raise typer.Exit(RULE_BROKE)
    advise(
        f"blindsum study show {study.manifest_file}; "
        f"blindsum verify {study.transcript} --digest {study.digest}"
    )


def _empty_folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="blindsum-statistics-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise Refused("demo-folder", f"expected a new or an empty folder, got {folder}")
    return folder.resolve()
