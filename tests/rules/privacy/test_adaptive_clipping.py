"""Adaptive clipping: how the noise is split, and the way of the clip norm."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.adaptive_studies import adaptive_study, first_model, with_adaptive

from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.units import encode_units
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.next_model import next_model
from blindsum_rules.privacy.accountant import charge_of
from blindsum_rules.privacy.adaptive_clipping import (
    clip_norm_of,
    count_steps,
    gradient_noise_multiplier,
    joint_norm,
    next_clip_norm,
)
from blindsum_rules.privacy.continuous_gaussian import gaussian_epsilon
from blindsum_rules.privacy.curves import GaussianCurve
from blindsum_rules.privacy.policy import AdaptiveClipping, PrivacyPolicy
from blindsum_rules.privacy.study_plan import privacy_policy, study_codec, study_plan

# ---- the split of the noise


def test_the_gradients_noise_is_that_of_theorem_1_by_hand() -> None:
    # z = 3, sigma_b = 2.5: 1/9 - 1/25 = 16/225, so z_D = 15/4.
    assert gradient_noise_multiplier(3.0, 2.5) == pytest.approx(3.75, rel=1e-15)


def test_a_count_that_alone_costs_what_z_costs_leaves_the_gradient_nothing() -> None:
    assert gradient_noise_multiplier(3.0, 1.5) == math.inf
    assert gradient_noise_multiplier(3.0, 1.0) == math.inf


@given(st.floats(0.1, 100), st.floats(0.1, 100), st.sampled_from([2, 8, 31]))
def test_gradient_and_count_charged_one_by_one_cost_what_the_joint_vector_costs(
    z: float, ratio: float, order: int
) -> None:
    """The count's sensitivity is 1/2: zero in place of b - 1/2."""
    count_noise = z * (0.51 + ratio)

    apart = GaussianCurve(gradient_noise_multiplier(z, count_noise)), GaussianCurve(2 * count_noise)

    spent = sum(charge_of(curve, order).steps for curve in apart)
    assert spent == pytest.approx(charge_of(GaussianCurve(z), order).steps, rel=1e-9, abs=2)


def test_epsilon_is_that_of_one_vector_of_as_many_coordinates_whose_clip_norm_stays() -> None:
    """Nothing is charged for the count on top: the very plan of an ordinary study."""
    moving, staying = (
        study_plan(adaptive_study()),
        study_plan(adaptive_study(adaptive_clipping=None)),
    )

    assert moving == staying
    assert moving.setting.dimension == 4
    # 60 Gaussians are one of noise z / sqrt(60); the accountant's bound lies a little above it.
    exact = gaussian_epsilon(moving.noise_multiplier / math.sqrt(60), 1e-5)
    assert exact < moving.guarantee.epsilon < 1.1 * exact


def test_the_count_is_w_half_of_the_joint_norm_and_the_clip_norm_is_the_rest() -> None:
    manifest = adaptive_study()
    plan, codec = study_plan(manifest), study_codec(manifest, 0.5)
    z, count_noise = plan.noise_multiplier, 20.0
    on_gradient = gradient_noise_multiplier(z, count_noise)
    weight = on_gradient * 0.5 / count_noise

    joint = math.hypot(0.5, weight / 2)

    assert joint_norm(0.5, plan.levels, codec.count_steps) == pytest.approx(joint, rel=1e-6)
    assert codec.count_steps / codec.grid.longest == pytest.approx(weight / 2 / joint, rel=1e-5)
    assert codec.grid.reach / codec.grid.longest == pytest.approx(0.5 / joint, rel=1e-6)
    assert joint / 0.5 == pytest.approx(on_gradient / z, rel=1e-12)


def test_the_counts_noise_in_units_is_what_the_manifest_says() -> None:
    manifest = adaptive_study()
    plan = study_plan(manifest)
    steps = count_steps(plan, 20.0)
    deviation = math.sqrt(plan.honest_shares * plan.share.variance)  # of the honest shares, levels
    assert deviation * 4096 / (2 * steps) == pytest.approx(20.0, rel=1e-3)


def test_only_the_clip_norm_moves_and_never_a_level_or_a_count_step() -> None:
    manifest = adaptive_study()
    codecs = [study_codec(manifest, clip_norm) for clip_norm in (1e-6, 0.5, 1e6)]
    assert len({(codec.levels, codec.count_steps, codec.share) for codec in codecs}) == 1


# ---- the clip norm's way


def policy(**adaptive: float) -> PrivacyPolicy:
    moving = AdaptiveClipping(**({"count_noise": 20.0} | adaptive))
    return replace(privacy_policy(adaptive_study()), adaptive=moving)


def test_a_count_of_nothing_is_one_half_and_leaves_the_clip_norm_at_that_quantile() -> None:
    assert next_clip_norm(policy(), 0.7, 0, 1000) == 0.7


