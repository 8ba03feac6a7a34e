"""What was signed for one round is sent to the aggregator in another round or study (threat T8).

Whoever sits on the line, or holds an old recording, would have a round accepted, endorsed or opened
by words that were said about another. What stops it: round number, round id and study in every
body, and one answer for each step. Nothing here depends on the seal.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.aggregator.cast import Cast, Sent, build_cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.answers import take_answer
from blindsum_aggregator.operating import operate
from blindsum_aggregator.service.authentication import Authentication
from blindsum_aggregator.store.messages import MessageKind, messages_of
from blindsum_crypto.errors import BlindsumError
from blindsum_protos.calling import SERVICE
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.release import Release
from blindsum_rules.requests import Call, OperatorAction, OperatorRequest
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import AggregatorState

OTHER_STUDY = "another-study"
ANSWERS: list[tuple[MessageKind, type[Any], AggregatorState]] = [
    (MessageKind.ACCEPTANCE, Acceptance, AggregatorState.PROPOSED),
    (MessageKind.ADMISSION, Admission, AggregatorState.OPEN),
    (MessageKind.ENDORSEMENT, Endorsement, AggregatorState.FROZEN),
    (MessageKind.RELEASE, Release, AggregatorState.ENDORSED),
    (MessageKind.CLOSE, Close, AggregatorState.PUBLISHED),
]
"""What custodians answer, and the state of a round that waits for it."""


@pytest.fixture(scope="module")
def cast() -> Cast:
    return build_cast()


@pytest.fixture
def stage(cast: Cast, tmp_path: Path) -> Iterator[Stage]:
    """An honest aggregator whose round 0 was carried to its close, and which proposes round 1."""
    stage = Stage(cast, tmp_path / "state")
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave()
    yield stage
    stage.close()


def recorded(stage: Stage, kind: MessageKind, body: type[Any]) -> list[Signed[Any]]:
    """What custodians answered in round 0, where every answer was taken."""
    answers = stage.store.read(lambda c: messages_of(c, "heart", 0, kind, body))
    assert len(answers) == len(stage.cast.custodians)
    return list(answers)


def rule_of_answer(stage: Stage, answer: Signed[Any]) -> str:
    """The rule by which an answer is refused; empty when it succeeds."""
    try:
        refusal = stage.store.write(lambda c: take_answer(stage.study, c, answer))
    except BlindsumError as error:
        return error.rule
    return "" if refusal is None else refusal.rule


@pytest.mark.parametrize(("kind", "body", "waiting"), ANSWERS)
def test_answers_of_one_round_move_no_other(
    stage: Stage, kind: MessageKind, body: type[Any], waiting: AggregatorState
) -> None:
    """They are stored answers of their own round: equal bytes succeed again and move nothing."""
    old = recorded(stage, kind, body)
    assert stage.play_to(waiting) is waiting

    assert {rule_of_answer(stage, answer) for answer in old} == {""}

    assert stage.settle() is waiting
    assert stage.row.number == 1
    assert stage.messages(kind, body) == []


@pytest.mark.parametrize(("kind", "body", "waiting"), ANSWERS)
def test_answers_under_another_rounds_number_are_refused_by_its_id(
    stage: Stage, cast: Cast, kind: MessageKind, body: type[Any], waiting: AggregatorState
) -> None:
    """A custodian that repeats its old words about the new round says nothing that holds there."""
    old = recorded(stage, kind, body)
    stage.play_to(waiting)
    rule = "wrong-freeze" if body is Close else "wrong-round"
    for answer in old:
        relabelled = cast.sign(replace(answer.body, round_number=1), answer.signer)
        assert rule_of_answer(stage, relabelled) == rule
    assert stage.settle() is waiting


@pytest.mark.parametrize(("kind", "body", "waiting"), ANSWERS)
def test_answers_of_another_study_are_refused(
    stage: Stage, cast: Cast, kind: MessageKind, body: type[Any], waiting: AggregatorState
) -> None:
    foreign = [
        cast.sign(replace(answer.body, study=OTHER_STUDY), answer.signer)
        for answer in recorded(stage, kind, body)
    ]
    stage.play_to(waiting)
    assert {rule_of_answer(stage, answer) for answer in foreign} == {"wrong-study"}
    assert stage.settle() is waiting


def submitted(stage: Stage, sent: Sent) -> str:
    try:
        stage.submit(sent)
    except BlindsumError as error:
        return error.rule
    return ""


def test_a_contribution_is_taken_in_its_own_round_and_study_alone(stage: Stage, cast: Cast) -> None:
    old = stage.sent[0, "client-0"]
    stage.play_to(AggregatorState.OPEN)
    assert submitted(stage, old) == ""
    assert stage.messages(MessageKind.CONTRIBUTION, type(old.contribution.body)) == []
    core = old.contribution.body.core
    for changes, rule in (
        ({"round_number": 1}, "wrong-round"),
        ({"round_number": 1, "study": OTHER_STUDY}, "wrong-study"),
    ):
        changed = cast.header(replace(core, **changes), old.wraps)
        assert submitted(stage, replace(old, contribution=changed)) == rule
    assert submitted(stage, cast.contribute(stage.spec, "client-0")) == ""


def test_a_call_is_good_once_and_in_its_own_study_alone(stage: Stage, cast: Cast) -> None:
    authentication = Authentication({"heart": stage.study}, stage.clock)

    def rule_of_call(**changes: Any) -> str:  # noqa: ANN401
        call = Call("heart", "aggregator", SERVICE + "NextRound", int(stage.clock()), bytes(16))
        signed = cast.sign(replace(call, **changes), "client-0")
        try:
            authentication.identify(signed_to_bytes(signed), "NextRound")
        except BlindsumError as error:
            return error.rule
        return ""

    assert rule_of_call(study=OTHER_STUDY) == "unknown-study"
    assert rule_of_call(aggregator="another") == "call-aggregator"
    assert rule_of_call(method=SERVICE + "GetOutcome") == "call-method"
    assert rule_of_call() == ""
    assert rule_of_call() == "call-repeated"


def test_an_operators_request_is_good_once_also_after_a_restart(stage: Stage, cast: Cast) -> None:
    request = OperatorRequest(
        study="heart",
        action=OperatorAction.ABORT_ROUND,
        round_number=1,
        reason="for the test",
        issued_unix=int(stage.clock()),
        nonce=bytes(16),
        manifest_digest=cast.signed_manifest.digest,
    )

    def rule_of_request(**changes: Any) -> str:  # noqa: ANN401
        signed = cast.sign(replace(request, **changes), "operator")
        try:
            stage.store.write(lambda c: operate(stage.study, c, signed))
        except BlindsumError as error:
            return error.rule
        return ""

    assert rule_of_request(study=OTHER_STUDY) == "wrong-study"
    assert rule_of_request() == ""
    assert rule_of_request() == "nonce-used"
    stage.restart()
    assert rule_of_request() == "nonce-used"
