"""The private demo's study: the same parties, but records are hidden and the budget is counted."""

from pathlib import Path
from typing import Final

from blindsum_cli.demo.private.gradients import first_model
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_cli.demo.study_setup import (
    DemoSetup,
    compile_study,
    enrol_everybody,
    make_study,
)
from blindsum_cli.demo.study_text import study_toml
from blindsum_rules.manifest import Manifest

STUDY: Final = "heart-private"

_PRIVACY: Final = """\
[privacy]
unit = "record"
relation = "zero-out"
epsilon = {epsilon!r}
delta = {delta!r}
planned_rounds = {rounds}
colluders = {colluders}
clip_norm = {clip_norm!r}
units_per_client = {units_per_client}       # no hospital trains on more records
reference_units = {reference_units}        # training records of a split, a public number

[update]
rule = "fedsgd"             # a step against the mean gradient
server_learning_rate = {server_learning_rate!r}
"""


def set_up_private(root: Path, seal: str, epsilon: float, recipe: PrivateRecipe) -> DemoSetup:
    """Make the parties' keys and the private study, signed and approved.

    Args:
        root: An empty folder.
        seal: The study's one seal.
        epsilon: What the study promises over the planned rounds.
        recipe: How it trains.

    Raises:
        Refused: `privacy-epsilon`, and what else the plan refuses.
    """
    places, operator = enrol_everybody(root, first_model())
    study = make_study(places, seal, operator, private_toml(seal, epsilon, recipe))
    return DemoSetup(places, (study,), operator, recipe.rounds)


def with_epsilon(setup: DemoSetup, epsilon: float, recipe: PrivateRecipe) -> Manifest:
    """The same study with another promise, compiled and signed by nobody: for one process.

    Raises:
        Refused: as `set_up_private`.
    """
    seal = setup.studies[0].seal
    return compile_study(setup.places, private_toml(seal, epsilon, recipe))


def private_toml(seal: str, epsilon: float, recipe: PrivateRecipe) -> str:
    """study.toml of the private study."""
    privacy = _PRIVACY.format(
        epsilon=epsilon,
        delta=recipe.delta,
        rounds=recipe.rounds,
        colluders=recipe.colluders,
        clip_norm=recipe.clip_norm,
        units_per_client=recipe.units_per_client,
        reference_units=recipe.reference_units,
        server_learning_rate=recipe.server_learning_rate,
    )
    return study_toml(STUDY, seal, privacy, recipe.most_rounds)
