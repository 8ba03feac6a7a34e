"""The way of a client through a whole study."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.client.people import initial_arrays, peers, vector
from tests.client.stage import Stage
from tests.client.uploads import StagedRound

from blindsum_client.client import Client
from blindsum_client.round import Round
from blindsum_crypto.errors import Refused, Rejected, Unavailable


def test_a_client_follows_a_study_to_its_end(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    seen = []

    for round_ in client.rounds():
        seen.append((round_.number, round_.model_version, round_.model["weight"].copy()))
        client.contribute(round_, vector(round_.number))
        stage.publish(peers())
        outcome = client.outcome(round_)
        assert outcome.published
        assert outcome.included
        if round_.number < 2:
            stage.open_round()
        else:
            stage.end_study()

    assert [(number, version) for number, version, _ in seen] == [(0, 0), (1, 1), (2, 2)]
    assert np.array_equal(seen[0][2], initial_arrays()["weight"])
    assert not np.array_equal(seen[1][2], seen[0][2])
    final = client.final()
    assert np.array_equal(final["weight"].ravel(), stage.model[:6])
    assert np.array_equal(final["bias"], stage.model[6:])


def refusal(client: Client) -> str:
    """The rule by which the client refuses what is announced now."""
    with pytest.raises((Refused, Rejected)) as caught:
        next(client.rounds())
    return caught.value.rule


def test_an_aborted_round_repeats_version_and_model(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    first = next(rounds)
    stage.abort()
    stage.open_round()

    second = next(rounds)

    assert (second.number, second.model_version) == (1, 0)
    assert (second.model["weight"] == first.model["weight"]).all()


def test_a_round_that_does_not_invite_the_client_is_followed_and_not_given_to_its_trainer(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round(cohort=("hungary", "switzerland", "va-long-beach"))
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()

    def go_on(after: int) -> StagedRound | None:
        if after == 0:
            stage.publish(peers())
            stage.open_round()
        return stage.rounds[-1]

    stage.calls.announced = go_on

    round_ = next(rounds)

    assert (round_.number, round_.model_version) == (1, 1)


def test_a_round_past_its_deadline_is_followed_and_not_given_to_the_trainer(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    stage.now += stage.manifest.body.schedule.contribute_seconds + 301

    assert refusal(client) == "nothing-staged"
    assert client._follower.round_number == 0


def test_a_round_within_the_clocks_skew_of_its_deadline_is_given_to_the_trainer(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    stage.now += stage.manifest.body.schedule.contribute_seconds + 299

    assert next(stage.client(tmp_path / "state").rounds()).number == 0


def test_a_deadline_further_away_than_the_schedule_allows_is_refused(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    stage.now -= 361

    assert refusal(client) == "spec-deadline"


def test_a_client_that_stopped_while_it_trained_is_shown_its_round_again(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    first = next(client.rounds())
    client.close()

    again = next(stage.client(tmp_path / "state").rounds())

    assert again.round_id == first.round_id
    assert (again.model["weight"] == first.model["weight"]).all()


def test_a_client_that_contributed_is_not_shown_its_round_again(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), vector(1))
    client.close()

    assert refusal(stage.client(tmp_path / "state")) == "nothing-staged"


def test_a_study_that_ended_has_no_further_rounds_also_after_a_restart(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    next(rounds)
    stage.abort()
    stage.end_study()

    assert list(rounds) == []
    client.close()
    again = stage.client(tmp_path / "state")
    made = len(stage.calls.made)
    assert list(again.rounds()) == []
    assert len(stage.calls.made) == made
    assert set(again.final()) == {"weight", "bias"}


def test_there_is_no_final_model_before_the_end(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())

    with pytest.raises(Refused) as caught:
        client.final()
    assert caught.value.rule == "study-not-ended"


def test_a_closed_client_waits_no_longer(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    next(rounds)

    client.close()

    assert list(rounds) == []


def test_closing_from_another_thread_ends_a_wait_for_the_next_round(
    stage: Stage, tmp_path: Path
) -> None:
    client = stage.client(tmp_path / "state")
    original = stage.calls._begin
    failing = threading.Event()

    def begin(method: str) -> None:
        original(method)
        failing.set()
        raise Unavailable("aggregator-unreachable", "cut")

    stage.calls._begin = begin  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(list, client.rounds())
        assert failing.wait(10)
        client.close()

        assert waiting.result(10) == []


def test_rounds_and_positions_show_no_value_of_a_model(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")

    round_: Round = next(client.rounds())

    assert repr(round_) == "Round(number=0, model_version=0)"
    assert repr(client._follower.position) == "Position(round_number=0, model_version=0)"


def test_the_network_may_fail_at_every_step_of_following(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    stage.publish({**peers(), "cleveland": vector(1)})
    stage.open_round()
    for method in ("NextRound", "FetchSigned", "FetchBlob"):
        stage.calls.fail(method, *[Unavailable("aggregator-unreachable", "cut")] * 2)

    round_ = next(stage.client(tmp_path / "state").rounds())

    assert round_.model_version == 1
