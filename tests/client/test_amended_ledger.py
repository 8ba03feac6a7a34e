"""A client's budget in a private study whose roster and committee change."""

from pathlib import Path

import pytest
from tests.client.amending import Amending
from tests.client.people import CLIENTS
from tests.client.private_stage import integers, private_stage, sent_by_others, steps

from blindsum_client.client import Client
from blindsum_client.ledger import read_account
from blindsum_crypto.errors import Refused
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.privacy.charging import Charging


@pytest.fixture
def amending() -> Amending:
    return Amending(stage=private_stage())


def summed(amending: Amending, client: Client) -> tuple[str, ...]:
    """One round, and who was in its sum."""
    round_ = next(client.rounds())
    client.contribute(round_, integers())
    cohort = round_.spec.body.cohort
    amending.stage.publish(sent_by_others(*[name for name in cohort if name != client.name]))
    assert client.outcome(round_).included
    return cohort


def test_every_round_is_charged_by_the_roster_of_its_own(
    amending: Amending, tmp_path: Path
) -> None:
    amending.open_round()
    client = amending.client(tmp_path / "state")
    first = Charging.of(amending.in_force.body)
    spent = first.price(summed(amending, client)).steps
    guest = amending.newcomer("guest")
    amending.put_in_force(amending.amendment(joined=(guest,), left=("hungary",)))
    amending.open_round()

    cohort = summed(amending, client)

    spent += Charging.of(amending.in_force.body).price(cohort).steps
    assert steps(client) == (spent, 0, 2)


def test_who_joins_has_the_whole_budget_and_reads_that_of_others_in_no_folder(
    amending: Amending, tmp_path: Path
) -> None:
    amending.open_round()
    amending.stage.publish(sent_by_others(*CLIENTS))
    guest = amending.newcomer("guest")
    amendment = amending.amendment(joined=(guest,), left=("hungary",))
    amending.put_in_force(amendment)
    amending.open_round()
    client = amending.client(tmp_path / "state", amending.in_force, name="guest")

    next(client.rounds())

    assert steps(client) == (0, 0, 0)
    assert read_account(tmp_path / "state", amending.in_force) == client.budget
    with pytest.raises(Refused) as caught:
        read_account(tmp_path / "state", AmendedManifest(amending.original))
    assert caught.value.rule == "not-enrolled"


def test_who_left_is_still_charged_for_its_last_round(amending: Amending, tmp_path: Path) -> None:
    """The closes of the round come with the spec that puts the leaving in force."""
    amending.open_round()
    client = amending.client(tmp_path / "state")
    round_ = next(client.rounds())
    client.contribute(round_, integers())
    amending.stage.publish(sent_by_others())
    guest = amending.newcomer("guest")
    amending.put_in_force(amending.amendment(joined=(guest,), left=("cleveland",)))
    amending.open_round()

    with pytest.raises(Refused) as caught:
        next(client.rounds())

    assert caught.value.rule == "not-enrolled"
    price = Charging.of(amending.original.body).price(CLIENTS).steps
    assert steps(client) == (price, 0, 1)
    client.close()
    again = amending.client(tmp_path / "state", amending.in_force)
    assert steps(again) == (price, 0, 1)
    assert read_account(tmp_path / "state", amending.in_force).settled.steps == price