@pytest.mark.parametrize(
    ("count", "within"), [(-(10**9), 0.0), (-500, 0.25), (250, 0.625), (10**9, 1.0)]
)
def test_the_step_is_the_papers_and_a_fraction_is_held_within_0_and_1(
    count: int, within: float
) -> None:
    # 2K * N = 8192 * 1000 fine steps and 4096 a level: a level is 1/2000 of the units.
    following = next_clip_norm(policy(rate=0.3, quantile=0.4), 2.0, count, 4096)
    assert following == pytest.approx(2.0 * math.exp(-0.3 * (within - 0.4)), rel=1e-15)


def test_the_step_is_rounded_correctly_and_known_to_the_last_bit() -> None:
    """e^0.1 to 30 digits from tables; the rate 0.2 is a float, and its last bits are counted."""
    rate = Fraction(0.2)
    exact = Fraction("1.105170918075647624811707826490") * (1 + (rate / 2 - Fraction(1, 10)))
    assert next_clip_norm(policy(), 1.0, -(10**9), 4096) == float(exact)


@pytest.mark.parametrize(("count", "bound"), [(10**9, 0.5 * 2.0**-20), (-(10**9), 0.5 * 2.0**20)])
@pytest.mark.parametrize("rate", [1.0, 1e300])
def test_the_clip_norm_never_leaves_its_bounds_whatever_the_counts(
    count: int, bound: float, rate: float
) -> None:
    clip_norm = 0.5
    for _ in range(60):
        clip_norm = next_clip_norm(policy(rate=rate), clip_norm, count, 4096)
        assert math.isfinite(clip_norm)
    assert clip_norm == bound


def test_a_clip_norm_that_is_not_adaptive_stays() -> None:
    fixed = replace(policy(), adaptive=None)
    assert next_clip_norm(fixed, 0.25, 12345, 1) == 0.25


@pytest.mark.parametrize("count", [-700, 0, 700])
def test_the_next_model_holds_the_next_clip_norm_and_descales_by_this_rounds(count: int) -> None:
    manifest = replace(adaptive_study(), update_rule="fedsgd", server_learning_rate=2.0)
    codec = study_codec(manifest, 0.25)
    aggregate = np.array([5000, -70, 0, count], np.int64)

    following = next_model(manifest, first_model(0.25), aggregate, bytes(32))

    level = joint_norm(0.25, codec.levels, codec.count_steps) / codec.levels
    wanted = first_model()[:3] - 2.0 * level * aggregate[:3] / 1000
    moved = next_clip_norm(privacy_policy(manifest), 0.25, count, codec.count_steps)
    assert np.allclose(following[:3], wanted, rtol=1e-6)
    assert following[3] == np.float32(moved)
    assert (following[3] > 0.25) == (count < 0)
    assert following.dtype == np.float32


def test_what_spoils_a_round_leaves_the_clip_norm_where_it_was() -> None:
    manifest = replace(adaptive_study(), server_learning_rate=1e38)
    model = first_model()
    spoiled = next_model(manifest, model, np.array([10**12, 0, 0, 900], np.int64), bytes(32))
    assert np.array_equal(spoiled, model)


@pytest.mark.slow
@pytest.mark.parametrize("quantile", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("start", [0.05, 4.0])
def test_the_clip_norm_finds_the_units_quantile_from_both_sides_and_stays_there(
    quantile: float, start: float
) -> None:
    """1,000 units of log-normal norms at four sites, through the codec, with noise, 60 rounds.

    Each count's noise is 2.3 % of all units or less. Averaged over the last 20 rounds, the
    fraction of units within C_t is within 0.02 of the quantile, with these seeds.
    """
    wish = with_adaptive(count_noise=20.0, rate=0.5, quantile=quantile)
    manifest = adaptive_study(clip_norm=start, units_per_client=250, **wish)
    check_manifest(manifest)
    drawn = np.random.default_rng(7)
    units = drawn.standard_normal((1000, 3))
    units *= (np.exp(0.5 * drawn.standard_normal(1000)) / np.linalg.norm(units, axis=1))[:, None]
    norms = np.linalg.norm(units, axis=1)
    randomness = SeededRandomness(b"clip norms")

    model, fractions = first_model(start), []
    for _ in range(60):
        clip_norm = clip_norm_of(manifest, model)
        fractions.append(float((norms <= clip_norm).mean()))
        codec = study_codec(manifest, clip_norm)
        sent = [encode_units([site], codec, randomness)[0] for site in np.split(units, 4)]
        model = next_model(manifest, model, np.sum(sent, axis=0), bytes(32))

    assert abs(fractions[0] - quantile) > 0.15
    assert abs(np.mean(fractions[-20:]) - quantile) < 0.02
    assert abs(float(model[-1]) / np.quantile(norms, quantile) - 1) < 0.1
