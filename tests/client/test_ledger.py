"""A client's own ledger: reserved when it seals, settled by certificate or closes, freed by closes.

Threat T28: a round that fails on purpose is charged like any other.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tests.client.people import CLIENTS, LAYOUT
from tests.client.stage import Stage
from tests.rules.privacy.private_study import privately

from blindsum_client.client import Client
from blindsum_client.ledger import read_account
from blindsum_crypto.errors import Refused, Rejected, Unavailable
from blindsum_rules.privacy.charging import Charging
from blindsum_rules.privacy.guarantee import Unit

OTHERS = CLIENTS[1:]


@pytest.fixture
def private_stage() -> Callable[..., Stage]:
    """A stage of a private study whose budget pays so many rounds at their worst."""

    def make(
        planned_rounds: int = 4, houses: Mapping[str, str] | None = None, **wish: object
    ) -> Stage:
        stage = Stage()
        study = stage.manifest.body
        clients = tuple(
            replace(client, organisation=(houses or {}).get(client.name, client.organisation))
            for client in study.clients
        )
        study = privately(
            replace(study, clients=clients), max_rounds=8, planned_rounds=planned_rounds, **wish
        )
        stage.manifest = stage.people.sign(study, "operator")
        return stage

    return make


def integers(seed: int = 0) -> npt.NDArray[np.int64]:
    """What a client of the study could send."""
    return np.arange(LAYOUT.size, dtype=np.int64) + seed


def sent_by_others(*names: str) -> dict[str, npt.NDArray[np.int64]]:
    return {name: integers(seed) for seed, name in enumerate(names or OTHERS)}


def steps(client: Client) -> tuple[int, int, int]:
    """Settled, reserved and how many rounds are settled."""
    account = client.budget
    assert account is not None
    return account.settled.steps, account.reserved.steps, account.rounds


def prices(stage: Stage) -> Charging:
    return Charging.of(stage.manifest.body)


def test_a_study_without_noise_has_no_budget(stage: Stage, tmp_path: Path) -> None:
    assert stage.client(tmp_path / "state").budget is None


def test_a_round_is_reserved_at_its_worst_and_settled_by_its_certificate(
    private_stage: Callable[..., Stage], tmp_path: Path
) -> None:
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


def test_the_closes_of_the_next_spec_settle_the_same_and_only_once(
    private_stage: Callable[..., Stage], tmp_path: Path
) -> None:
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
    private_stage: Callable[..., Stage], tmp_path: Path
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


def test_one_close_of_three_that_names_the_freeze_is_enough_to_be_charged(
    private_stage: Callable[..., Stage], tmp_path: Path
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
    stage.close_round(b"")
    silent = staged.closes[1:]
    stage.close_round(staged.freeze.digest, count=1)
    staged.closes = (*staged.closes, *silent)
    stage.open_round()

    next(rounds)

    assert steps(client) == (prices(stage).price(CLIENTS).steps, 0, 1)


def test_who_was_left_out_is_not_charged_once_the_round_is_closed(
    private_stage: Callable[..., Stage], tmp_path: Path
) -> None:
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


def test_the_client_refuses_before_it_seals_when_the_worst_does_not_fit(
    private_stage: Callable[..., Stage], tmp_path: Path
) -> None:
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


def test_a_client_that_refused_still_follows_the_study_to_its_end(
    private_stage: Callable[..., Stage], tmp_path: Path
) -> None:
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
    private_stage: Callable[..., Stage], tmp_path: Path
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


def test_what_siblings_alone_took_part_in_is_charged_to_the_organisation(
    private_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = private_stage(houses={"hungary": "hospital-cleveland"})
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    next(rounds)
    stage.publish(sent_by_others())
    stage.open_round()
    next(rounds)

    assert steps(client) == (prices(stage).price(OTHERS).steps, 0, 1)


def test_in_the_unit_client_siblings_are_not_charged(
    private_stage: Callable[..., Stage], tmp_path: Path
) -> None:
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


def test_who_was_away_or_lost_its_folder_charges_every_round_as_it_follows(
    private_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = private_stage(planned_rounds=8)
    for _ in range(3):
        stage.open_round()
        stage.publish(sent_by_others("cleveland", *OTHERS))
    stage.open_round()

    client = stage.client(tmp_path / "state")
    next(client.rounds())

    assert steps(client) == (3 * prices(stage).price(CLIENTS).steps, 0, 3)


def test_a_freeze_that_cannot_be_fetched_moves_nothing_and_is_asked_for_again(
    private_stage: Callable[..., Stage], tmp_path: Path
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


def test_a_false_freeze_behind_the_closes_stops_the_client_where_it_stood(
    private_stage: Callable[..., Stage], tmp_path: Path
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


def test_the_account_is_read_from_the_folder_while_the_client_runs(
    private_stage: Callable[..., Stage], tmp_path: Path
) -> None:
    stage = private_stage()
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), integers())

    study, digest = stage.manifest.body, stage.manifest.digest
    assert read_account(tmp_path / "state", study, digest) == client.budget

    for folder, manifest_digest, rule in (
        (tmp_path / "nowhere", digest, "state-folder"),
        (tmp_path / "state", bytes(32), "pinned-manifest"),
    ):
        with pytest.raises(Refused) as caught:
            read_account(folder, study, manifest_digest)
        assert caught.value.rule == rule
    assert not (tmp_path / "nowhere").exists()
