"""How far one unit moves the sum: the formula, and real roundings that must stay below it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.guarantee import Relation
from blindsum_rules.privacy.noise import TOTAL_VARIATION
from blindsum_rules.privacy.sensitivity import (
    conversion_delta,
    delta_of_failures,
    failures_at,
    rounded_sensitivity,
)

LEVELS = st.integers(1, 1 << 18)
DIMENSIONS = st.integers(1, 1 << 24)


def test_the_formula_by_hand() -> None:
    found = rounded_sensitivity(1_000, 10_000, log_failure=-0.5)

    assert found.squared_l2 == 1_000**2 + 2_500 + 1 * (1_000 + 50)
    assert found.l1 == 100 * math.sqrt(found.squared_l2)


def test_few_levels_over_many_coordinates_are_short_in_l1_since_they_are_integers() -> None:
    many, few = rounded_sensitivity(1, 1 << 20), rounded_sensitivity(1_000, 4)

    assert many.l1 == many.squared_l2 < 1_024 * math.sqrt(many.squared_l2)
    assert few.l1 == 2 * math.sqrt(few.squared_l2) < few.squared_l2


@given(LEVELS, DIMENSIONS)
def test_l1_is_bounded_both_ways_and_everything_grows_with_levels(levels: int, d: int) -> None:
    found = rounded_sensitivity(levels, d)
    finer = rounded_sensitivity(levels + 1, d)

    assert found.l1 <= found.squared_l2
    assert found.l1 <= math.sqrt(d) * math.sqrt(found.squared_l2)
    assert finer.squared_l2 > found.squared_l2 > levels**2
    assert finer.l1 > found.l1


@given(LEVELS, DIMENSIONS)
def test_replacing_a_unit_is_moving_one_of_twice_the_norm(levels: int, d: int) -> None:
    assert rounded_sensitivity(levels, d, Relation.REPLACE_ONE) == rounded_sensitivity(
        2 * levels, d
    )


def test_roundings_of_a_worst_vector_stay_below_the_bound() -> None:
    generator = np.random.default_rng(7)
    levels, d = 10, 4_000
    vector = np.full(d, levels / math.sqrt(d))
    bound = rounded_sensitivity(levels, d, log_failure=math.log(1e-3)).squared_l2

    drawn = [np.floor(vector + generator.random(d)) for _ in range(1_000)]

    lengths = [float(one @ one) for one in drawn]
    assert max(lengths) <= bound
    assert max(lengths) > levels**2 + d / 8  # it is rounding that makes it long


def test_what_failures_take_is_beta_a_round_and_the_sampler_a_draw() -> None:
    assert delta_of_failures(1, 1, 3) == pytest.approx(3 * 2**-60 + 3 * TOTAL_VARIATION * 2**23)
    assert delta_of_failures(1_000, 1 << 20, 1_000) < 1e-13
    assert conversion_delta(1e-5, 1_000, 1 << 20, 1_000) == pytest.approx(1e-5, rel=1e-8)
    assert conversion_delta(1e-5, 1_000, 1 << 20, 1_000) < 1e-5


def test_a_law_that_is_off_on_both_of_two_neighbours_costs_more_at_a_larger_epsilon() -> None:
    """(P', Q') within tau of (P, Q): P' <= e^epsilon * Q' + delta + (1 + e^epsilon) * tau."""
    tau = 10 * 1_000 * 50 * TOTAL_VARIATION
    for epsilon in (0.0, 1.0, 8.0, 15.9):
        assert failures_at(epsilon, 10, 1_000, 50) == pytest.approx(
            50 * 2**-60 + (1 + math.exp(epsilon)) * tau, rel=1e-12
        )
        assert failures_at(epsilon, 10, 1_000, 50) <= delta_of_failures(10, 1_000, 50)
    assert failures_at(17.0, 10, 1_000, 50) > delta_of_failures(10, 1_000, 50)
    assert failures_at(1e9, 10, 1_000, 50) > 1  # and no overflow


@pytest.mark.parametrize("delta", [0.0, -1e-5, 1.0, 2.0, 2**-60, math.nan])
def test_a_delta_that_cannot_be_promised_is_refused(delta: float) -> None:
    with pytest.raises(Refused) as caught:
        conversion_delta(delta, 10, 1_000, 1)
    assert caught.value.rule == "privacy-delta"
