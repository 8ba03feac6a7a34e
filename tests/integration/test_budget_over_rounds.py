"""A budget over a whole study: real aggregator, custodians and clients, until nothing is left.

Twenty rounds are planned at the worst that is permitted, three hospitals of which one colludes.
All four take part in every round, so the noise of the fourth makes each round cheaper, and the
budget lasts longer than it was planned for: until a round at its worst no longer fits.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.client_home import ClientHome, move_in
from tests.adversarial.private_world import accounts, private_people
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World

from blindsum_aggregator.status import study_status
from blindsum_client.client import Client
from blindsum_client.round import Round
from blindsum_crypto.errors import Refused
from blindsum_custodian import accept
from blindsum_custodian.accept import AcceptDuty
from blindsum_rules.privacy.account import Account
from blindsum_rules.privacy.charging import Charging
from blindsum_rules.refusal import Refusal
from blindsum_rules.spec import SpecKind
from blindsum_rules.transitions import AggregatorState

pytestmark = pytest.mark.slow

PLANNED = 20
MOST = 40


class Town:
    """Four hospitals at a served study; every one of them takes part in every round."""

    def __init__(self, world: World, folder: Path, stack: ExitStack) -> None:
        self.world = world
        self.served: ServedStudy = stack.enter_context(served(world, folder / "aggregator"))
        self.homes: dict[str, ClientHome] = {
            name: move_in(self.served, name, folder / name) for name in world.clients
        }
        self.clients: dict[str, Client] = {name: home.join() for name, home in self.homes.items()}
        self.rounds: dict[str, Iterator[Round]] = {
            name: client.rounds() for name, client in self.clients.items()
        }
        self.at: dict[str, Round] = {}
        stack.callback(self.close)

    @property
    def charging(self) -> Charging:
        return Charging.of(self.world.study)

    def play(self, number: int) -> None:
        """One round, from its opening to its closes."""
        self.everybody_follows(number)
        size = self.world.study.layout.size
        for name, client in self.clients.items():
            rows = np.random.default_rng(number).normal(size=(3, size)).astype(np.float32)
            round_ = self.at[name] = next(self.rounds[name])
            assert round_.number == number
            integers, _ = client.encode_units(round_, [rows])
            client.contribute(round_, integers)
        self.served.carry(number)
        for name, client in self.clients.items():
            assert client.outcome(self.at[name]).included
        self.served.close(number)

    def everybody_follows(self, number: int) -> None:
        """Let the round open, and every custodian accept it."""
        self.served.is_open(number)
        while any(map(self.served.owed, self.world.custodians)):
            pass

    def own(self, name: str) -> Account:
        account = self.clients[name].budget
        assert account is not None
        return account

    def restart(self, name: str) -> Client:
        """Stop a client, and join again with the same state folder."""
        self.clients[name].close()
        self.clients[name] = self.homes[name].join()
        return self.clients[name]

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


def town(tmp_path: Path, stack: ExitStack, planned_rounds: int) -> Town:
    people = private_people("ckks", 4, MOST, planned_rounds, **valid_now())
    world = World(people, tmp_path / "world")
    stack.callback(world.close)
    return Town(world, tmp_path, stack)


def check_that_all_ledgers_agree(town: Town, rounds: int) -> None:
    """Every client's account is what every custodian has of its organisation, to the step."""
    price = town.charging.price(town.world.clients)
    for name in town.world.clients:
        own = town.own(name)
        assert own.settled.steps == rounds * price.steps
        assert own.rounds == rounds
        assert own.reserved.steps == 0
        for custodian in town.world.custodians:
            assert accounts(town.world, custodian)[own.payer] == own


def refuses(town: Town, custodian: str, number: int) -> bool:
    """Whether a custodian refuses a round by its own ledger."""
    answer = town.world.perform(custodian, AcceptDuty(town.served.spec(number)))[-1]
    return isinstance(answer.body, Refusal) and answer.body.rule == "privacy-budget"


def check_that_it_refuses(client: Client) -> None:
    with pytest.raises(Refused) as caught:
        next(client.rounds())
    assert caught.value.rule == "privacy-budget"


def test_the_budget_lasts_as_long_as_a_round_at_its_worst_fits(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = town(tmp_path, stack, PLANNED)
    charging = here.charging
    price, worst, budget = charging.price(here.world.clients), charging.worst, charging.budget
    lasts = (budget.steps - worst.steps) // price.steps + 1
    assert PLANNED < lasts < MOST

    for number in range(PLANNED):
        here.play(number)
    here.everybody_follows(PLANNED)
    check_that_all_ledgers_agree(here, PLANNED)
    assert here.own("client-00").left.steps == budget.steps - PLANNED * price.steps
    assert here.own("client-00").spent_epsilon < here.own("client-00").budget_epsilon

    for number in range(PLANNED, lasts):
        if number == lasts - 1:
            here.served.study.spending = None  # An aggregator that does not look at budgets.
        here.play(number)
    assert here.own("client-00").left.steps < worst.steps

    for custodian in here.world.custodians:
        assert refuses(here, custodian, lasts)
        here.world.restart(custodian)
        assert refuses(here, custodian, lasts)
    check_that_all_ledgers_agree(here, lasts)

    # Custodians that do not look either: each client refuses by its own ledger, before it seals.
    monkeypatch.setattr(accept, "unpayable", lambda *_: None)
    here.everybody_follows(lasts)
    for name in here.world.clients:
        check_that_it_refuses(here.clients[name])
        check_that_it_refuses(here.restart(name))
    check_that_all_ledgers_agree(here, lasts)
    assert here.served.row(lasts).state is AggregatorState.OPEN


def test_the_aggregator_ends_a_study_that_cannot_pay_another_round_and_says_why(
    tmp_path: Path, stack: ExitStack
) -> None:
    here = town(tmp_path, stack, 2)
    here.play(0)
    here.play(1)

    end = here.served.spec(2)
    here.served.carry(2, AggregatorState.OPEN)

    assert end.body.kind is SpecKind.END
    for name, client in here.clients.items():
        assert list(here.rounds[name]) == []
        assert client.final()
    check_that_all_ledgers_agree(here, 2)
    study = here.served.study
    (*_, last) = study.store.read(lambda connection: study_status(study, connection))
    assert last.refusals[-1].startswith("aggregator: privacy-budget: expected 3 clients")
