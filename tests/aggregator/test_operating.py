"""The operator's requests: signed, timely, good once, and only for the round they can be for."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs
from tests.aggregator.cast import NOW, Cast, build_cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.operating import operate
from blindsum_crypto.errors import BlindsumError
from blindsum_rules.requests import OperatorAction, OperatorRequest
from blindsum_rules.spec import SpecKind
from blindsum_rules.transitions import AggregatorState


def refused(stage: Stage, request: OperatorRequest) -> str:
    signed = stage.cast.sign(request, "operator")
    with pytest.raises(BlindsumError) as caught:
        stage.store.write(lambda connection: operate(stage.study, connection, signed))
    return caught.value.rule


def request(cast: Cast, action: OperatorAction, number: int) -> OperatorRequest:
    digest = cast.signed_manifest.digest
    return OperatorRequest("heart", action, number, "for the test", NOW, bytes(range(16)), digest)


def test_with_manual_rounds_nothing_opens_unasked(
    cast: Cast, build_stage: Callable[..., Stage]
) -> None:
    stage = build_stage(cast, manual_rounds=True)
    with pytest.raises(AssertionError):
        stage.settle()

    stage.operate(OperatorAction.OPEN_ROUND, 0)

    assert stage.settle() is AggregatorState.PROPOSED


def test_a_round_that_is_asked_for_does_not_wait_for_the_pause(
    build_stage: Callable[..., Stage],
) -> None:
    cast = build_cast()
    schedule = replace(cast.manifest.schedule, pause_seconds=3600)
    stage = build_stage(build_cast(schedule=schedule))
    stage.play_to(AggregatorState.PUBLISHED)
    assert stage.leave() is AggregatorState.CLOSED

    stage.operate(OperatorAction.OPEN_ROUND, 1)

    assert stage.settle() is AggregatorState.PROPOSED
    assert stage.row.number == 1


def test_the_pause_of_the_schedule_is_kept(build_stage: Callable[..., Stage]) -> None:
    schedule = replace(build_cast().manifest.schedule, pause_seconds=3600)
    stage = build_stage(build_cast(schedule=schedule))
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave()
    stage.clock.turn(3599)
    assert stage.settle() is AggregatorState.CLOSED

    stage.clock.turn(1)

    assert stage.settle() is AggregatorState.PROPOSED


def test_a_round_waits_for_a_quorum_of_custodians_to_attend(stage: Stage, cast: Cast) -> None:
    for custodian in cast.custodians[:2]:
        stage.study.attending.leave(custodian)
    with pytest.raises(AssertionError):
        stage.settle()

    stage.study.attending.arrive(cast.custodians[0])

    assert stage.settle() is AggregatorState.PROPOSED


def test_the_study_ends_once_the_round_at_hand_is_closed(stage: Stage) -> None:
    stage.play_to(AggregatorState.FROZEN)
    stage.operate(OperatorAction.END_STUDY, 1)
    stage.play_to(AggregatorState.PUBLISHED)

    stage.leave()

    assert stage.spec.body.kind is SpecKind.END
    assert stage.spec.body.previous.aggregate_commitment
    assert refused(stage, request(stage.cast, OperatorAction.OPEN_ROUND, 2)) == "study-ended"


def test_the_end_waits_for_its_quorum_however_long_it_takes(stage: Stage, cast: Cast) -> None:
    stage.play_to(AggregatorState.PUBLISHED)
    stage.operate(OperatorAction.END_STUDY, 1)
    stage.leave()
    stage.accept(cast.custodians[:2])
    stage.clock.turn(10_000_000)
    assert stage.settle() is AggregatorState.PROPOSED
    had_ended = stage.study.board.view.ended

    with capture_logs() as log:
        stage.accept(cast.custodians[2:3])

    assert (had_ended, stage.study.board.view.ended) == (False, True)
    assert [line["study"] for line in log if line["event"] == "study ended"] == ["heart"]
    assert (stage.study.transcript / "end" / "spec.pb").is_file()


@pytest.mark.parametrize(
    ("action", "number", "rule"),
    [
        (OperatorAction.OPEN_ROUND, 0, "request-round"),
        (OperatorAction.OPEN_ROUND, 1, "round-running"),
        (OperatorAction.ABORT_ROUND, 1, "request-round"),
        (OperatorAction.END_STUDY, 0, "request-round"),
    ],
)
def test_a_request_for_a_round_that_it_cannot_be_for_is_refused(
    stage: Stage, action: OperatorAction, number: int, rule: str
) -> None:
    stage.settle()

    assert refused(stage, request(stage.cast, action, number)) == rule


def test_a_study_without_rounds_has_nothing_to_end(stage: Stage) -> None:
    assert refused(stage, request(stage.cast, OperatorAction.END_STUDY, 0)) == "no-round-yet"


def test_a_round_that_has_an_outcome_is_not_aborted(stage: Stage) -> None:
    stage.play_to(AggregatorState.PUBLISHED)

    assert refused(stage, request(stage.cast, OperatorAction.ABORT_ROUND, 0)) == "request-round"
    assert stage.row.state is AggregatorState.PUBLISHED


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"study": "lung"}, "wrong-study"),
        ({"manifest_digest": bytes(32)}, "wrong-manifest"),
        ({"issued_unix": NOW - 301}, "request-time"),
    ],
)
def test_a_request_made_for_something_else_is_refused(
    stage: Stage, change: dict[str, object], rule: str
) -> None:
    stage.settle()
    body = replace(request(stage.cast, OperatorAction.ABORT_ROUND, 0), **change)  # type: ignore[arg-type]

    assert refused(stage, body) == rule


def test_a_request_is_good_once_also_after_a_restart(stage: Stage, cast: Cast) -> None:
    stage.settle()
    body = request(stage.cast, OperatorAction.ABORT_ROUND, 0)
    signed = cast.sign(body, "operator")
    stage.store.write(lambda connection: operate(stage.study, connection, signed))

    stage.restart()

    assert refused(stage, body) == "nonce-used"


def test_a_refused_request_uses_up_no_nonce(stage: Stage) -> None:
    stage.settle()
    assert refused(stage, request(stage.cast, OperatorAction.ABORT_ROUND, 7)) == "request-round"

    again = stage.cast.sign(request(stage.cast, OperatorAction.ABORT_ROUND, 0), "operator")

    stage.store.write(lambda connection: operate(stage.study, connection, again))
    assert stage.row.rule == "operator-abort"
