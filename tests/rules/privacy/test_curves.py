"""Renyi curves: figures of two published implementations, and exact divergences in one dimension.

Rows as in Google's `distributed_dp`: orders 2 to 128 and 256, beta = e^(-1/2), C = 1, delta = 1e-5.
"""

import math
from itertools import product

import numpy as np
import pytest
from scipy.special import ive, logsumexp  # type: ignore[import-untyped]

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.accountant import epsilons
from blindsum_rules.privacy.curves import (
    DiscreteGaussianSumCurve,
    GaussianCurve,
    RenyiCurve,
    SkellamCurve,
)
from blindsum_rules.privacy.sensitivity import Sensitivity, rounded_sensitivity

GOOGLES_ORDERS = np.array([*range(2, 129), 256], np.float64)

# clients, dimension, scale, noise multiplier, rounds, Skellam, sum of discrete Gaussians
PUBLISHED = [
    (10, 1_024, 100, 1, 1, 4.846011, 4.845728),
    (10, 65_536, 1_000, 1, 1, 4.796511, 4.796508),
    (10, 1 << 20, 10_000, 1, 1, 4.759545, 4.759545),
    (20, 65_536, 10_000, 4, 20, 5.378557, 5.378557),
    (100, 1 << 20, 10_000, 4, 100, 14.202253, 14.202253),
    (100, 1 << 20, 100, 2, 50, 351.09, 351.07),
    (1_000, 65_536, 50, 1, 1, 16.247279, 16.238892),
    (100, 65_536, 5, 1, 1, 731.36, 636_446.9),
]

# variance, shift, order: exact, bound
ONE_DIMENSION = [
    (10, 1, 2, 0.099654438, 0.1225),
    (100, 1, 8, 0.039945684, 0.040525),
    (1_000, 5, 8, 0.099964925, 0.10010125),
    (10_000, 20, 32, 0.63936740, 0.64006330),
]


def epsilon(curve: RenyiCurve, rounds: int) -> float:
    divergences = rounds * curve.divergence(GOOGLES_ORDERS)
    return float(epsilons(GOOGLES_ORDERS, divergences, 1e-5).min())


def at(curve: RenyiCurve, order: float) -> float:
    return float(curve.divergence(np.array([order]))[0])


def exact_skellam_divergence(variance: int, shift: int, order: int) -> float:
    """1/(a-1) ln sum p(x)^a p(x - shift)^(1-a), over all x that matter."""
    reach = 40 * math.isqrt(variance) + 40 * order
    points = np.arange(-reach, reach + 1)
    with np.errstate(divide="ignore"):
        own = np.log(ive(np.abs(points), variance))
        other = np.log(ive(np.abs(points - shift), variance))
    there = np.isfinite(own) & np.isfinite(other)
    weighted = order * own[there] + (1 - order) * other[there]
    return float(logsumexp(weighted)) / (order - 1)


@pytest.mark.parametrize(("n", "d", "scale", "z", "rounds", "skellam", "gaussians"), PUBLISHED)
def test_both_mechanisms_give_the_published_epsilons(  # noqa: PLR0913, PLR0917
    n: int, d: int, scale: int, z: int, rounds: int, skellam: float, gaussians: float
) -> None:
    sensitivity = rounded_sensitivity(scale, d, log_failure=-0.5)
    variance = float(z * scale) ** 2
    digits = 1e-5 if skellam > 100 else 2e-7

    found = epsilon(SkellamCurve(sensitivity, variance), rounds)
    summed = epsilon(DiscreteGaussianSumCurve(sensitivity, d, n, variance / n), rounds)

    assert found == pytest.approx(skellam, rel=digits)
    assert summed == pytest.approx(gaussians, rel=digits * 3)


def test_the_continuous_gaussian_gives_the_published_epsilon() -> None:
    assert epsilon(GaussianCurve(1.0), 1) == pytest.approx(4.752728, abs=5e-7)
    assert epsilon(GaussianCurve(2.0), 50) == pytest.approx(22.63, abs=5e-3)


