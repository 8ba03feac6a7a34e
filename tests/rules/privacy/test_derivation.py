"""Plans that are derived: they keep their aim, lose at most 1 %, and fit to the last integer."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.errors import Refused
from blindsum_rules.codec.parameters import MAX_LEVELS
from blindsum_rules.privacy.accountant import best_order
from blindsum_rules.privacy.curves import GaussianCurve
from blindsum_rules.privacy.derivation import (
    INFLATION,
    MAX_FILLED_VARIANCE,
    fallback_levels,
    plan_for_epsilon,
    plan_for_noise,
)
from blindsum_rules.privacy.effective_noise import Cohort, evenly
from blindsum_rules.privacy.guarantee import Relation, Unit
from blindsum_rules.privacy.noise import MAX_VARIANCE, Mechanism, NoiseLaw
from blindsum_rules.privacy.plan import Plan
from blindsum_rules.privacy.setting import Setting

HOSPITALS = Setting(
    cohort=evenly(4, 4, 3), dimension=25, rounds=20, delta=1e-5, units_per_client=303
)
DEVICES = Setting(
    cohort=evenly(1_000, 1_000, 501),
    dimension=1_000_000,
    rounds=20,
    delta=1e-5,
    unit=Unit.CLIENT,
)

# What a plan may be refused for, when the numbers are drawn without looking.
HONEST_REFUSALS = {
    "noise-variance",  # more noise than the sampler draws at any L
    "privacy-share",  # too little, or too few shares, for discrete Gaussians
    "privacy-epsilon",
    "capacity",  # of a coefficient
    "masking-cohort",
}


@st.composite
def some_settings(draw: st.DrawFn) -> Setting:
    clients = draw(st.integers(2, 3_000))
    organisations = draw(st.integers(2, clients))
    min_cohort = draw(st.integers(-(-clients // organisations) + 1, clients))
    unit = draw(st.sampled_from(Unit))
    cohort = evenly(clients, organisations, min_cohort, draw(st.integers(1, organisations)))
    return Setting(
        cohort=cohort,
        dimension=draw(st.integers(1, 1 << 24)),
        rounds=draw(st.integers(1, 2_000)),
        delta=1e-5 / draw(st.integers(1, 1_000)),
        unit=unit,
        units_per_client=1 if unit is Unit.CLIENT else draw(st.integers(1, 100_000)),
        mechanism=draw(st.sampled_from(Mechanism)),
        relation=draw(st.sampled_from(Relation)),
        allow_few_clients=True,
    )


def plan_or_none(make: Callable[[], Plan]) -> Plan | None:
    try:
        return make()
    except Refused as refused:
        if refused.rule in HONEST_REFUSALS:
            return None
        raise


def check_fits(plan: Plan) -> None:
    """The worst case and the tail fit; one bit fewer, or twice the clients' worst, does not."""
    held = (1 << (plan.field_bits - 1)) - 1
    need = plan.worst_sum + plan.noise_tail
    assert need <= held
    clients = plan.setting.cohort.clients
    units_more = (held - need) // (clients * plan.levels) + 1
    for beyond in (
        {"field_bits": plan.field_bits - 1},
        {
            "setting": replace(
                plan.setting,
                unit=Unit.RECORD,
                units_per_client=plan.setting.units_per_client + units_more,
            )
        },
    ):
        with pytest.raises(Refused) as caught:
            replace(plan, **beyond)
        assert caught.value.rule == "privacy-field"


def inflation(plan: Plan) -> float:
    setting = plan.setting
    moved = 2 if setting.relation is Relation.REPLACE_ONE else 1
    gaussian = GaussianCurve(plan.noise_multiplier / moved)
    _, continuous = best_order(gaussian, setting.rounds, setting.conversion_delta)
    return plan.guarantee.epsilon / continuous


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(some_settings(), st.floats(0.05, 100), st.sampled_from(["ckks", "masking"]))
def test_every_plan_for_an_epsilon_keeps_it_and_fits(
    setting: Setting, epsilon: float, seal: str
) -> None:
    plan = plan_or_none(lambda: plan_for_epsilon(setting, epsilon, seal))
    if plan is None:
        return

    assert plan.guarantee.epsilon <= epsilon
    assert plan.guarantee.epsilon >= epsilon * 0.99 or plan.share.variance < 1_000
    assert inflation(plan) <= INFLATION + 1e-6 or plan.share.variance > 0.9 * MAX_VARIANCE
    check_fits(plan)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(some_settings(), st.floats(0.02, 100), st.sampled_from(["ckks", "masking"]))
def test_every_plan_for_a_noise_multiplier_has_it_and_fits(
    setting: Setting, noise_multiplier: float, seal: str
) -> None:
    plan = plan_or_none(lambda: plan_for_noise(setting, noise_multiplier, seal))
    if plan is None:
        return

    assert plan.noise_multiplier >= noise_multiplier * (1 - 1e-12)
    assert plan.share.variance - 1 <= (noise_multiplier * plan.levels) ** 2 / plan.honest_shares
    assert inflation(plan) <= INFLATION + 1e-6 or plan.share.variance > 0.9 * MAX_VARIANCE
    check_fits(plan)


@pytest.mark.parametrize(
    ("dimension", "z", "levels"),
    [(1_000, 4, 571), (100_000, 4, 1_533), (1_000_000, 4, 4_121), (1_000_000, 1, 4_425)],
)
def test_levels_are_the_fewest_that_cost_one_percent(dimension: int, z: float, levels: int) -> None:
    """Under masking no field has room to fill but its last bit, so the smallest L is at hand."""
    setting = replace(DEVICES, dimension=dimension)
    plan = plan_for_noise(setting, z, "masking")
    fewest = replace(plan, levels=levels, share=_share(plan, z, levels))
    fewer = replace(plan, levels=levels - 1, share=_share(plan, z, levels - 1))

    assert plan.levels >= levels
    assert best_inflation(fewest) <= INFLATION < best_inflation(fewer)


