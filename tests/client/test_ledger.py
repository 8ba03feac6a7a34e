"""A client's own ledger: reserved when it seals, settled by certificate or closes, freed by closes.

Threat T28: a round that fails on purpose is charged like any other.
"""

from pathlib import Path

import pytest
from tests.client.people import CLIENTS
from tests.client.private_stage import integers, prices, private_stage, sent_by_others, steps
from tests.client.stage import Stage

from blindsum_crypto.errors import Refused


def test_a_study_without_noise_has_no_budget(stage: Stage, tmp_path: Path) -> None:
    assert stage.client(tmp_path / "state").budget is None


def test_a_round_is_reserved_at_its_worst_and_settled_by_its_certificate(tmp_path: Path) -> None:
    stage = private_stage()
    worst, real = prices(stage).worst.steps, prices(stage).price(CLIENTS).steps
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    assert steps(client) == (0, 0, 0)

    client.contribute(round_, integers())
    client.contribute(round_, integers())
    assert steps(client) == (0, worst, 0)

    stage.publish(sent_by_others())
    client.outcome(round_)
    client.outcome(round_)
    assert steps(client) == (real, 0, 1)
    assert real < worst

    client.close()
    assert steps(stage.client(tmp_path / "state")) == (real, 0, 1)


def test_the_closes_of_the_next_spec_settle_the_same_and_only_once(tmp_path: Path) -> None:
    stage = private_stage()
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    client.contribute(next(rounds), integers())
    stage.publish(sent_by_others())

    stage.open_round()
    following = next(rounds)  # Nobody asked for the outcome.

    real = prices(stage).price(CLIENTS).steps
    assert steps(client) == (real, 0, 1)
    client.contribute(following, integers())
    assert steps(client) == (real, prices(stage).worst.steps, 1)


def test_a_failed_round_is_charged_unless_a_quorum_of_closes_names_no_freeze(
    tmp_path: Path,
) -> None:
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
    stage.close_round(staged.freeze.digest)  # The gate failed: closes, and no certificate.
    stage.open_round()

    client.contribute(next(rounds), integers(1))
    real = prices(stage).price(CLIENTS).steps
    assert steps(client) == (real, prices(stage).worst.steps, 1)

    stage.abort()
    stage.open_round()
    next(rounds)
    assert steps(client) == (real, 0, 1)


def test_one_close_of_three_that_names_the_freeze_is_enough_to_be_charged(tmp_path: Path) -> None:
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
    stage.close_round(b"")
    silent = staged.closes[1:]
    stage.close_round(staged.freeze.digest, count=1)
    staged.closes = (*staged.closes, *silent)
    stage.open_round()

    next(rounds)

    assert steps(client) == (prices(stage).price(CLIENTS).steps, 0, 1)


def test_who_was_left_out_is_not_charged_once_the_round_is_closed(tmp_path: Path) -> None:
    stage = private_stage()
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    round_ = next(rounds)
    client.contribute(round_, integers())
    stage.publish(sent_by_others(), left_out={"cleveland": "late"})

    assert not client.outcome(round_).included
    assert steps(client) == (0, prices(stage).worst.steps, 0)  # Only closes free.
    stage.open_round()
    next(rounds)
    assert steps(client) == (0, 0, 0)


def test_the_client_refuses_before_it_seals_when_the_worst_does_not_fit(tmp_path: Path) -> None:
    stage = private_stage(planned_rounds=1)
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    client.contribute(round_, integers())
    stage.publish(sent_by_others())
    stage.open_round()

    for again in (client, None):
        asked = again or stage.client(tmp_path / "state")
        with pytest.raises(Refused) as caught:
            next(asked.rounds())
        assert caught.value.rule == "privacy-budget"
        assert "'hospital-cleveland'" in caught.value.expected
        assert "nats left" in caught.value.expected
        assert steps(asked) == (prices(stage).price(CLIENTS).steps, 0, 1)
        asked.close()
    assert not stage.rounds[-1].uploads
    assert not list((tmp_path / "state" / "outbox").iterdir())


def test_a_client_that_refused_still_follows_the_study_to_its_end(tmp_path: Path) -> None:
    stage = private_stage(planned_rounds=1)
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), integers())
    stage.publish(sent_by_others())
    stage.open_round()
    with pytest.raises(Refused):
        next(client.rounds())
    stage.publish(sent_by_others())
    stage.end_study()

    assert list(client.rounds()) == []
    assert client.final().keys() == {"weight", "bias"}


def test_a_reservation_counts_against_the_budget_also_in_the_sealing_transaction(
    tmp_path: Path,
) -> None:
    stage = private_stage(planned_rounds=1)
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    # Another process of this client reserved meanwhile.
    with client._memory.engine.begin() as connection:
        client._ledger.reserve(connection, 99)
    with pytest.raises(Refused) as caught:
        client.contribute(round_, integers())
    assert caught.value.rule == "privacy-budget"

    client._contributor.ledger = stage.client(tmp_path / "other")._ledger
    with pytest.raises(Refused) as caught:
        client.contribute(round_, integers())
    assert caught.value.rule == "privacy-budget"
    assert client._outbox.entry(0) is None
