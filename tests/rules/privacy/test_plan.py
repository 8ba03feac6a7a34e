"""A plan as a value: checked whenever it is built, and every figure that follows from it."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.accountant import ORDERS, best_order, epsilons
from blindsum_rules.privacy.curves import SkellamCurve
from blindsum_rules.privacy.derivation import plan_for_epsilon, plan_for_noise
from blindsum_rules.privacy.effective_noise import Cohort, evenly, honest_shares_in
from blindsum_rules.privacy.guarantee import Guarantee, Relation, Unit
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw, draw_noise
from blindsum_rules.privacy.plan import Plan
from blindsum_rules.privacy.sensitivity import rounded_sensitivity
from blindsum_rules.privacy.setting import Setting

HOSPITALS = Setting(
    cohort=evenly(4, 4, 3), dimension=25, rounds=20, delta=1e-5, units_per_client=303
)
PLAN = plan_for_epsilon(HOSPITALS, 3.0)
GAUSSIANS = replace(
    HOSPITALS, mechanism=Mechanism.DISCRETE_GAUSSIAN, cohort=evenly(10, 10, 8), rounds=5
)


def refusal(make: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as caught:
        make()
    return caught.value.rule


def test_the_promise_carries_unit_relation_and_colluders() -> None:
    found = PLAN.guarantee

    assert found == Guarantee(found.epsilon, 1e-5, Unit.RECORD, Relation.ZERO_OUT, 1)
    assert 2.999 < found.epsilon <= 3.0
    assert str(found) == (
        "epsilon 3 at delta 1e-05, zero-out of one record, against 1 colluding organisation(s)"
    )


def test_the_promise_is_the_formula_at_the_noise_that_colluders_do_not_know() -> None:
    curve = SkellamCurve(rounded_sensitivity(PLAN.levels, 25), 2.0 * PLAN.share.variance)
    by_hand = epsilons(ORDERS, 20 * curve.divergence(ORDERS), HOSPITALS.conversion_delta)

    assert PLAN.guarantee.epsilon == pytest.approx(float(by_hand.min()), abs=1e-9)
    assert PLAN.order == int(ORDERS[np.argmin(by_hand)])
    assert PLAN.noise_multiplier == math.sqrt(2 * PLAN.share.variance) / PLAN.levels


def test_a_ledger_of_the_plan_takes_its_rounds_and_no_more() -> None:
    ledger = PLAN.filter()
    assert ledger.spent_epsilon == 0.0
    for _ in range(HOSPITALS.rounds):
        ledger = ledger.charge(PLAN.round_charge())

    assert ledger.spent_epsilon == PLAN.guarantee.epsilon
    assert refusal(lambda: ledger.charge(PLAN.round_charge())) == "privacy-budget"


def test_a_sum_with_more_honest_shares_is_charged_less_and_leaves_room() -> None:
    reserved, settled = PLAN.round_charge(), PLAN.round_charge(3)

    ledger = PLAN.filter().charge(reserved).free(reserved).charge(settled)

    assert settled.order == reserved.order == PLAN.order
    assert settled.steps < reserved.steps == PLAN.round_charge(2).steps
    assert settled.divergence == pytest.approx(reserved.divergence * 2 / 3, rel=1e-4)
    assert ledger.left.steps > (HOSPITALS.rounds - 1) * reserved.steps


@pytest.mark.parametrize("shares", [0, -1])
def test_a_sum_without_honest_shares_is_never_charged_as_if_it_had_some(shares: int) -> None:
    assert refusal(lambda: PLAN.round_charge(shares)) == "privacy-share"


def test_epsilon_grows_with_rounds_and_with_colluders() -> None:
    over_rounds = [PLAN.guarantee_after(count).epsilon for count in range(21)]
    against = [PLAN.guarantee_against(count) for count in (1, 2)]

    assert over_rounds[0] == 0.0
    assert over_rounds == sorted(set(over_rounds))
    assert against[0].epsilon == pytest.approx(PLAN.guarantee.epsilon, abs=1e-9)
    assert against[1].epsilon > against[0].epsilon
    assert [one.colluders for one in against] == [1, 2]
    assert refusal(lambda: PLAN.guarantee_against(3)) == "privacy-no-honest-noise"
    assert refusal(lambda: PLAN.guarantee_against(0)) == "privacy-colluders"


UNEVEN = replace(
    HOSPITALS, cohort=Cohort((5, 5, 1, 1), 6, 3), rounds=10, most_rounds=200, units_per_client=10
)
EVEN = replace(UNEVEN, cohort=evenly(8, 8, 5, 3))


@pytest.mark.parametrize("setting", [UNEVEN, EVEN, replace(EVEN, colluders=2)])
@pytest.mark.parametrize("against", [1, 2])
def test_no_rounds_that_ledgers_allow_cost_more_than_is_promised_against_others(
    setting: Setting, against: int
) -> None:
    """Cheap rounds in the ledgers, which count c organisations, may be dear before others."""
    plan = plan_for_epsilon(setting, 3.0)
    promised = plan.guarantee_against(against).epsilon

    # Each client of an organisation counts alike, so a sum is how many of each there are.
    for members in product(*(range(most + 1) for most in setting.cohort.clients_by_organisation)):
        if sum(members) < setting.cohort.min_cohort or sum(map(bool, members)) < 3:
            continue
        counted = plan.round_charge(honest_shares_in(members, setting.colluders))
        rounds = min(setting.most_rounds, plan.budget.steps // counted.steps)
        curve = plan.curve(honest_shares_in(members, against))
        _, epsilon = best_order(curve, rounds, setting.conversion_delta)
        assert epsilon <= promised + 1e-9


def test_rounds_beyond_the_planned_ones_are_told_against_others_than_the_ledgers_count() -> None:
    exact = replace(UNEVEN, most_rounds=UNEVEN.rounds)
    planned = plan_for_epsilon(exact, 3.0).guarantee_against(2).epsilon

    assert plan_for_epsilon(UNEVEN, 3.0).guarantee_against(2).epsilon > 1.5 * planned


def test_a_promise_against_more_organisations_holds_against_fewer() -> None:
    plan = plan_for_epsilon(replace(EVEN, colluders=2), 3.0)

    assert plan.guarantee_against(1).epsilon <= plan.guarantee.epsilon <= 3.0


def test_next_to_no_noise_promises_nothing_and_no_chance_above_one() -> None:
    bare = Plan(HOSPITALS, 1 << 18, NoiseLaw(Mechanism.SKELLAM, 1), 40, 2)

    assert bare.guarantee.epsilon > 1e9
    assert bare.guarantee.delta == bare.guarantee_against(2).delta == 1.0


def test_exchanging_a_unit_costs_more_than_removing_it() -> None:
    exchanged = replace(PLAN, setting=replace(HOSPITALS, relation=Relation.REPLACE_ONE))

    assert exchanged.guarantee.relation is Relation.REPLACE_ONE
    assert exchanged.guarantee_against(1).epsilon > 1.9 * PLAN.guarantee.epsilon


def test_the_field_holds_all_clients_worst_case_and_the_tail() -> None:
    held = (1 << (PLAN.field_bits - 1)) - 1

    assert PLAN.worst_sum == 4 * (303 * PLAN.levels + 1)
    assert PLAN.worst_sum + PLAN.noise_tail <= held
    assert refusal(lambda: replace(PLAN, field_bits=PLAN.field_bits - 1)) == "privacy-field"


def test_one_level_beyond_the_field_is_refused() -> None:
    plan = plan_for_noise(
        replace(HOSPITALS, unit=Unit.CLIENT, units_per_client=1, allow_few_clients=True), 0.3
    )
    room = (1 << (plan.field_bits - 1)) - 1 - plan.worst_sum - plan.noise_tail
    more = room // 4

    assert replace(plan, levels=plan.levels + more).worst_sum > plan.worst_sum
    assert refusal(lambda: replace(plan, levels=plan.levels + more + 1)) == "privacy-field"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"levels": 0}, "privacy-levels"),
        ({"levels": (1 << 18) + 1, "field_bits": 60}, "privacy-levels"),
        ({"order": 1}, "privacy-order"),
        ({"share": NoiseLaw(Mechanism.DISCRETE_GAUSSIAN, 100)}, "privacy-share"),
        ({"levels": 2 * PLAN.levels}, "privacy-field"),
    ],
)
def test_a_plan_that_cannot_hold_is_refused(changes: dict[str, Any], rule: str) -> None:
    assert refusal(lambda: replace(PLAN, **changes)) == rule


def test_discrete_gaussians_are_refused_where_their_sum_is_not_nearly_one() -> None:
    plan = plan_for_epsilon(GAUSSIANS, 3.0)
    coarse = NoiseLaw(Mechanism.DISCRETE_GAUSSIAN, 3)
    alone = replace(GAUSSIANS, cohort=evenly(10, 10, 2))

    assert refusal(lambda: replace(plan, share=coarse)) == "privacy-share"
    assert refusal(lambda: replace(plan, setting=alone)) == "privacy-share"
    assert plan_for_epsilon(replace(alone, mechanism=Mechanism.SKELLAM), 3.0).honest_shares == 1


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"dimension": 0}, "privacy-dimension"),
        ({"dimension": (1 << 28) + 1}, "privacy-dimension"),
        ({"rounds": 0}, "privacy-rounds"),
        ({"rounds": (1 << 20) + 1}, "privacy-rounds"),
        ({"delta": 0.0}, "privacy-delta"),
        ({"delta": 1.0}, "privacy-delta"),
        ({"colluders": 0}, "privacy-colluders"),
        ({"colluders": 3}, "privacy-no-honest-noise"),
        ({"units_per_client": 0}, "privacy-units"),
        ({"units_per_client": (1 << 30) + 1}, "privacy-units"),
        ({"unit": Unit.CLIENT, "units_per_client": 1}, "privacy-client-unit"),
        ({"unit": Unit.CLIENT, "allow_few_clients": True}, "privacy-units"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(changes: dict[str, Any], rule: str) -> None:
    assert refusal(lambda: replace(HOSPITALS, **changes)) == rule


@pytest.mark.parametrize("clients", [99, 100])
def test_the_unit_client_begins_at_a_hundred_clients(clients: int) -> None:
    def setting(*, allow_few_clients: bool = False) -> Setting:
        return Setting(
            cohort=evenly(clients, clients, 50),
            dimension=10,
            rounds=1,
            delta=1e-5,
            unit=Unit.CLIENT,
            allow_few_clients=allow_few_clients,
        )

    assert setting(allow_few_clients=True).honest_shares == 49
    if clients < 100:
        assert refusal(setting) == "privacy-client-unit"
    else:
        assert setting().honest_shares == 49


def test_bytes_are_those_of_the_seals_own_payloads() -> None:
    assert PLAN.bytes_a_value("ckks") == 2 * 30_720 / 25
    zeros = -(-128 // PLAN.field_bits)
    assert PLAN.bytes_a_value("masking") == -(-(25 + zeros) * PLAN.field_bits // 8) / 25
    assert refusal(lambda: PLAN.bytes_a_value("paillier")) == "unknown-seal"


def test_noise_of_the_mean_is_what_drawn_shares_and_roundings_show() -> None:
    plan = plan_for_noise(replace(HOSPITALS, units_per_client=1), 0.01)
    generator = np.random.default_rng(3)
    count = 40_000
    total = np.zeros(count)
    for client in range(4):
        noise = draw_noise(plan.share, count, bytes([client]) * 32)
        total += noise + np.floor(0.5 + generator.random(count))

    measured = float((total / (plan.levels * 920)).std())

    assert measured == pytest.approx(plan.noise_of_mean(4, 920), rel=0.02)


def test_no_plan_holds_less_noise_than_it_says() -> None:
    assert isinstance(PLAN, Plan)
    assert PLAN.curve(1).divergence(ORDERS)[0] > PLAN.curve(2).divergence(ORDERS)[0]
