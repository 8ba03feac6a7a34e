"""The agent: a whole study by itself, whatever the network, the aggregator or a restart does."""

import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from structlog.testing import capture_logs
from tests.client.people import initial_arrays, peers, vector
from tests.client.stage import Stage

from blindsum_client.agent import Agent
from blindsum_client.outcome import Outcome
from blindsum_client.round import Round
from blindsum_client.update import Update
from blindsum_crypto.errors import Refused, Unavailable

Arrays = dict[str, npt.NDArray[np.float32]]


class SmallTrainer:
    """Adds a half to everything, and remembers which rounds it was asked for."""

    def __init__(self) -> None:
        self.rounds: list[int] = []

    def __call__(self, model: Arrays, round_: Round) -> Update:
        self.rounds.append(round_.number)
        return Update({name: np.full_like(array, 0.5) for name, array in model.items()}, records=9)


class Director:
    """Lets the stage go on by itself: publishes when asked for an outcome, opens the next round."""

    def __init__(self, stage: Stage, rounds: int) -> None:
        self._stage = stage
        self._rounds = rounds
        self._outcome = stage.calls._get_outcome
        stage.calls._get_outcome = self.outcome  # type: ignore[method-assign, assignment]
        stage.open_round()

    def outcome(self, request: object) -> object:
        if self._stage.rounds[-1].collecting:
            self._stage.publish(peers())
            answer = self._outcome(request)  # type: ignore[arg-type]
            self.go_on()
            return answer
        return self._outcome(request)  # type: ignore[arg-type]

    def go_on(self) -> None:
        if len(self._stage.rounds) < self._rounds:
            self._stage.open_round()
        else:
            self._stage.end_study()


def unreachable(count: int) -> list[Unavailable]:
    return [Unavailable("aggregator-unreachable", "the network was cut") for _ in range(count)]


def test_an_agent_works_a_study_through_to_its_final_model(stage: Stage, tmp_path: Path) -> None:
    Director(stage, rounds=3)
    trainer, outcomes = SmallTrainer(), list[Outcome]()

    final = Agent(stage.client(tmp_path / "state"), trainer, outcomes.append).run()

    assert trainer.rounds == [0, 1, 2]
    assert [outcome.included for outcome in outcomes] == [True] * 3
    assert np.array_equal(final["weight"].ravel(), stage.model[:6])
    assert not np.array_equal(final["weight"], initial_arrays()["weight"])


def test_an_agent_outlives_a_network_that_comes_and_goes(stage: Stage, tmp_path: Path) -> None:
    Director(stage, rounds=2)
    for method in ("NextRound", "SubmitHeader", "UploadPayload", "GetOutcome", "FetchBlob"):
        stage.calls.fail(method, *unreachable(4))
    trainer = SmallTrainer()

    final = Agent(stage.client(tmp_path / "state"), trainer).run()

    assert trainer.rounds == [0, 1]
    assert np.array_equal(final["bias"], stage.model[6:])


def test_a_stopped_agent_goes_on_with_the_same_folder(stage: Stage, tmp_path: Path) -> None:
    Director(stage, rounds=3)
    trainer, stop = SmallTrainer(), threading.Event()
    first = stage.client(tmp_path / "state")

    with pytest.raises(Unavailable) as caught:
        Agent(first, trainer, lambda _: stop.set(), stop).run()
    assert caught.value.rule == "stopped"
    assert trainer.rounds == [0]
    first.close()

    final = Agent(stage.client(tmp_path / "state"), trainer).run()

    assert trainer.rounds == [0, 1, 2]
    assert np.array_equal(final["weight"].ravel(), stage.model[:6])


def test_an_agent_that_died_before_it_sent_does_not_train_its_round_again(
    stage: Stage, tmp_path: Path
) -> None:
    director = Director(stage, rounds=2)
    dead = stage.client(tmp_path / "state")
    dead._contributor._seal(next(dead.rounds()), vector(1))
    dead.close()
    trainer = SmallTrainer()
    original = stage.calls.announced

    def announced(after: int) -> object:
        if len(stage.rounds) == 1 and after == 0:  # everybody waits for the round to end
            stage.publish(peers())
            director.go_on()
        return original(after)

    stage.calls.announced = announced  # type: ignore[assignment]

    Agent(stage.client(tmp_path / "state"), trainer).run()

    assert trainer.rounds == [1]
    assert "cleveland" in stage.rounds[0].uploads
    assert stage.rounds[0].freeze is not None
    assert "cleveland" in stage.rounds[0].freeze.body.clients


