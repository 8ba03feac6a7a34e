"""Revocations: heeded as soon as the aggregator has them, whatever round is running."""

from tests.aggregator.amended import amend, hand_in, rule_of
from tests.aggregator.cast import Cast
from tests.aggregator.stage import Stage

from blindsum_rules.transitions import AggregatorState


def test_a_revoked_client_hands_nothing_in_and_what_came_is_left_out_by_name(
    stage: Stage, cast: Cast
) -> None:
    stage.play_to(AggregatorState.OPEN)
    sent = {name: stage.cast.contribute(stage.spec, name) for name in stage.spec.body.cohort}
    for name in ("client-0", "client-1", "client-2"):
        stage.upload(sent[name])
    hand_in(stage, amend(cast, revoked=("client-0", "client-4")).amended.amendments)

    assert rule_of(lambda: stage.submit(sent["client-4"])) == "revoked"
    stage.upload(sent["client-3"])
    stage.clock.turn(700)
    stage.settle()
    stage.admit()

    assert stage.freeze.body.clients == {"client-1", "client-2", "client-3"}
    assert [(one.client, one.rule) for one in stage.freeze.body.left_out] == [
        ("client-0", "revoked")
    ]
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave()
    assert stage.spec.body.cohort == ("client-1", "client-2", "client-3")


def test_a_payload_that_was_on_its_way_gets_no_receipt_after_the_revocation(
    stage: Stage, cast: Cast
) -> None:
    stage.play_to(AggregatorState.OPEN)
    sent = stage.cast.contribute(stage.spec, "client-0")
    stage.submit(sent)
    hand_in(stage, amend(cast, revoked=("client-0",)).amended.amendments)

    assert rule_of(lambda: stage.upload(sent)) == "revoked"


def test_a_freeze_that_was_sent_goes_on_whoever_is_revoked_meanwhile(
    stage: Stage, cast: Cast
) -> None:
    stage.play_to(AggregatorState.ENDORSED)
    hand_in(stage, amend(cast, revoked=("client-0",)).amended.amendments)

    assert stage.play_to(AggregatorState.PUBLISHED) is AggregatorState.PUBLISHED
    assert "client-0" in stage.freeze.body.clients


def test_too_few_that_are_left_abort_the_round(stage: Stage, cast: Cast) -> None:
    stage.play_to(AggregatorState.OPEN)
    for name in ("client-0", "client-1"):
        stage.upload(stage.cast.contribute(stage.spec, name))
    hand_in(stage, amend(cast, revoked=("client-0",)).amended.amendments)
    stage.clock.turn(700)
    stage.settle()

    assert stage.admit() is AggregatorState.ABORTED
    assert stage.row.rule == "min-cohort"


def test_the_operator_s_reply_names_who_is_turned_away(stage: Stage, cast: Cast) -> None:
    reply = hand_in(stage, amend(cast, revoked=("client-0",)).amended.amendments)

    assert reply.endswith("revoked from now on: client-0")
