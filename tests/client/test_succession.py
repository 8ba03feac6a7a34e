"""One spec for a round number, and none that may not follow the one before (T6, T10)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.client.people import vector
from tests.client.stage import Stage
from tests.client.uploads import StagedRound

from blindsum_client.client import Client
from blindsum_crypto.errors import Refused, Rejected
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.spec import PreviousRound

if TYPE_CHECKING:
    pass

D = b"d" * 32


def refusal(client: Client) -> str:
    """The rule by which the client refuses what is announced now."""
    with pytest.raises((Refused, Rejected)) as caught:
        next(client.rounds())
    return caught.value.rule


def second_spec(stage: Stage) -> StagedRound:
    """Another spec for the number of the newest round, with a quorum of acceptances of its own."""
    first = stage.rounds.pop()
    later = first.spec.body.contribute_deadline_unix + 1
    return stage.open_round(contribute_deadline_unix=later, release_deadline_unix=later + 300)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_second_spec_for_one_round_number_is_refused_and_kept(
    stage: Stage, tmp_path: Path, *, restarted: bool
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    if restarted:
        client.close()
        client = stage.client(tmp_path / "state")

    other = second_spec(stage)

    assert refusal(client) == "one-spec-per-round-number"
    kept = client._memory.evidence()
    assert [(one.rule, one.round_number) for one in kept] == [("one-spec-per-round-number", 0)]
    assert kept[0].signed == stage.signed[other.spec.digest]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_second_spec_is_refused_after_the_client_sealed_for_the_first(
    stage: Stage, tmp_path: Path, *, restarted: bool
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), vector(1))
    if restarted:
        client.close()
        client = stage.client(tmp_path / "state")

    second_spec(stage)

    assert refusal(client) == "one-spec-per-round-number"
    assert stage.calls.count("SubmitHeader") == 1


def test_a_next_round_that_stands_on_another_spec_is_refused_and_kept(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())

    second_spec(stage)
    stage.abort()
    stage.open_round()

    assert refusal(client) == "one-spec-per-round-number"
    assert len(client._memory.evidence()) == 1


def test_a_round_number_that_is_not_above_the_last_one_is_refused(
    stage: Stage, tmp_path: Path
) -> None:
    first = stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    next(rounds)
    stage.abort()
    stage.open_round()
    next(rounds)

    stage.calls.announced = lambda _: first

    assert refusal(client) == "round-number"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"round_number": 2}, "previous-round"),
        ({"closes": ()}, "quorum-of-closes"),
        ({"model_version": 1}, "model-version"),
        ({"model_version": 1, "model_digest": D}, "model-version-without-aggregate"),
        ({"model_digest": D}, "model-version"),
    ],
)
def test_a_next_spec_that_may_not_follow_is_refused(
    stage: Stage, tmp_path: Path, changes: dict[str, Any], rule: str
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    stage.abort()
    stage.open_round(**changes)

    assert refusal(client) == rule


def test_a_predecessor_of_another_number_is_refused(stage: Stage, tmp_path: Path) -> None:
    first = stage.open_round()
    stage.abort()
    stage.open_round()
    stage.abort()
    stage.open_round(previous=PreviousRound(first.spec.digest))

    assert refusal(stage.client(tmp_path / "state")) == "previous-round"


def test_a_predecessor_that_cannot_be_fetched_is_refused(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    stage.abort()
    stage.open_round(previous=PreviousRound(D))

    assert refusal(stage.client(tmp_path / "state")) == "unknown-digest"


def test_another_spec_than_the_digest_asked_for_is_rejected(stage: Stage, tmp_path: Path) -> None:
    first = stage.open_round()
    stage.abort()
    stage.open_round()
    stage.signed[first.spec.digest] = signed_to_bytes(stage.spec())

    assert refusal(stage.client(tmp_path / "state")) == "fetched-digest"


def test_too_few_closes_do_not_let_the_next_round_come(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    stage.abort()
    stage.close_round(b"", count=2)
    stage.open_round()

    assert refusal(client) == "quorum-of-closes"