@pytest.mark.parametrize(("variance", "shift", "order", "exact", "bound"), ONE_DIMENSION)
def test_the_skellam_bound_beside_the_exact_divergence(
    variance: int, shift: int, order: int, exact: float, bound: float
) -> None:
    curve = SkellamCurve(Sensitivity(shift**2, shift), variance)

    assert exact_skellam_divergence(variance, shift, order) == pytest.approx(exact, rel=1e-7)
    assert at(curve, order) == pytest.approx(bound, rel=1e-7)


@pytest.mark.parametrize(
    ("variance", "shift", "order"), [*product((5, 50, 500, 5_000), (1, 2, 7, 20), (2, 3, 8, 32))]
)
def test_the_skellam_bound_is_never_below_the_exact_divergence(
    variance: int, shift: int, order: int
) -> None:
    curve = SkellamCurve(Sensitivity(shift**2, shift), variance)

    assert at(curve, order) >= exact_skellam_divergence(variance, shift, order) > 0


@pytest.mark.parametrize(("sigma", "shares"), [*product((0.5, 0.7, 1.0, 3.0), (2, 3, 10))])
def test_the_sum_of_discrete_gaussians_is_never_below_its_exact_divergence(
    sigma: float, shares: int
) -> None:
    points = np.arange(-200, 201)
    one = np.exp(-(points**2) / (2 * sigma**2))
    one /= one.sum()
    law = one
    for _ in range(shares - 1):
        law = np.convolve(law, one, mode="same")
    curve = DiscreteGaussianSumCurve(Sensitivity(4, 2), 1, shares, sigma**2)

    for order in (2, 5):
        own, other = law[50:-50], np.roll(law, 2)[50:-50]
        there = (own > 1e-280) & (other > 1e-280)
        weighted = order * np.log(own[there]) + (1 - order) * np.log(other[there])
        exact = float(logsumexp(weighted)) / (order - 1)
        # Convolution in floats knows the far tails to some digits only.
        assert at(curve, order) >= exact * (1 - 1e-9)


def test_many_small_terms_of_tau_are_bounded_and_not_left_out() -> None:
    shares, sigma = 5_000, 0.6
    exact = 10 * sum(math.exp(-2 * math.pi**2 * sigma**2 * k / (k + 1)) for k in range(1, shares))

    curve = DiscreteGaussianSumCurve(Sensitivity(1, 1), 1, shares, sigma**2)

    assert exact <= curve._distance() <= exact * 1.01


def test_a_single_share_is_the_discrete_gaussian_itself() -> None:
    curve = DiscreteGaussianSumCurve(Sensitivity(9, 3), 7, 1, 4.0)

    assert at(curve, 5) == 5 * 9 / 8


@pytest.mark.parametrize("order", [1, 1.5, 2.5, 0, -2, math.nan])
def test_skellam_is_refused_where_its_theorem_says_nothing(order: float) -> None:
    with pytest.raises(Refused) as caught:
        at(SkellamCurve(Sensitivity(1, 1), 10), order)
    assert caught.value.rule == "privacy-order"


@pytest.mark.parametrize(
    "curve", [GaussianCurve(1.0), DiscreteGaussianSumCurve(Sensitivity(1, 1), 1, 2, 4.0)]
)
def test_orders_of_one_and_below_are_refused(curve: RenyiCurve) -> None:
    with pytest.raises(Refused) as caught:
        at(curve, 1.0)
    assert caught.value.rule == "privacy-order"


@pytest.mark.parametrize(("shares", "variance"), [(0, 4.0), (2, 0.2499)])
def test_a_sum_outside_the_proposition_is_refused(shares: int, variance: float) -> None:
    with pytest.raises(Refused) as caught:
        DiscreteGaussianSumCurve(Sensitivity(1, 1), 1, shares, variance)
    assert caught.value.rule == "privacy-share"
