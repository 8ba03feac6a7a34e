"""The aggregator's account of a private study is its custodians': by the same closes (T28)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.private_world import accounts, noisy_integers, private_people
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.spoilers import sealing_as, under_other_seeds, unopened
from tests.adversarial.world import World

from blindsum_aggregator.eras import EraBook
from blindsum_aggregator.spending import Spending
from blindsum_rules.spec import SpecKind
from blindsum_rules.transitions import AggregatorState

pytestmark = pytest.mark.slow


@pytest.fixture
def study(tmp_path: Path) -> Iterator[ServedStudy]:
    """Four hospitals, sums of three or more, a budget of two rounds at their worst."""
    world = World(private_people("ckks", 4, 8, 2, **valid_now()), tmp_path / "world")
    with served(world, tmp_path / "aggregator") as running:
        yield running
    world.close()


def sealed(study: ServedStudy, number: int, clients: tuple[str, ...]) -> list[Sent]:
    spec = study.is_open(number)
    return [
        study.world.seal(spec, client, noisy_integers(study.world.study, spec))
        for client in clients
    ]


def played(study: ServedStudy, number: int) -> None:
    for sent in sealed(study, number, study.world.clients):
        study.send(sent)
    study.carry(number)
    study.close(number)


def settled(study: ServedStudy, spending: Spending | None = None) -> dict[str, int]:
    chosen = spending or study.study.spending
    assert chosen is not None
    return dict(study.study.store.read(chosen.settled))


def as_custodians_have_it(study: ServedStudy) -> dict[str, int]:
    """The one account that all custodians keep."""
    ledgers = [
        {one.payer: one.settled.steps for one in accounts(study.world, name).values()}
        for name in study.world.custodians
    ]
    assert all(ledger == ledgers[0] for ledger in ledgers)
    return ledgers[0]


def everybody_accepts(study: ServedStudy, number: int) -> None:
    study.is_open(number)
    while any(map(study.owed, study.world.custodians)):
        pass


def test_a_round_whose_gate_failed_is_charged_by_everybody(study: ServedStudy) -> None:
    spec = study.is_open(0)
    good = sealed(study, 0, study.world.clients[:3])
    values = noisy_integers(study.world.study, spec)
    with sealing_as(under_other_seeds), unopened():
        garbage = study.world.seal(spec, study.world.clients[3], values)
    for sent in (*good, garbage):
        study.send(sent)
    assert study.carry(0) is AggregatorState.ABORTED
    assert study.row(0).rule == "residual-gate"
    study.close(0)
    everybody_accepts(study, 1)

    charging = study.study.spending.charging  # type: ignore[union-attr]
    price = charging.price(study.world.clients).steps
    assert settled(study) == as_custodians_have_it(study)
    assert settled(study) == dict.fromkeys(charging.payers_of(study.world.clients), price)


def test_a_restarted_aggregator_adds_up_the_same(study: ServedStudy) -> None:
    played(study, 0)
    everybody_accepts(study, 1)

    assert settled(study) == as_custodians_have_it(study)
    assert settled(
        study, Spending(study.world.study, EraBook(study.study.signed_manifest))
    ) == settled(study)


def test_a_round_that_nobody_can_pay_is_not_proposed_but_the_end(study: ServedStudy) -> None:
    played(study, 0)
    played(study, 1)

    assert study.spec(2).body.kind is SpecKind.END
    row = study.row(2)
    assert row.rule == "privacy-budget"
    assert "nats" in row.expected


def test_who_cannot_pay_any_more_is_not_invited(study: ServedStudy) -> None:
    spending = study.study.spending
    assert spending is not None
    played(study, 0)
    everybody_accepts(study, 1)
    for sent in sealed(study, 1, study.world.clients):
        study.send(sent)
    study.carry(1, AggregatorState.PUBLISHED)
    # As if it had taken part in a round without this study's other three.
    spending._settled["organisation-00"] += spending.charging.worst.steps
    for name in study.world.clients[1:]:
        spending._settled[f"organisation-{name[-2:]}"] -= spending.charging.worst.steps
    study.close(1)

    assert study.spec(2).body.cohort == study.world.clients[1:]
