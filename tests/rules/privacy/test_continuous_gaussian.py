"""The exact Gaussian: published figures, and dp-accounting's loss distributions."""

import math

import dp_accounting  # type: ignore[import-untyped]
import pytest
from dp_accounting.pld import privacy_loss_distribution  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from blindsum_rules.privacy.continuous_gaussian import gaussian_epsilon

# epsilon: sigma at delta 1e-5, sigma at delta 1e-6
SIGMAS = {
    0.1: (30.749566, 36.304690),
    0.5: (7.031827, 8.057618),
    1: (3.730632, 4.224679),
    2: (1.993812, 2.230476),
    3: (1.390593, 1.543861),
    5: (0.891868, 0.980049),
    8: (0.600229, 0.652935),
    10: (0.499889, 0.541087),
}

EPSILONS = {
    0.5: 9.997256,
    1: 4.377178,
    2: 1.993091,
    4: 0.926342,
    5: 0.725522,
    10: 0.340669,
}


def classic_sigma(epsilon: float, delta: float) -> float:
    return math.sqrt(2 * math.log(1.25 / delta)) / epsilon


@pytest.mark.parametrize("epsilon", SIGMAS)
def test_published_deviations_give_their_epsilons(epsilon: float) -> None:
    for delta, sigma in zip((1e-5, 1e-6), SIGMAS[epsilon], strict=True):
        assert gaussian_epsilon(sigma, delta) == pytest.approx(epsilon, rel=2e-6)


@pytest.mark.parametrize("sigma", EPSILONS)
def test_published_epsilons(sigma: float) -> None:
    assert gaussian_epsilon(sigma, 1e-5) == pytest.approx(EPSILONS[sigma], abs=6e-7)


@pytest.mark.parametrize(
    ("target", "real"), [(1, 0.751), (5, 4.540), (8, 7.914), (10, 10.394), (20, 25.44), (50, 96.43)]
)
def test_the_classic_formula_breaks_its_claim_above_eight(target: float, real: float) -> None:
    found = gaussian_epsilon(classic_sigma(target, 1e-5), 1e-5)

    assert found == pytest.approx(real, rel=2e-4)
    assert (found > target) == (target > 8.42)


# dp-accounting's loss distributions; the fourth to sixth are rounds at an epsilon of 1 each.
ROUNDS = [
    (5, 50, 1e-5, 6.572970),
    (4, 20, 1e-6, 5.550860),
    (9.832981, 50, 1e-5, 3.0),
    (2.920016, 20, 1e-6, 8.0),
    (classic_sigma(1, 1e-5), 10, 1e-5, 2.6884),
    (classic_sigma(1, 1e-5), 50, 1e-5, 6.825),
    (classic_sigma(1, 1e-5), 100, 1e-5, 10.394),
    *(
        (4 * math.sqrt(1 - lost), 50, 1e-5, epsilon)
        for lost, epsilon in (
            (0, 8.596),
            (0.1, 9.166),
            (0.2, 9.852),
            (0.3, 10.699),
            (0.5, 13.207),
        )
    ),
]


@pytest.mark.parametrize(("z", "rounds", "delta", "epsilon"), ROUNDS)
def test_rounds_are_one_round_with_less_noise(
    z: float, rounds: int, delta: float, epsilon: float
) -> None:
    assert gaussian_epsilon(z / math.sqrt(rounds), delta) == pytest.approx(epsilon, rel=1e-4)


@pytest.mark.parametrize(("z", "rounds", "delta"), [row[:3] for row in ROUNDS])
def test_loss_distributions_find_the_same_within_a_ten_thousandth(
    z: float, rounds: int, delta: float
) -> None:
    composed = privacy_loss_distribution.from_gaussian_mechanism(z).self_compose(rounds)

    assert gaussian_epsilon(z / math.sqrt(rounds), delta) == pytest.approx(
        composed.get_epsilon_for_delta(delta), rel=1e-4
    )


@given(st.floats(0.02, 1_000), st.floats(1e-12, 0.3))
def test_epsilon_is_what_the_analytic_mechanism_says(sigma: float, delta: float) -> None:
    theirs = dp_accounting.get_epsilon_gaussian(sigma, delta)

    assert gaussian_epsilon(sigma, delta) == pytest.approx(theirs, rel=1e-6, abs=1e-9)


def test_hardly_any_noise_overflows_nothing() -> None:
    assert gaussian_epsilon(1e-3, 1e-5) == pytest.approx(5e5, rel=0.02)


def test_noise_that_drowns_everything_needs_no_epsilon() -> None:
    assert gaussian_epsilon(1e9, 1e-5) == 0.0
