"""Training in one process, by the study's own codec and rule: with noise and without."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from blindsum_cli.demo.heart_disease import Records
from blindsum_cli.demo.private.descent import mean_of_last, with_noise, without_noise
from blindsum_cli.demo.private.gradients import scores
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import Model
from blindsum_rules.privacy.policy import PrivacyPolicy
from blindsum_rules.privacy.study_plan import privacy_policy, study_plan

SHORT = PrivateRecipe(rounds=3)


@pytest.fixture
def sites(first_split: dict[str, Records]) -> Sequence[Records]:
    return list(first_split.values())


def by_hand(sites: Sequence[Records], recipe: PrivateRecipe, manifest: Manifest) -> list[Model]:
    """Clipped gradients in float64 and the step of the recipe's words: 4 on the sum / (N C)."""
    features = np.concatenate([one.features for one in sites]).astype(np.float64)
    labels = np.concatenate([one.labels for one in sites])
    weight, bias = np.zeros(features.shape[1]), 0.0
    models = []
    for _ in range(recipe.rounds):
        wrong = 1 / (1 + np.exp(-(features @ weight + bias))) - labels
        rows = wrong[:, None] * np.c_[features, np.ones(len(labels))]
        rows *= np.minimum(1, recipe.clip_norm / np.linalg.norm(rows, axis=1))[:, None]
        step = 4 / (len(labels) * recipe.clip_norm) * rows.sum(axis=0)
        weight, bias = weight - step[:-1], bias - step[-1]
        arrays = {"weight": weight[np.newaxis], "bias": np.array([bias])}
        models.append(manifest.layout.flatten(arrays).astype(np.float32))
    return models


def test_training_without_noise_is_clipped_gradient_descent(
    manifest: Manifest, sites: Sequence[Records]
) -> None:
    made = without_noise(manifest, sites, SHORT)

    np.testing.assert_allclose(made, by_hand(sites, SHORT, manifest), atol=2e-5)


def test_a_hospital_alone_divides_by_its_own_records(
    manifest: Manifest, first_split: dict[str, Records]
) -> None:
    alone = [first_split["switzerland"]]

    made = without_noise(manifest, alone, SHORT)
    np.testing.assert_allclose(made, by_hand(alone, SHORT, manifest), atol=2e-5)


def test_noise_has_the_plans_deviation_in_the_model_of_a_round(
    manifest: Manifest, sites: Sequence[Records], recipe: PrivateRecipe
) -> None:
    """All four shares are in the sum: z of it is sqrt(4/2) times that of the two that count."""
    once = PrivateRecipe(rounds=2)
    exact = without_noise(manifest, sites, once)[0]
    draws = [
        with_noise(manifest, sites, once, SeededRandomness(f"draw {number}".encode()))[0] - exact
        for number in range(20)
    ]

    z = study_plan(manifest).noise_multiplier
    expected = recipe.step * z * np.sqrt(2) / recipe.reference_units
    assert np.std(draws) == pytest.approx(expected, rel=0.12)


def test_two_draws_of_noise_give_two_models(manifest: Manifest, sites: Sequence[Records]) -> None:
    first, second = (
        with_noise(manifest, sites, SHORT, SeededRandomness(name)) for name in (b"a", b"b")
    )

    assert not np.array_equal(first[0], second[0])


def test_the_model_that_is_scored_is_the_mean_of_the_last_planned_ones(
    manifest: Manifest,
) -> None:
    size = manifest.layout.size
    models = [np.full(size, value, np.float32) for value in (1, 2, 3, 4, 100)]

    mean = mean_of_last(manifest, models, PrivateRecipe(rounds=4))
    np.testing.assert_array_equal(mean["bias"], [3.5])  # of 3 and 4; 100 was not planned


def test_a_study_without_a_policy_is_refused(manifest: Manifest, sites: Sequence[Records]) -> None:
    open_study = replace(manifest, privacy=None)

    with pytest.raises(Refused) as exactly:
        without_noise(open_study, sites, SHORT)
    with pytest.raises(Refused) as noisily:
        with_noise(open_study, sites, SHORT, SeededRandomness(b"x"))
    assert exactly.value.rule == noisily.value.rule == "not-private"


def test_a_record_that_weighs_a_million_moves_no_model_beyond_its_clip(
    manifest: Manifest, sites: Sequence[Records], recipe: PrivateRecipe
) -> None:
    wild = [Records(one.features.copy(), one.labels) for one in sites]
    wild[0].features[0] *= 1e6
    once = PrivateRecipe(rounds=2)

    moved = without_noise(manifest, wild, once)[0] - without_noise(manifest, sites, once)[0]
    assert 0 < np.linalg.norm(moved) <= 2 * recipe.step / recipe.reference_units + 1e-6


def test_the_models_of_all_hospitals_tell_ill_from_well(
    manifest: Manifest, sites: Sequence[Records]
) -> None:
    model = mean_of_last(manifest, without_noise(manifest, sites, SHORT), SHORT)
    ill = [scores(model, one.features[one.labels == 1]).mean() for one in sites]
    well = [scores(model, one.features[one.labels == 0]).mean() for one in sites]

    assert min(ill) > max(well)


def test_the_policy_is_that_of_the_recipe(manifest: Manifest, recipe: PrivateRecipe) -> None:
    policy: PrivacyPolicy = privacy_policy(manifest)

    assert (policy.unit, policy.relation) == ("record", "zero-out")
    assert (manifest.min_cohort, policy.colluders, policy.delta) == (3, 1, 1e-5)
    assert (policy.planned_rounds, policy.clip_norm) == (20, 0.5)
    assert policy.reference_units == recipe.reference_units
    assert manifest.update_rule == "fedsgd"
    assert manifest.local_methods == ()
    assert manifest.schedule.max_rounds > policy.planned_rounds
