"""What a study of the demo left behind: its final model, its transcript, and what they cost."""

from collections.abc import Sequence

import numpy as np

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.network import Model
from blindsum_cli.demo.results import Artefact, mean_phases
from blindsum_cli.demo.roles import harness_of
from blindsum_cli.demo.rounds import RoundResult, timed
from blindsum_cli.demo.sizes import bytes_per_client_round
from blindsum_cli.demo.study_setup import DemoStudy
from blindsum_cli.model_file import read_arrays
from blindsum_cli.verify import check_folder
from blindsum_crypto.errors import Aborted
from blindsum_rules.transitions import AggregatorState


def final_model(study: DemoStudy) -> Model:
    """The final model, which every hospital computed and verified for itself.

    Raises:
        Aborted: `demo-final-models`, when two of them have another one.
    """
    models = [read_arrays(harness_of(study, hospital).final) for hospital in HOSPITALS]
    if not are_equal(models):
        raise Aborted("demo-final-models", "expected one final model in all hospitals")
    return {name: values.astype(np.float32) for name, values in models[0].items()}


def are_equal(models: Sequence[Model]) -> bool:
    """Whether all models are the same, byte for byte."""
    first = models[0]
    return all(
        other[name].tobytes() == first[name].tobytes() for other in models[1:] for name in first
    )


def artefact_of(study: DemoStudy, results: Sequence[RoundResult]) -> Artefact:
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
