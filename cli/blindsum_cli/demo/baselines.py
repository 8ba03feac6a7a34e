"""What the sealed study is held against: the same training in the clear, pooled, and alone.

All three are one computation. Pooled training is federated averaging over one site that holds
everything, and a hospital alone is federated averaging over that hospital: equally many rounds
and steps, so that a difference in AUC comes from the data seen and from nothing else.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from blindsum_cli.demo.heart_disease import Records
from blindsum_cli.demo.local_training import RECIPE, Recipe, train
from blindsum_cli.demo.network import LAYOUT, Model, check_layout, initial_model
from blindsum_crypto.errors import Refused, Rejected

NOBODY: Mapping[int, AbstractSet[str]] = {}


def averaged(model: Model, updates: Sequence[Model], weights: Sequence[float]) -> Model:
    """Make the next model by weighted federated averaging (McMahan et al. 2017, algorithm 1).

    Args:
        model: The round's model.
        updates: One update a survivor, each trained - start.
        weights: One positive weight a survivor, any common scale; the record count, as a rule.

    Returns:
        model + sum(weight * update) / sum(weight), elementwise in float64, cast once to float32.

    Raises:
        Rejected: `average-weights` if weights and updates differ in number, there are none, or
            a weight is not positive; `model-layout` if the model or an update does not fit.
    """
    if len(updates) != len(weights) or not weights or min(weights) <= 0:
        raise Rejected("average-weights", "expected one positive weight for each update")
    for arrays in (model, *updates):
        check_layout(arrays)
    total = sum(weights)
    following: Model = {}
    for name in LAYOUT:
        weighted = (w * u[name].astype(np.float64) for w, u in zip(weights, updates, strict=True))
        mean = np.sum(list(weighted), axis=0) / total
        following[name] = (model[name].astype(np.float64) + mean).astype(np.float32)
    return following


def federated(
    sites: Mapping[str, Records],
    recipe: Recipe = RECIPE,
    absent: Mapping[int, AbstractSet[str]] = NOBODY,
) -> tuple[Model, ...]:
    """Train by federated averaging in the clear, weighted by records.

    Args:
        sites: Training records of each hospital, with leading axis `SPLITS`.
        recipe: How to train.
        absent: Hospitals that drop out, by round number; rounds count from 0.

    Returns:
        The model after each round, so `recipe.rounds` of them; the last is the result.

    Raises:
        Refused: `no-survivors` if everybody is absent from a round.
        Rejected: `training-records` if a site's records have no leading axis of `SPLITS`.
    """
    models: list[Model] = []
    model = initial_model()
    for round_number in range(recipe.rounds):
        away = absent.get(round_number, frozenset())
        present = [records for site, records in sites.items() if site not in away]
        if not present:
            raise Refused("no-survivors", f"expected a hospital in round {round_number}, got none")
        updates = [train(model, records, recipe) for records in present]
        model = averaged(model, updates, [records.count for records in present])
        models.append(model)
    return tuple(models)


def pooled(sites: Mapping[str, Records], recipe: Recipe = RECIPE) -> Model:
    """Train on all records in one place, as if no hospital had anything to hide.

    Args:
        sites: Training records of each hospital, with leading axis `SPLITS`.
        recipe: How to train; as many rounds and steps as in the study.

    Returns:
        The trained model.
    """
    everything = Records(
        features=np.concatenate([records.features for records in sites.values()], axis=1),
        labels=np.concatenate([records.labels for records in sites.values()], axis=1),
    )
    return federated({"pool": everything}, recipe)[-1]


def alone(sites: Mapping[str, Records], recipe: Recipe = RECIPE) -> dict[str, Model]:
    """Train each hospital on its own records and nobody else's.

    Args:
        sites: Training records of each hospital, with leading axis `SPLITS`.
        recipe: How to train; as many rounds and steps as in the study.

    Returns:
        The trained model of each hospital.
    """
    return {site: federated({site: records}, recipe)[-1] for site, records in sites.items()}