def _share(plan: Plan, z: float, levels: int) -> NoiseLaw:
    variance = math.ceil((z * levels) ** 2 / plan.honest_shares)
    return replace(plan.share, variance=variance)


def best_inflation(plan: Plan) -> float:
    """At the order that is best for it, with the variance before it is rounded up."""
    setting = plan.setting
    _, continuous = best_order(
        GaussianCurve(plan.noise_multiplier), setting.rounds, setting.conversion_delta
    )
    return plan.guarantee_against(1).epsilon / continuous


def test_finer_levels_are_free_under_ckks_and_cost_bits_under_masking() -> None:
    setting = replace(DEVICES, cohort=evenly(100, 100, 51))
    filled, bare = (plan_for_noise(setting, 4, seal) for seal in ("ckks", "masking"))

    parameters = filled.seal_parameters("ckks")
    least = bare.seal_parameters("ckks")
    assert isinstance(parameters, CkksParameters)
    assert isinstance(least, CkksParameters)
    assert filled.levels > bare.levels
    assert filled.guarantee.epsilon < bare.guarantee.epsilon
    assert parameters.fields == least.fields
    assert filled.bytes_a_value("ckks") == bare.bytes_a_value("ckks")
    assert filled.bytes_a_value("masking") > bare.bytes_a_value("masking")


def test_filling_stops_where_the_samplers_table_would_grow_for_nothing() -> None:
    plan = plan_for_epsilon(HOSPITALS, 3.0)

    assert MAX_FILLED_VARIANCE * 0.99 < plan.share.variance <= MAX_FILLED_VARIANCE < MAX_VARIANCE


def test_the_recipe_of_the_demo_needs_the_noise_that_was_measured() -> None:
    found = [plan_for_epsilon(HOSPITALS, epsilon).noise_multiplier for epsilon in (1, 3, 8)]

    # At 1,024 levels 18.2, 6.72, 2.87; finer levels need a little less.
    assert found == pytest.approx([18.2, 6.72, 2.87], rel=0.01)


def test_a_fellow_hospital_sees_a_larger_epsilon_than_is_printed_for_outsiders() -> None:
    everybody = Cohort((1, 1, 1, 1), 4)
    setting = replace(HOSPITALS, cohort=everybody)
    plan = plan_for_epsilon(setting, 3.0)

    outsider = plan.filter().budget.divergence * plan.honest_shares / 4

    assert plan.honest_shares == 3
    assert outsider < plan.filter().budget.divergence
    assert plan.guarantee_against(2).epsilon > 3.0 >= plan.guarantee.epsilon


@pytest.mark.parametrize(
    ("dimension", "levels"), [(1, 2_048), (65_536, 2_048), (65_537, 4_096), (1 << 30, 1 << 18)]
)
def test_fallback_levels(dimension: int, levels: int) -> None:
    assert fallback_levels(dimension) == levels


def test_where_no_level_is_fine_enough_the_plan_falls_back_and_says_its_epsilon() -> None:
    """At 2^18 levels a share of so little noise would still have a variance below 1."""
    plan = plan_for_noise(replace(DEVICES, dimension=1 << 28, rounds=1), 5e-5, "masking")

    assert fallback_levels(1 << 28) <= plan.levels <= MAX_LEVELS
    assert plan.share.variance == 1
    assert plan.guarantee.epsilon > 1e6


@pytest.mark.parametrize("z", [0.0, -1.0, math.nan, math.inf])
def test_noise_that_cannot_be_is_refused(z: float) -> None:
    with pytest.raises(Refused) as caught:
        plan_for_noise(HOSPITALS, z)
    assert caught.value.rule == "privacy-noise-multiplier"


@pytest.mark.parametrize("epsilon", [0.0, -1.0, math.nan, math.inf, 1e-12])
def test_an_epsilon_that_cannot_be_is_refused(epsilon: float) -> None:
    with pytest.raises(Refused) as caught:
        plan_for_epsilon(HOSPITALS, epsilon)
    assert caught.value.rule == "privacy-epsilon"


def test_levels_are_as_fine_as_the_sampler_can_fill_with_noise() -> None:
    setting = replace(HOSPITALS, dimension=1_000_000, rounds=100)
    plan = plan_for_epsilon(setting, 1.0)

    assert 0.99 * MAX_VARIANCE < plan.share.variance <= MAX_VARIANCE
    assert 0.999 < plan.guarantee.epsilon <= 1.0
    assert INFLATION < inflation(plan) < 1.05


def test_more_noise_than_the_sampler_draws_is_refused_by_name() -> None:
    with pytest.raises(Refused) as caught:
        plan_for_noise(replace(DEVICES, cohort=evenly(4, 4, 2), allow_few_clients=True), 1e5)
    assert caught.value.rule == "noise-variance"


@pytest.mark.parametrize(("seal", "rule"), [("paillier", "unknown-seal"), ("masking", None)])
def test_an_unknown_seal_is_refused(seal: str, rule: str | None) -> None:
    if rule is None:
        assert plan_for_epsilon(HOSPITALS, 3.0, seal).levels > 1
        return
    with pytest.raises(Refused) as caught:
        plan_for_epsilon(HOSPITALS, 3.0, seal)
    assert caught.value.rule == rule
