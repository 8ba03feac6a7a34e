"""Conversion to (epsilon, delta), held against dp-accounting, and charges that add exactly."""

import math

import dp_accounting  # type: ignore[import-untyped]
import numpy as np
import pytest
from dp_accounting import rdp
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.accountant import (
    CHARGE_BITS,
    ORDERS,
    Charge,
    best_order,
    charge_of,
    charge_within,
    epsilon_of,
    epsilons,
)
from blindsum_rules.privacy.curves import GaussianCurve, SkellamCurve
from blindsum_rules.privacy.sensitivity import rounded_sensitivity

DELTAS = st.floats(1e-12, 0.1)
STEP = 2.0**-CHARGE_BITS

# Best over every order above 1; OpenDP agrees with the third and fourth.
CONCENTRATED = [
    (0.01, 0.54573),
    (0.1, 1.91424),
    (0.125, 2.165716),
    (0.5, 4.728387),
    (1, 7.07720),
    (2, 10.72482),
    (5, 19.04726),
]


@given(st.integers(2, 60_000), st.floats(1e-6, 1e4), DELTAS)
def test_one_order_converts_as_dp_accounting_does(
    order: int, divergence: float, delta: float
) -> None:
    theirs, _ = rdp.compute_epsilon([order], [divergence], delta)

    ours = float(epsilons(np.array([float(order)]), np.array([divergence]), delta)[0])

    # It knows a second bound, of epsilon 0, for divergences near delta^2: ours is never smaller.
    assert ours >= theirs * (1 - 1e-12)
    if delta**2 + math.expm1(-divergence) <= 0:
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@given(st.floats(0.3, 200), st.integers(1, 5_000), st.floats(1e-10, 1e-2))
def test_the_best_order_of_a_skellam_curve_is_the_one_that_dp_accounting_finds(
    z: float, rounds: int, delta: float
) -> None:
    curve = SkellamCurve(rounded_sensitivity(1_000, 10_000), (z * 1_000) ** 2)

    order, epsilon = best_order(curve, rounds, delta)

    theirs, _ = rdp.compute_epsilon(ORDERS, rounds * curve.divergence(ORDERS), delta)
    assert epsilon == pytest.approx(theirs, rel=1e-9)
    assert order in set(ORDERS)


@pytest.mark.parametrize(("rho", "epsilon"), CONCENTRATED)
def test_concentrated_privacy_converts_to_the_published_epsilons(
    rho: float, epsilon: float
) -> None:
    orders = 1 + np.geomspace(1e-2, 1e3, 200_001)

    assert float(epsilons(orders, rho * orders, 1e-5).min()) == pytest.approx(epsilon, abs=6e-6)


@pytest.mark.parametrize(
    ("z", "rounds", "delta", "epsilon"),
    [
        (5, 50, 1e-5, 7.077392),
        (4, 20, 1e-6, 5.926822),
        (10.558565, 50, 1e-5, 3.0),
        (3.082664, 20, 1e-6, 8.0),
    ],
)
def test_rounds_of_a_gaussian_give_the_published_epsilons(
    z: float, rounds: int, delta: float, epsilon: float
) -> None:
    orders = np.array(rdp.RdpAccountant().orders)
    divergences = rounds * GaussianCurve(z).divergence(orders)
    accountant = rdp.RdpAccountant().compose(dp_accounting.GaussianDpEvent(z), rounds)

    ours = float(epsilons(orders, divergences, delta).min())

    # Two rows give z to 7 digits for a round epsilon.
    assert ours == pytest.approx(epsilon, rel=6e-7)
    assert ours == pytest.approx(accountant.get_epsilon(delta), rel=1e-9)


def test_orders_are_integers_that_every_theorem_covers() -> None:
    assert ORDERS[0] == 2
    assert (np.floor(ORDERS) == ORDERS).all()
    assert (np.diff(ORDERS) > 0).all()
    assert set(range(2, 257)) <= set(ORDERS)


@given(st.floats(0.1, 100), st.floats(1.0001, 3), st.integers(1, 1_000), st.floats(1e-10, 1e-2))
def test_epsilon_falls_with_noise_and_grows_with_rounds(
    z: float, factor: float, rounds: int, delta: float
) -> None:
    sensitivity = rounded_sensitivity(1_000, 10_000)
    noisy = SkellamCurve(sensitivity, (z * 1_000) ** 2)
    noisier = SkellamCurve(sensitivity, (z * factor * 1_000) ** 2)

    _, epsilon = best_order(noisy, rounds, delta)

    assert best_order(noisier, rounds, delta)[1] <= epsilon
    assert best_order(noisy, rounds + 1, delta)[1] >= epsilon
    assert best_order(noisy, rounds, delta / 2)[1] >= epsilon


@given(st.integers(2, 1_000), st.floats(0.01, 100))
def test_a_charge_is_never_below_the_divergence_and_less_than_a_step_above(
    order: int, z: float
) -> None:
    divergence = float(GaussianCurve(z).divergence(np.array([float(order)]))[0])

    charge = charge_of(GaussianCurve(z), order)

    assert divergence <= charge.divergence < divergence + STEP * (1 + 1e-6) + 1e-15 * divergence


@given(st.integers(2, 1_000), st.floats(30, 1_000), DELTAS)
def test_what_is_within_an_epsilon_converts_to_no_more(
    order: int, epsilon: float, delta: float
) -> None:
    within = charge_within(order, epsilon, delta)

    assert epsilon_of(within, delta) <= epsilon * (1 + 1e-12)
    assert epsilon_of(Charge(order, within.steps + 2), delta) > epsilon - STEP


def test_nothing_spent_is_no_epsilon() -> None:
    assert epsilon_of(Charge(8, 0), 1e-5) == 0.0
    assert epsilon_of(Charge(8, 1), 1e-5) > 1.0


def test_an_epsilon_below_the_conversion_itself_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        charge_within(2, 10.0, 1e-5)
    assert caught.value.rule == "privacy-epsilon"


@pytest.mark.parametrize(
    ("order", "steps", "rule"), [(1, 5, "privacy-order"), (8, -1, "privacy-charge")]
)
def test_a_charge_that_means_nothing_is_refused(order: int, steps: int, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        Charge(order, steps)
    assert caught.value.rule == rule
