"""Looking back at a round that is over, and hearing how far a contribution is."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.client.people import peers, vector
from tests.client.stage import Stage as Theatre

from blindsum_client.client import Client
from blindsum_client.stages import Stage
from blindsum_crypto.errors import BlindsumError, Refused, Unavailable

D = b"d" * 32


def refusal(client: Client, round_number: int) -> str:
    with pytest.raises(BlindsumError) as caught:
        client.look_back(round_number)
    return caught.value.rule


def two_rounds(theatre: Theatre, folder: Path) -> Client:
    """A client that contributed to round 0 and not to round 1; both are over."""
    theatre.open_round()
    client = theatre.client(folder)
    rounds = client.rounds()
    client.contribute(next(rounds), vector(1))
    theatre.publish(peers())
    theatre.open_round()
    next(rounds)
    theatre.publish(peers())
    return client


def test_a_client_sees_whether_it_is_in_the_sum_of_an_earlier_round(
    stage: Theatre, tmp_path: Path
) -> None:
    client = two_rounds(stage, tmp_path / "state")

    first, second = (client.look_back(number) for number in (0, 1))

    assert (first.published, first.included) == (True, True)
    assert (second.published, second.included) == (True, False)
    assert first.certificate == stage.rounds[0].certificate


def test_an_aborted_round_is_looked_back_at_by_its_rule(stage: Theatre, tmp_path: Path) -> None:
    stage.open_round()
    stage.abort("min-cohort")

    assert stage.client(tmp_path / "state").look_back(0).aborted_by_rule == "min-cohort"


def test_a_round_that_goes_on_is_not_looked_back_at(stage: Theatre, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")

    with pytest.raises(Unavailable) as caught:
        client.look_back(0)
    assert caught.value.rule == "round-not-over"


def test_a_certificate_of_another_spec_than_was_followed_is_refused(
    stage: Theatre, tmp_path: Path
) -> None:
    client = two_rounds(stage, tmp_path / "state")
    stage.rounds[0].certificate = None
    stage.abort()
    first = stage.rounds[0]
    assert first.freeze is not None
    aborted = stage.rounds[1].abort
    assert aborted is not None
    first.abort = stage.people.sign(replace(aborted.body, round_id=D, round_number=0), "aggregator")

    assert refusal(client, 0) == "one-spec-per-round-number"


def test_too_few_acceptances_or_endorsements_are_refused(stage: Theatre, tmp_path: Path) -> None:
    client = two_rounds(stage, tmp_path / "state")
    first = stage.rounds[0]
    acceptances, first.acceptances = first.acceptances, first.acceptances[:2]
    assert refusal(client, 0) == "quorum-of-acceptances"
    first.acceptances = acceptances
    first.endorsements = first.endorsements[:2]

    assert refusal(client, 0) == "quorum-of-endorsements"


def test_the_round_of_another_number_is_refused(stage: Theatre, tmp_path: Path) -> None:
    stage.open_round()
    stage.publish({**peers(), "cleveland": vector(1)})
    stage.rounds.insert(0, stage.rounds[0])

    assert refusal(stage.client(tmp_path / "state"), 1) == "round-number"


def test_a_contribution_tells_its_stages_in_order(stage: Theatre, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    told: list[tuple[int, Stage]] = []
    client.tell_stages_to(lambda number, passed: told.append((number, passed)))

    client.contribute(next(client.rounds()), vector(1))

    assert told == [(0, passed) for passed in Stage]


def test_a_listener_that_fails_leaves_the_contribution_where_it_was(
    stage: Theatre, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())

    def fail_at_header(_: int, passed: Stage) -> None:
        if passed is Stage.HEADER:
            raise Refused("test", "expected no listener")

    client.tell_stages_to(fail_at_header)
    with pytest.raises(Refused):
        client.contribute(round_, vector(1))
    client.tell_stages_to(lambda *_: None)

    assert client.contribute(round_, vector(1)) == stage.rounds[0].uploads["cleveland"].receipt
    assert stage.calls.offsets == [0]
