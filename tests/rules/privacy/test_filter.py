"""The filter: never past its budget, exact whatever the order of charges, at one order only."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.accountant import Charge, charge_of, epsilon_of
from blindsum_rules.privacy.curves import GaussianCurve
from blindsum_rules.privacy.filter import RenyiFilter

ORDER = 8


def budget(steps: int) -> RenyiFilter:
    return RenyiFilter(Charge(ORDER, steps), 1e-5)


def test_a_budget_of_twenty_rounds_takes_twenty_and_refuses_one_more() -> None:
    one = charge_of(GaussianCurve(3.3), ORDER)
    ledger = RenyiFilter(one.times(20), 1e-5)

    for _ in range(20):
        assert ledger.would_allow(one)
        ledger = ledger.charge(one)

    assert ledger.left == Charge(ORDER, 0)
    assert ledger.spent_epsilon == ledger.budget_epsilon == epsilon_of(one.times(20), 1e-5)
    assert not ledger.would_allow(one)
    with pytest.raises(Refused) as caught:
        ledger.charge(one)
    assert caught.value.rule == "privacy-budget"


def test_one_step_too_much_is_refused_and_spends_nothing() -> None:
    ledger = budget(10).charge(Charge(ORDER, 4))

    with pytest.raises(Refused) as caught:
        ledger.charge(Charge(ORDER, 7))

    assert caught.value.rule == "privacy-budget"
    assert ledger.spent_steps == 4
    assert ledger.charge(Charge(ORDER, 6)).left.steps == 0


@given(st.lists(st.integers(0, 1 << 50), max_size=30), st.integers(0, 1 << 52))
def test_no_sequence_of_charges_passes_the_budget(charges: list[int], most: int) -> None:
    ledger = budget(most)
    for steps in charges:
        charge = Charge(ORDER, steps)
        if ledger.would_allow(charge):
            ledger = ledger.charge(charge)

    assert 0 <= ledger.spent.steps <= most
    assert ledger.spent.steps + ledger.left.steps == most


def test_ledgers_that_charge_in_another_order_agree_to_the_last_digit() -> None:
    charges = [charge_of(GaussianCurve(z), ORDER) for z in (0.7, 1.3, 2.9, 7.1)]
    ends = set()
    for order in permutations(charges):
        ledger = budget(1 << 60)
        for charge in order:
            ledger = ledger.charge(charge)
        ends.add(ledger)

    assert len(ends) == 1


def test_what_is_freed_leaves_no_rest() -> None:
    reserved, settled = (charge_of(GaussianCurve(z), ORDER) for z in (1.1, 1.7))
    ledger = budget(1 << 60)

    after = ledger.charge(reserved).free(reserved).charge(settled)

    assert after == ledger.charge(settled)
    assert after.free(settled) == ledger


def test_freeing_what_was_never_charged_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        budget(10).charge(Charge(ORDER, 3)).free(Charge(ORDER, 4))
    assert caught.value.rule == "privacy-free"


@pytest.mark.parametrize("act", ["would_allow", "charge", "free"])
def test_a_charge_at_another_order_is_refused(act: str) -> None:
    with pytest.raises(Refused) as caught:
        getattr(budget(10), act)(Charge(ORDER + 1, 1))
    assert caught.value.rule == "privacy-order"


@pytest.mark.parametrize(("spent", "rule"), [(-1, "privacy-charge"), (11, "privacy-budget")])
def test_a_stored_ledger_that_cannot_be_is_refused(spent: int, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        RenyiFilter(Charge(ORDER, 10), 1e-5, spent)
    assert caught.value.rule == rule
