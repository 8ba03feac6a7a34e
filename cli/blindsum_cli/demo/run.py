"""One run of the demo, from the keys to the auditor's verdict."""

import time
from pathlib import Path

import numpy as np

from blindsum_cli.console import say
from blindsum_cli.demo.course import RoundResult, run_study
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.interruptions import plan
from blindsum_cli.demo.network import Model
from blindsum_cli.demo.quality import measure
from blindsum_cli.demo.results import Results, mean_phases
from blindsum_cli.demo.roles import harness_of
from blindsum_cli.demo.sizes import bytes_per_client_round
from blindsum_cli.demo.study_setup import DemoStudy, set_up
from blindsum_cli.model_file import read_arrays
from blindsum_cli.verify import check_folder
from blindsum_crypto.errors import Aborted
from blindsum_rules.transitions import AggregatorState


def run_demo(root: Path, rounds: int, seed: int, port: int) -> Results:
    """Set up, run, measure and verify; each round's line is written as it comes.

    Args:
        root: An empty folder.
        rounds: Rounds of the study, at least 3.
        seed: Which ten splits.
        port: Port of the aggregator; 0 lets the system choose.

    Raises:
        Aborted: when the study did not come to its end.
    """
    began = time.monotonic()
    study = set_up(root, rounds)
    say(f"study   {study.manifest.study}, manifest digest {study.digest}")
    seconds = {"setting up": time.monotonic() - began}
    rounds_done = run_study(study, plan(rounds), seed, port)
    seconds["study"] = time.monotonic() - began - seconds["setting up"]
    seconds |= _mean_seconds(study, rounds_done)
    artefact = study.places.transcript
    quality = measure(_final_model(study), [one.members for one in rounds_done], study.recipe, seed)
    sizes = bytes_per_client_round(artefact, rounds_done, study.manifest)
    report = check_folder(artefact, study.digest)
    seconds["whole run"] = time.monotonic() - began
    return Results(rounds_done, quality, sizes, seconds, report, artefact, seed)


def _final_model(study: DemoStudy) -> Model:
    """The final model, which every hospital computed and verified for itself.

    Raises:
        Aborted: `demo-final-models`, when two of them have another one.
    """
    models = [read_arrays(harness_of(study, hospital).final) for hospital in HOSPITALS]
    for other in models[1:]:
        if any(not np.array_equal(models[0][name], other[name]) for name in models[0]):
            raise Aborted("demo-final-models", "expected one final model in all hospitals")
    return {name: values.astype(np.float32) for name, values in models[0].items()}


def _mean_seconds(study: DemoStudy, rounds: tuple[RoundResult, ...]) -> dict[str, float]:
    """Mean seconds of a round, of its phases at the aggregator and of its steps at a hospital."""
    whole = mean_phases([{"round, mean": one.seconds} for one in rounds])
    measured = mean_phases(one.phases for one in rounds)
    phases = {state: measured[state] for state in AggregatorState if state in measured}
    steps = mean_phases(
        harness_of(study, member).seconds(one.number) for one in rounds for member in one.members
    )
    return (
        whole
        | {f"aggregator: {phase}": value for phase, value in phases.items()}
        | {f"hospital: {step}": value for step, value in steps.items()}
    )
