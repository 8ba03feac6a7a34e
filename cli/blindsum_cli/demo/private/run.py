"""One run of the private demo, from the keys to the auditor's verdict."""

import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from blindsum_cli.console import say
from blindsum_cli.demo.artefacts import artefact_of, final_model
from blindsum_cli.demo.exactness import read_round
from blindsum_cli.demo.heart_disease import SPLITS
from blindsum_cli.demo.private.course import run_private_study
from blindsum_cli.demo.private.descent import mean_of_last
from blindsum_cli.demo.private.quality import epsilons_of, measure_private
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_cli.demo.private.results import PrivateResults
from blindsum_cli.demo.private.study import set_up_private, with_epsilon
from blindsum_cli.demo.rounds import TERMINAL, RoundResult
from blindsum_cli.demo.study_setup import DemoStudy
from blindsum_rules.model import Model, decode_model
from blindsum_rules.privacy.study_plan import study_plan


def run_private_demo(
    root: Path, epsilon: float, recipe: PrivateRecipe, seal: str, *, seed: int, port: int
) -> PrivateResults:
    """Set up, run, measure and verify; each round's line is written as it comes.

    Args:
        root: An empty folder.
        epsilon: What the study promises over the planned rounds.
        recipe: How it trains.
        seal: The study's one seal.
        seed: Which ten splits.
        port: Port of the aggregator; 0 lets the system choose.

    Raises:
        Refused: `privacy-epsilon`, and what else the plan refuses.
        Aborted: when the study did not come to its end.
    """
    began = time.monotonic()
    setup = set_up_private(root, seal, epsilon, recipe)
    (study,) = setup.studies
    manifests = {epsilon: study.manifest} | {
        other: with_epsilon(setup, other, recipe)
        for other in epsilons_of(epsilon)
        if other != epsilon
    }
    _announce(study, seal)
    seconds = {"setting up": time.monotonic() - began}
    course = run_private_study(setup, seed, port)
    seconds["studies"] = time.monotonic() - began - seconds["setting up"]
    model = mean_of_last(study.manifest, _models(study, course.rounds), recipe)
    before = time.monotonic()
    quality = measure_private(model, manifests, recipe, seed)
    seconds["one process"] = time.monotonic() - before
    results = PrivateResults(
        course=course,
        recipe=recipe,
        plans={one: study_plan(manifest) for one, manifest in manifests.items()},
        quality=quality,
        artefact=artefact_of(study, course.rounds),
        seconds=seconds,
        seed=seed,
    )
    seconds["whole run"] = time.monotonic() - began
    return results


def _announce(study: DemoStudy, seal: str) -> None:
    say(f"study   {study.name}, its manifest's digest:\n        {study.digest}")
    promise = f"promise {study_plan(study.manifest).guarantee}"
    say(textwrap.fill(promise, TERMINAL, subsequent_indent=" " * len("promise ")))
    where = (
        f"Split 1 of {SPLITS} goes through nine processes and the seal {seal}. The other "
        f"{SPLITS - 1} are trained in this process, by the same codec and accountant, their sums "
        "in the clear."
    )
    say(textwrap.fill(where, TERMINAL))


def _models(study: DemoStudy, rounds: Sequence[RoundResult]) -> list[Model]:
    """The models after each round, as every participant has them; float32, shape (27,) each."""
    manifest = study.manifest
    opened = [read_round(study.transcript, one.number, manifest) for one in rounds[1:]]
    models = [decode_model(one.model, manifest.layout.size) for one in opened]
    last = manifest.layout.flatten(final_model(study)).astype(np.float32)
    return [*models, last]
