"""A client's own ledger as it follows: what others took part in, and what it was away for."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.client.people import CLIENTS
from tests.client.private_stage import (
    OTHERS,
    integers,
    prices,
    private_stage,
    sent_by_others,
    steps,
)

from blindsum_client.ledger import read_account
from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.privacy.guarantee import Unit


def test_what_siblings_alone_took_part_in_is_charged_to_the_organisation(tmp_path: Path) -> None:
    stage = private_stage(houses={"hungary": "hospital-cleveland"})
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    next(rounds)
    stage.publish(sent_by_others())
    stage.open_round()
    next(rounds)

    assert steps(client) == (prices(stage).price(OTHERS).steps, 0, 1)


def test_in_the_unit_client_siblings_are_not_charged(tmp_path: Path) -> None:
    stage = private_stage(
        houses={"hungary": "hospital-cleveland"},
        unit=Unit.CLIENT,
        units_per_client=1,
        allow_few_clients=True,
    )
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    next(rounds)
    stage.publish(sent_by_others())
    stage.open_round()
    next(rounds)

    assert steps(client) == (0, 0, 0)


def test_who_was_away_or_lost_its_folder_charges_every_round_as_it_follows(tmp_path: Path) -> None:
    stage = private_stage(planned_rounds=8)
    for _ in range(3):
        stage.open_round()
        stage.publish(sent_by_others("cleveland", *OTHERS))
    stage.open_round()

    client = stage.client(tmp_path / "state")
    next(client.rounds())

    assert steps(client) == (3 * prices(stage).price(CLIENTS).steps, 0, 3)


def test_a_freeze_that_cannot_be_fetched_moves_nothing_and_is_asked_for_again(
    tmp_path: Path,
) -> None:
    stage = private_stage()
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    client.contribute(next(rounds), integers())
    stage.publish(sent_by_others())
    stage.open_round()
    stage.calls.fail("FetchSigned", *[Unavailable("aggregator-unreachable", "cut")] * 2)

    assert next(rounds).number == 1

    assert steps(client) == (prices(stage).price(CLIENTS).steps, 0, 1)


def test_a_false_freeze_behind_the_closes_stops_the_client_where_it_stood(tmp_path: Path) -> None:
    stage = private_stage()
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    client.contribute(next(rounds), integers())
    staged = stage.rounds[-1]
    for name, values in sent_by_others().items():
        stage.upload_as(name, values)
    stage.freeze(staged.uploads, {})
    assert staged.freeze is not None
    body = replace(staged.freeze.body, members=staged.freeze.body.members[:2])
    staged.freeze = stage.people.sign(body, "aggregator")
    stage.keep(staged.freeze)
    stage.close_round(staged.freeze.digest)
    stage.open_round()

    with pytest.raises(Rejected) as caught:
        next(client.rounds())

    assert caught.value.rule == "freeze-root"
    assert client.standing.round_number == 0
    assert steps(client) == (0, prices(stage).worst.steps, 0)


def test_the_account_is_read_from_the_folder_while_the_client_runs(tmp_path: Path) -> None:
    stage = private_stage()
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), integers())

    study = AmendedManifest(stage.manifest)
    other = AmendedManifest(stage.people.sign(replace(study.body, permit="another"), "operator"))
    assert read_account(tmp_path / "state", study) == client.budget

    for folder, manifest, rule in (
        (tmp_path / "nowhere", study, "state-folder"),
        (tmp_path / "state", other, "pinned-manifest"),
    ):
        with pytest.raises(Refused) as caught:
            read_account(folder, manifest)
        assert caught.value.rule == rule
    assert not (tmp_path / "nowhere").exists()
