"""One run of the demo, from the keys to the auditor's verdict."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from blindsum_cli.console import say
from blindsum_cli.demo.artefacts import are_equal, artefact_of, final_model
from blindsum_cli.demo.course import run_studies
from blindsum_cli.demo.interruptions import plan
from blindsum_cli.demo.local_training import RECIPE
from blindsum_cli.demo.quality import measure
from blindsum_cli.demo.results import Results
from blindsum_cli.demo.study_setup import set_up


def run_demo(root: Path, rounds: int, seed: int, port: int, seals: Sequence[str]) -> Results:
    """Set up, run, measure and verify; each round's line is written as it comes.

    Args:
        root: An empty folder.
        rounds: Rounds of each study, at least 3.
        seed: Which ten splits, and which coins the hospitals round by.
        port: Port of the aggregator; 0 lets the system choose.
        seals: One study each, in this order.

    Raises:
        Aborted: when a study did not come to its end.
    """
    began = time.monotonic()
    setup = set_up(root, rounds, seals)
    for study in setup.studies:
        say(f"study   {study.name}, its manifest's digest:\n        {study.digest}")
    seconds = {"setting up": time.monotonic() - began}
    results = run_studies(setup, plan(rounds), seed, port)
    seconds["studies"] = time.monotonic() - began - seconds["setting up"]
    finals = {study.seal: final_model(study) for study in setup.studies}
    quality = measure(
        finals, [one.members for one in results], replace(RECIPE, rounds=rounds), seed
    )
    artefacts = {study.seal: artefact_of(study, results) for study in setup.studies}
    seconds["whole run"] = time.monotonic() - began
    return Results(results, are_equal(list(finals.values())), quality, artefacts, seconds, seed)
