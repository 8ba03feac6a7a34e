"""Nine books of one budget: they agree to the last step, and each refuses what it cannot pay."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.places import custodian_of
from blindsum_cli.demo.private.ledgers import Ledgers, read_ledgers
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.charging import Charging

MakeLedgers = Callable[[int], Ledgers]


def lagging(ledgers: Ledgers, custodian: str) -> Ledgers:
    """One custodian has not heard of the last round."""
    accounts = {
        hospital: replace(
            account,
            settled=replace(
                account.settled,
                steps=account.settled.steps - ledgers.charging.price(HOSPITALS).steps,
            ),
            rounds=account.rounds - 1,
        )
        for hospital, account in ledgers.custodians[custodian].items()
    }
    return replace(ledgers, custodians={**ledgers.custodians, custodian: accounts})


def test_ledgers_of_the_same_rounds_agree(ledgers_after: MakeLedgers) -> None:
    ledgers = ledgers_after(20)

    assert ledgers.agree
    assert ledgers.agreeing == tuple(map(custodian_of, HOSPITALS))


def test_a_custodian_that_lags_a_round_does_not_agree(ledgers_after: MakeLedgers) -> None:
    ledgers = lagging(ledgers_after(20), "custodian-hungary")

    assert not ledgers.agree
    assert "custodian-hungary" not in ledgers.agreeing
    assert len(ledgers.agreeing) == 3


def test_one_step_more_at_one_client_is_no_agreement(ledgers_after: MakeLedgers) -> None:
    ledgers = ledgers_after(20)
    own = ledgers.clients["cleveland"]
    more = replace(own, settled=replace(own.settled, steps=own.settled.steps + 1))

    assert replace(ledgers, clients={**ledgers.clients, "cleveland": more}).agreeing == ()


def test_what_is_still_reserved_is_not_settled(ledgers_after: MakeLedgers) -> None:
    ledgers = ledgers_after(20)
    own = replace(ledgers.clients["cleveland"], reserved=ledgers.charging.worst)

    assert not replace(ledgers, clients={**ledgers.clients, "cleveland": own}).agree


def test_twenty_rounds_of_all_hospitals_leave_nine_more(ledgers_after: MakeLedgers) -> None:
    assert ledgers_after(0).rounds_left == 29
    assert ledgers_after(20).rounds_left == 9
    assert ledgers_after(28).rounds_left == 1
    assert ledgers_after(29).rounds_left == 0
    assert ledgers_after(28).affords
    assert not ledgers_after(29).affords


def test_no_ledger_refuses_a_round_that_is_paid(ledgers_after: MakeLedgers) -> None:
    assert set(ledgers_after(28).refusals(3, 3).values()) == {""}


def test_every_ledger_refuses_the_round_after_the_last(ledgers_after: MakeLedgers) -> None:
    refusals = ledgers_after(29).refusals(3, 3)

    assert set(refusals) == {*HOSPITALS, *map(custodian_of, HOSPITALS)}
    assert set(refusals.values()) == {"privacy-budget"}


def test_ledgers_that_nobody_began_are_refused(setup: DemoSetup) -> None:
    with pytest.raises(Refused) as caught:
        read_ledgers(setup.studies[0])
    assert caught.value.rule == "state-folder"


def test_rounds_of_three_hospitals_cost_what_was_planned(manifest: Manifest) -> None:
    charging = Charging.of(manifest)

    assert charging.price(HOSPITALS[:3]) == charging.worst
    assert charging.worst.times(20) == charging.budget
    assert charging.price(HOSPITALS).steps < charging.worst.steps
