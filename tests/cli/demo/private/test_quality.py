"""What noise costs is judged against what is stated, and shown beside training without noise."""

from dataclasses import replace

import numpy as np
import pytest

from blindsum_cli.demo.heart_disease import HOSPITALS, SPLIT_SEED
from blindsum_cli.demo.private.gradients import first_model
from blindsum_cli.demo.private.quality import (
    SEALED_SPLIT,
    PrivateQuality,
    epsilons_of,
    measure_private,
)
from blindsum_cli.demo.private.recipe import MOST_LOSS, PrivateRecipe
from blindsum_cli.demo.private.study import with_epsilon
from blindsum_cli.demo.quality import Row
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_rules.manifest import Manifest


def row(mean: float) -> Row:
    return mean + np.linspace(-0.01, 0.01, 10)


@pytest.fixture
def good() -> PrivateQuality:
    hospitals = {name: row(0.8 + 0.01 * at) for at, name in enumerate(HOSPITALS)}
    return PrivateQuality(row(0.9), {3.0: row(0.895), 1.0: row(0.88)}, hospitals)


def test_a_run_shows_its_own_epsilon_first_and_the_stated_ones_beside_it() -> None:
    assert epsilons_of(3.0) == (3.0, 1.0)
    assert epsilons_of(1.0) == (1.0, 3.0)
    assert epsilons_of(8.0) == (8.0, 3.0, 1.0)


def test_what_is_near_enough_and_above_the_best_hospital_holds(good: PrivateQuality) -> None:
    assert good.best_hospital == HOSPITALS[-1]
    assert good.loss(3.0) == pytest.approx(0.005)
    assert good.holds


@pytest.mark.parametrize("epsilon", [3.0, 1.0])
def test_more_loss_than_is_stated_does_not_hold(good: PrivateQuality, epsilon: float) -> None:
    lost = row(0.9 - MOST_LOSS[epsilon] - 0.001)

    assert not replace(good, noisy={**good.noisy, epsilon: lost}).holds


def test_what_a_hospital_reaches_alone_is_no_gain(good: PrivateQuality) -> None:
    assert not replace(good, hospitals={**good.hospitals, "cleveland": row(0.896)}).holds


def test_an_epsilon_that_nothing_is_stated_of_is_shown_and_not_judged(
    good: PrivateQuality,
) -> None:
    assert replace(good, noisy={0.1: row(0.5), **good.noisy}).holds


@pytest.mark.slow
def test_one_split_is_the_studys_own_and_the_others_are_trained_here(
    setup: DemoSetup, manifest: Manifest
) -> None:
    short = PrivateRecipe(rounds=3)
    manifests = {3.0: manifest, 1.0: with_epsilon(setup, 1.0, short)}
    # A model of zeros scores everybody alike.
    made = measure_private(first_model(), manifests, short, SPLIT_SEED)

    assert list(made.noisy) == [3.0, 1.0]
    assert made.noisy[3.0][SEALED_SPLIT] == 0.5
    trained = np.delete(made.noisy[3.0], SEALED_SPLIT)
    others = (made.exact, made.noisy[1.0], *made.hospitals.values())
    assert min(trained.min(), *(one.min() for one in others)) > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("split_seed", [SPLIT_SEED, 0, 1])
def test_noise_costs_no_more_than_is_stated_on_other_splits_too(
    setup: DemoSetup, manifest: Manifest, recipe: PrivateRecipe, split_seed: int
) -> None:
    manifests = {3.0: manifest, 1.0: with_epsilon(setup, 1.0, recipe)}
    made = measure_private(first_model(), manifests, recipe, split_seed)
    # Without the split whose model came from elsewhere.
    best = np.delete(made.hospitals[made.best_hospital], SEALED_SPLIT)
    exact = np.delete(made.exact, SEALED_SPLIT)
    noisy = {epsilon: np.delete(one, SEALED_SPLIT) for epsilon, one in made.noisy.items()}
    for epsilon, one in noisy.items():
        assert exact.mean() - one.mean() <= MOST_LOSS[epsilon]
    assert noisy[3.0].mean() > best.mean()
