"""What is promised against one, two and three hospitals: fewer unknown shares, larger epsilon."""

import pytest

from blindsum_cli.demo.private.promise import over_colluders
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_cli.demo.private.study import with_epsilon
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.study_plan import study_plan


def test_against_one_hospital_it_is_what_was_asked_for(manifest: Manifest) -> None:
    one, two, three = over_colluders(study_plan(manifest))

    assert one.epsilon == pytest.approx(3.0, abs=0.001)
    assert (one.shares, two.shares, three.shares) == (2, 1, 0)
    assert two.epsilon is not None
    assert two.epsilon > 4
    assert three.epsilon is None


def test_with_all_hospitals_in_it_each_round_costs_less(manifest: Manifest) -> None:
    one, two, three = over_colluders(study_plan(manifest))

    assert [row.shares_of_all for row in (one, two, three)] == [3, 2, 1]
    assert one.epsilon_of_all is not None
    assert one.epsilon_of_all < 3.0
    # As many unknown shares as the smallest sum has against one.
    assert two.epsilon_of_all == pytest.approx(3.0, abs=0.001)
    assert three.epsilon_of_all is not None


def test_the_noise_multipliers_are_those_that_were_measured(
    setup: DemoSetup, recipe: PrivateRecipe
) -> None:
    """z = 18.2 / 6.72 / 2.87 for epsilon 1 / 3 / 8, two unknown shares and 20 rounds."""
    for epsilon, z in ((1.0, 18.2), (3.0, 6.72), (8.0, 2.87)):
        plan = study_plan(with_epsilon(setup, epsilon, recipe))
        assert plan.honest_shares == 2
        assert plan.noise_multiplier == pytest.approx(z, rel=0.01)


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan"), float("inf")])
def test_an_epsilon_that_is_none_makes_no_study(
    setup: DemoSetup, recipe: PrivateRecipe, epsilon: float
) -> None:
    with pytest.raises(Refused) as caught:
        with_epsilon(setup, epsilon, recipe)
    assert caught.value.rule == "privacy-epsilon"
