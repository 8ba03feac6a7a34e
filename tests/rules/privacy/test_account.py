"""Accounts add integers: exact in any order, and what is freed leaves no rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.account import Account
from blindsum_rules.privacy.accountant import Charge, epsilon_of
from blindsum_rules.privacy.filter import RenyiFilter

BUDGET = Charge(8, 1000)
DELTA = 1e-5


def account(settled: int = 0, reserved: int = 0) -> Account:
    return Account("hospital", BUDGET, DELTA, Charge(8, settled), Charge(8, reserved), 3)


@pytest.mark.parametrize(("settled", "reserved"), [(0, 0), (600, 0), (0, 600), (300, 300)])
def test_what_is_left_pays_to_the_last_step_and_not_one_more(settled: int, reserved: int) -> None:
    kept = account(settled, reserved)

    assert kept.left.steps == 1000 - settled - reserved
    assert kept.affords(kept.left)
    assert not kept.affords(Charge(8, kept.left.steps + 1))


def test_the_refusal_says_who_and_what_is_left_in_nats_and_in_epsilon() -> None:
    kept = Account("hospital", Charge(8, 5 << 40), DELTA, Charge(8, 3 << 40), Charge(8, 1 << 40), 3)

    with pytest.raises(Refused) as caught:
        kept.check_affords(Charge(8, 2 << 40))

    assert caught.value.rule == "privacy-budget"
    spent = epsilon_of(Charge(8, 4 << 40), DELTA)
    for words in ("'hospital'", "2 nats", "got 1:", f"{spent:.4g} of {kept.budget_epsilon:.4g}"):
        assert words in caught.value.expected
    assert "the noise beyond the least" in caught.value.expected


def test_an_account_may_be_overdrawn_and_then_affords_nothing() -> None:
    kept = account(1001)

    assert kept.left.steps == 0
    assert not kept.affords(Charge(8, 0))
    assert kept.spent_epsilon > kept.budget_epsilon


def test_a_charge_at_another_order_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        account().check_affords(Charge(9, 1))
    assert caught.value.rule == "privacy-order"


@given(st.lists(st.integers(0, 1 << 45), max_size=30), st.randoms())
def test_sums_are_exact_in_any_order_and_freeing_returns_exactly(
    steps: list[int], shuffled: object
) -> None:
    whole = RenyiFilter(Charge(8, 1 << 60), DELTA)
    order = sorted(steps, key=lambda _: shuffled.random())  # type: ignore[attr-defined]
    there = back = whole
    for one in steps:
        there = there.charge(Charge(8, one))
    for one in order:
        back = back.charge(Charge(8, one))
    assert there == back

    for one in order:
        back = back.free(Charge(8, one))
    assert back == whole
