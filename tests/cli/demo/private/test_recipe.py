"""The private recipe's numbers are public, and fit the records that they are for."""

import pytest

from blindsum_cli.demo.heart_disease import HOSPITALS, SPLIT_SEED, training_records
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_crypto.errors import Refused


def test_the_result_is_the_mean_of_the_later_half_of_the_planned_models() -> None:
    assert PrivateRecipe().averaged == 10
    assert PrivateRecipe(rounds=3).averaged == 1


def test_the_server_steps_four_along_the_sum_over_records_and_clip_norm(
    recipe: PrivateRecipe,
) -> None:
    assert recipe.server_learning_rate * recipe.clip_norm == 4.0


@pytest.mark.parametrize("rounds", [1, 0, -1])
def test_a_recipe_without_two_rounds_is_refused(rounds: int) -> None:
    with pytest.raises(Refused) as caught:
        PrivateRecipe(rounds=rounds)
    assert caught.value.rule == "demo-planned-rounds"


@pytest.mark.parametrize("seed", [SPLIT_SEED, 0])
def test_the_public_numbers_of_records_are_those_of_every_split(
    seed: int, recipe: PrivateRecipe
) -> None:
    counts = [training_records(hospital, seed).count for hospital in HOSPITALS]

    assert sum(counts) == recipe.reference_units
    assert max(counts) <= recipe.units_per_client


def test_more_rounds_may_be_opened_than_a_budget_pays_with_all_hospitals_in_them(
    recipe: PrivateRecipe,
) -> None:
    """One share more than the smallest sum has makes a round cost at least 2/3 of the plan's."""
    assert recipe.most_rounds > recipe.rounds * 3 / 2
