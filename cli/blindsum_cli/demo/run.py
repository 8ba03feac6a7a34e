"""One run of the demo, from the keys to the auditor's verdict."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from blindsum_cli.console import say
from blindsum_cli.demo.course import run_studies
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.interruptions import plan
from blindsum_cli.demo.local_training import RECIPE
from blindsum_cli.demo.network import LAYOUT, Model
from blindsum_cli.demo.quality import measure
from blindsum_cli.demo.results import Artefact, Results, mean_phases
from blindsum_cli.demo.roles import harness_of
from blindsum_cli.demo.rounds import RoundResult, timed
from blindsum_cli.demo.sizes import bytes_per_client_round
from blindsum_cli.demo.study_setup import DemoStudy, set_up
from blindsum_cli.model_file import read_arrays
from blindsum_cli.verify import check_folder
from blindsum_crypto.errors import Aborted
from blindsum_rules.transitions import AggregatorState


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
    finals = {study.seal: _final_model(study) for study in setup.studies}
    quality = measure(
        finals, [one.members for one in results], replace(RECIPE, rounds=rounds), seed
    )
    artefacts = {study.seal: _artefact(study, results) for study in setup.studies}
    seconds["whole run"] = time.monotonic() - began
    return Results(results, _are_equal(list(finals.values())), quality, artefacts, seconds, seed)


def _final_model(study: DemoStudy) -> Model:
    """The final model, which every hospital computed and verified for itself.

    Raises:
        Aborted: `demo-final-models`, when two of them have another one.
    """
    models = [read_arrays(harness_of(study, hospital).final) for hospital in HOSPITALS]
    if not _are_equal(models):
        raise Aborted("demo-final-models", "expected one final model in all hospitals")
    return {name: values.astype(np.float32) for name, values in models[0].items()}


def _are_equal(models: Sequence[Model]) -> bool:
    """Whether all models are the same, byte for byte."""
    first = models[0]
    return all(
        other[name].tobytes() == first[name].tobytes() for other in models[1:] for name in LAYOUT
    )


def _artefact(study: DemoStudy, results: Sequence[RoundResult]) -> Artefact:
    """What a study left behind, measured and verified."""
    return Artefact(
        folder=study.transcript,
        report=check_folder(study.transcript, study.digest),
        bytes_per_client_round=bytes_per_client_round(study.transcript, results, study.manifest),
        seconds=_mean_seconds(study, results),
    )


def _mean_seconds(study: DemoStudy, results: Sequence[RoundResult]) -> dict[str, float]:
    """Mean seconds of the phases of a round at the aggregator and of its steps at a hospital."""
    several = timed(results)
    measured = mean_phases(one.seals[study.seal].phases for one in several)
    phases = {state: measured[state] for state in AggregatorState if state in measured}
    steps = mean_phases(
        harness_of(study, member).seconds(one.number) for one in several for member in one.members
    )
    return (
        {"round": sum(phases.values())}
        | {f"aggregator: {phase}": value for phase, value in phases.items()}
        | {f"hospital: {step}": value for step, value in steps.items()}
    )
