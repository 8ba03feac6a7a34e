"""What was signed for one round is shown to a client in another round or study (threat T8).

The gain would be a client that seals for a round that nobody accepted, or that believes it was
counted when it was not. What stops it: round id and study in every signed body. Nothing here
depends on the seal.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.client.people import peers, vector
from tests.client.stage import Stage
from tests.client.uploads import StagedRound

from blindsum_client import patience
from blindsum_client.client import Client
from blindsum_client.round import Round
from blindsum_crypto.errors import BlindsumError
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import ClientState

NAME = "cleveland"
OTHER_STUDY = "another-study"


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures are retried after milliseconds."""
    quick = (0.001, 0.004, patience._SYSTEM)
    monkeypatch.setattr(patience.Backoff.__init__, "__defaults__", quick)


@pytest.fixture
def stage() -> Stage:
    """Four custodians, two open, three sign; four hospitals."""
    return Stage()


@pytest.fixture
def client(stage: Stage, tmp_path: Path) -> Iterator[Client]:
    """Cleveland, who took part in round 0, whose every message it accepted, and saw its end."""
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    client.contribute(round_, vector(1))
    stage.publish(peers())
    assert client.outcome(round_).included
    yield client
    client.close()


def rule_of(action: Callable[[], object]) -> str:
    with pytest.raises(BlindsumError) as caught:
        action()
    return caught.value.rule


def of_another_study(stage: Stage, signed: Signed[Any]) -> Signed[Any]:
    """The same words as the same signer says them in another study."""
    return stage.people.sign(replace(signed.body, study=OTHER_STUDY), signed.signer)


def in_round_one(stage: Stage, client: Client) -> tuple[StagedRound, Round]:
    """The client has followed round 1, and not contributed yet."""
    staged = stage.open_round()
    return staged, next(client.rounds())


def test_a_spec_opens_its_own_round_of_its_own_study_alone(stage: Stage, client: Client) -> None:
    in_round_one(stage, client)
    first = stage.rounds[0]
    stage.calls.announced = lambda _: first
    assert rule_of(lambda: next(client.rounds())) == "round-number"

    foreign: Signed[Spec] = of_another_study(stage, stage.rounds[1].spec)
    stage.calls.announced = lambda _: StagedRound(foreign, stage.accept(foreign))
    assert rule_of(lambda: next(client.rounds())) == "spec-study"


def test_acceptances_speak_for_their_own_spec_alone(stage: Stage, client: Client) -> None:
    spec = stage.spec()
    old = stage.rounds[0].acceptances
    foreign = tuple(of_another_study(stage, one) for one in stage.accept(spec))
    stage.calls.announced = lambda _: StagedRound(spec, old)
    assert rule_of(lambda: next(client.rounds())) == "wrong-round"
    stage.calls.announced = lambda _: StagedRound(spec, foreign)
    assert rule_of(lambda: next(client.rounds())) == "wrong-study"

    stage.calls.announced = lambda _: StagedRound(spec, stage.accept(spec))
    assert next(client.rounds()).number == 1


def test_closes_and_endorsements_in_a_spec_are_those_of_the_round_before(
    stage: Stage, client: Client
) -> None:
    in_round_one(stage, client)
    stage.publish({**peers(), NAME: vector(1)})
    old = stage.rounds[0]
    for changes, rule in (
        ({"closes": old.closes}, "wrong-round"),
        (
            {"closes": tuple(of_another_study(stage, one) for one in stage.rounds[1].closes)},
            "wrong-study",
        ),
        ({"endorsements": old.endorsements}, "model-version-without-aggregate"),
    ):
        stage.announce(stage.spec(**changes))
        assert rule_of(lambda: next(client.rounds())) == rule
        stage.rounds.pop()
    stage.open_round()
    assert next(client.rounds()).number == 2


def test_a_receipt_is_good_for_its_own_contribution_alone(stage: Stage, client: Client) -> None:
    staged, round_ = in_round_one(stage, client)
    old = stage.rounds[0].uploads[NAME].receipt
    assert old is not None
    replayed: list[Signed[Receipt]] = [old, of_another_study(stage, old)]
    sign = stage.people.sign

    class Replaying:
        """Signs what it recorded, whenever it should sign a receipt."""

        @staticmethod
        def sign(*_: object) -> Signed[Receipt]:
            return replayed.pop()

    honest, stage.people = stage.people, Replaying()  # type: ignore[assignment]
    assert rule_of(lambda: client.contribute(round_, vector(2))) == "wrong-receipt"
    staged.uploads[NAME].receipt = None
    assert rule_of(lambda: client.contribute(round_, vector(2))) == "wrong-receipt"
    staged.uploads[NAME].receipt = None
    stage.people = honest
    assert stage.people.sign == sign

    assert client.contribute(round_, vector(2)).body.round_id == staged.spec.digest


def test_a_certificate_and_its_pieces_end_their_own_round_alone(
    stage: Stage, client: Client
) -> None:
    staged, round_ = in_round_one(stage, client)
    stage.publish({**peers(), NAME: vector(1)})
    old, true = stage.rounds[0], staged.certificate
    assert true is not None
    staged.certificate = old.certificate
    assert rule_of(lambda: client.outcome(round_)) == "wrong-round"
    staged.certificate = of_another_study(stage, true)
    assert rule_of(lambda: client.outcome(round_)) == "wrong-study"
    # A certificate of this round around the other's pieces.
    assert old.freeze is not None
    stage.certify(freeze_digest=old.freeze.digest)
    assert rule_of(lambda: client.outcome(round_)) == "wrong-round"
    stage.certify()
    endorsements, staged.endorsements = staged.endorsements, old.endorsements
    assert rule_of(lambda: client.outcome(round_)) == "wrong-round"
    staged.endorsements, staged.certificate = endorsements, true

    assert client.outcome(round_).published


def test_the_notice_of_an_abort_ends_its_own_round_alone(stage: Stage, client: Client) -> None:
    first, round_ = in_round_one(stage, client)
    stage.abort()
    assert client.outcome(round_).abort is not None
    second, round_ = in_round_one(stage, client)
    true = stage.abort().abort
    assert true is not None
    second.abort = first.abort
    assert rule_of(lambda: client.outcome(round_)) == "wrong-round"
    second.abort = of_another_study(stage, true)
    assert rule_of(lambda: client.outcome(round_)) == "wrong-round"
    second.abort = true
    assert client.outcome(round_).abort == true


def test_closes_of_another_round_or_study_free_no_queue(stage: Stage, client: Client) -> None:
    staged, round_ = in_round_one(stage, client)
    staged.collecting = False
    assert rule_of(lambda: client.contribute(round_, vector(2))) == "collection-closed"
    stage.close_round(b"")
    foreign = tuple(of_another_study(stage, one) for one in staged.closes)
    sender, outbox = client._contributor.sender, client._contributor.outbox

    sender.free_closed((*stage.rounds[0].closes, *foreign))

    assert [entry.round_number for entry in outbox.in_states(ClientState.SEALED)] == [1]
    sender.free_closed(staged.closes)
    assert list(outbox.in_states(ClientState.SEALED)) == []


def test_a_sealed_contribution_is_sent_to_its_own_round_alone(stage: Stage, client: Client) -> None:
    """Nobody can have the client send round 0's bytes again: it knows them to be received."""
    _, round_ = in_round_one(stage, client)
    sent = stage.rounds[0].uploads[NAME].contribution
    client.contribute(round_, vector(2))
    resent = [one for one in stage.calls.received if signed_to_bytes(sent) in one]
    assert len(resent) <= 1
    assert stage.calls.count("SubmitHeader") == 2
