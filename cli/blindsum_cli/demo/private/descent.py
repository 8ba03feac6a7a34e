"""The private study's training in one process: by its own codec and rule, with noise or without.

Ten splits through nine processes would spend ten budgets of records that overlap, and ten times
the minutes. So one split goes through the processes, and the others here: what a client makes of
its records, the sum, the step and the accounting are the same functions; the seal is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_cli.demo.heart_disease import Records
from blindsum_cli.demo.local_training import one_thread
from blindsum_cli.demo.private.gradients import Arrays, gradients
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_client.encode import RoundBasis, encode_units
from blindsum_crypto.randomness import Randomness
from blindsum_rules.codec.parameters import FINE_BITS
from blindsum_rules.codec.units import sum_units
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import Model
from blindsum_rules.next_model import next_model
from blindsum_rules.privacy.study_plan import privacy_policy, study_codec

_NO_ROUND: Final = bytes(32)

_Step = Callable[[Model], Model]


def with_noise(
    manifest: Manifest, sites: Sequence[Records], recipe: PrivateRecipe, randomness: Randomness
) -> tuple[Model, ...]:
    """The models after each planned round, of clients that clip, round and add noise.

    Args:
        manifest: A private study of these sites.
        sites: Each client's records, of one split.
        recipe: How to train.
        randomness: For rounding and noise.

    Returns:
        `recipe.rounds` models, float32, shape (the layout's size,).

    Raises:
        Refused: what the study's plan refuses.
    """

    def step(model: Model) -> Model:
        basis = RoundBasis(_NO_ROUND, model)
        aggregate = np.zeros(manifest.vector_length, np.int64)
        for records in sites:
            batches = gradients(
                manifest.layout.unflatten(model), records, manifest.layout, recipe.batch_size
            )
            aggregate += encode_units(batches, basis, manifest, randomness)[0]
        return next_model(manifest, model, aggregate, _NO_ROUND)

    return _descend(manifest, step, recipe)


def without_noise(
    manifest: Manifest, sites: Sequence[Records], recipe: PrivateRecipe
) -> tuple[Model, ...]:
    """The same with the same clipping, but exact sums: no rounding and no noise.

    The sums are those on the codec's fine grid, and are divided by the records that there are: the
    public number in the study, a hospital's own where it trains alone.

    Args:
        manifest: The private study.
        sites: Each client's records, of one split.
        recipe: How to train.
    """
    policy = privacy_policy(manifest)
    codec = study_codec(manifest, policy.clip_norm)
    records = sum(one.count for one in sites)
    exact = replace(policy, levels=policy.levels << FINE_BITS, reference_units=records)
    fine = replace(manifest, privacy=exact)

    def step(model: Model) -> Model:
        total: npt.NDArray[np.int64] = np.zeros(manifest.vector_length, np.int64)
        for one in sites:
            batches = gradients(
                manifest.layout.unflatten(model), one, manifest.layout, recipe.batch_size
            )
            total += sum_units(batches, codec)[0]
        return next_model(fine, model, total, _NO_ROUND)

    return _descend(manifest, step, recipe)


def mean_of_last(manifest: Manifest, models: Sequence[Model], recipe: PrivateRecipe) -> Arrays:
    """The model that is scored: the mean of the last models of the planned rounds.

    Post-processing of models that every participant sees anyway, so it costs no budget.

    Args:
        manifest: The study, for its layout.
        models: The models after each round; those beyond the planned rounds are left out.
        recipe: Which are averaged.
    """
    planned = models[: recipe.rounds][-recipe.averaged :]
    mean = np.mean(np.stack(planned).astype(np.float64), axis=0)
    return manifest.layout.unflatten(mean.astype(np.float32))


def _descend(manifest: Manifest, step: _Step, recipe: PrivateRecipe) -> tuple[Model, ...]:
    model: Model = np.zeros(manifest.layout.size, np.float32)
    models = []
    with one_thread():
        for _ in range(recipe.rounds):
            model = step(model)
            models.append(model)
    return tuple(models)