def test_a_refused_announcement_costs_time_and_not_the_study(stage: Stage, tmp_path: Path) -> None:
    Director(stage, rounds=1)
    thin = stage.rounds[0].acceptances[:2]
    full, stage.rounds[0].acceptances = stage.rounds[0].acceptances, thin
    asked = []
    original = stage.calls.announced

    def announced(after: int) -> object:
        asked.append(after)
        if len(asked) == 3:
            stage.rounds[0].acceptances = full
        return original(after)

    stage.calls.announced = announced  # type: ignore[assignment]

    with capture_logs() as logs:
        Agent(stage.client(tmp_path / "state"), SmallTrainer()).run()

    refused = [line["rule"] for line in logs if line["event"] == "announcement-refused"]
    assert refused == ["quorum-of-acceptances"] * 2


def test_a_round_whose_update_is_rejected_is_passed_over(stage: Stage, tmp_path: Path) -> None:
    director = Director(stage, rounds=2)
    trained = []

    def trainer(model: Arrays, round_: Round) -> Update:
        trained.append(round_.number)
        update = SmallTrainer()(model, round_)
        if round_.number == 0:
            stage.abort()
            director.go_on()
            return Update({**update.arrays, "bias": np.array([np.nan, 0.0])}, records=9)
        return update

    with capture_logs() as logs:
        Agent(stage.client(tmp_path / "state"), trainer).run()

    assert trained == [0, 1]
    assert [line["rule"] for line in logs if line["event"] == "not-contributed"] == [
        "non-finite-update"
    ]
    assert stage.rounds[0].uploads == {}


def test_an_upload_that_came_too_late_costs_the_round(stage: Stage, tmp_path: Path) -> None:
    director = Director(stage, rounds=2)
    outcomes: list[Outcome] = []

    def trainer(model: Arrays, round_: Round) -> Update:
        if round_.number == 0:
            stage.abort()
            director.go_on()
        return SmallTrainer()(model, round_)

    with capture_logs() as logs:
        Agent(stage.client(tmp_path / "state"), trainer, outcomes.append).run()

    assert [line["rule"] for line in logs if line["event"] == "not-contributed"] == [
        "collection-closed"
    ]
    assert [(one.round_number, one.included) for one in outcomes] == [(1, True)]


def test_an_error_of_the_trainer_ends_the_agent(stage: Stage, tmp_path: Path) -> None:
    Director(stage, rounds=1)

    def trainer(_model: Arrays, _round: Round) -> Update:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Agent(stage.client(tmp_path / "state"), trainer).run()


def test_an_agent_of_a_closed_client_ends(stage: Stage, tmp_path: Path) -> None:
    Director(stage, rounds=1)
    client = stage.client(tmp_path / "state")

    def trainer(model: Arrays, round_: Round) -> Update:
        client.close()
        return SmallTrainer()(model, round_)

    with pytest.raises(Unavailable) as caught:
        Agent(client, trainer).run()
    assert caught.value.rule == "stopped"


def test_no_log_line_of_a_study_carries_a_secret_or_a_value(stage: Stage, tmp_path: Path) -> None:
    Director(stage, rounds=2)
    stage.calls.fail("SubmitHeader", Unavailable("aggregator-unreachable", "cut"))
    stage.calls.fail("NextRound", Unavailable("aggregator-unreachable", "cut"))

    with capture_logs() as logs:
        Agent(stage.client(tmp_path / "state"), SmallTrainer()).run()

    fields = {key for line in logs for key in line}
    assert logs
    assert fields <= {
        "event",
        "log_level",
        "study",
        "client",
        "round_number",
        "rule",
        "expected",
        "retry_seconds",
        "published",
        "included",
        "aborted_by",
        "left_out_by",
    }


def test_a_refusal_while_waiting_for_the_outcome_costs_the_outcome_alone(
    stage: Stage, tmp_path: Path
) -> None:
    director = Director(stage, rounds=2)
    refusals = [Refused("quota", "expected fewer questions")]
    original = director.outcome

    def outcome(request: object) -> object:
        answer = original(request)
        if refusals:
            raise refusals.pop()
        return answer

    stage.calls._get_outcome = outcome  # type: ignore[method-assign, assignment]
    trainer, outcomes = SmallTrainer(), list[Outcome]()

    Agent(stage.client(tmp_path / "state"), trainer, outcomes.append).run()

    assert trainer.rounds == [0, 1]
    assert [one.round_number for one in outcomes] == [1]
