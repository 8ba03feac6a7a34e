"""To which committee a round is left: decided once, before the first close is asked for."""

from dataclasses import replace

import pytest
from tests.aggregator.amended import (
    NEW_CUSTODIAN,
    NEWCOMER,
    AmendedCast,
    amend,
    hand_in,
    rule_of,
    with_newcomer,
)
from tests.aggregator.cast import Cast
from tests.aggregator.stage import Stage

from blindsum_aggregator import amending
from blindsum_aggregator.duties import CloseDuty, load_duty, outstanding
from blindsum_rules.close import Close
from blindsum_rules.requests import OperatorAction
from blindsum_rules.transitions import AggregatorState


@pytest.fixture
def seated(cast: Cast) -> AmendedCast:
    """A seat changes hands."""
    return amend(cast, committee=with_newcomer(cast))


def close_of(stage: Stage, handed_to: bytes) -> Close:
    digest = stage.cast.signed_manifest.digest
    return Close("heart", stage.row.number, stage.row.freeze_digest, "", digest, handed_to)


def close_duty(stage: Stage, custodian: str) -> CloseDuty:
    (key,) = stage.store.read(lambda c: outstanding(stage.study, c, custodian))
    duty = stage.store.read(lambda c: load_duty(stage.study, key, custodian, c))
    assert isinstance(duty, CloseDuty)
    return duty


def test_a_close_duty_names_the_committee_that_takes_over(
    stage: Stage, seated: AmendedCast
) -> None:
    hand_in(stage, seated.amended.amendments)
    stage.play_to(AggregatorState.ENDORSED)
    early = close_of(stage, seated.amended.amendment_digest)
    assert rule_of(lambda: stage.answer(early, "custodian-0")) == "handed-to"
    stage.play_to(AggregatorState.PUBLISHED)

    assert close_duty(stage, "custodian-0").handed_to == seated.amended.amendment_digest


def test_a_round_that_was_aborted_is_left_to_the_next_committee_as_well(
    stage: Stage, seated: AmendedCast
) -> None:
    hand_in(stage, seated.amended.amendments)
    stage.settle()
    stage.abort()

    assert close_duty(stage, "custodian-0").handed_to == seated.amended.amendment_digest
    stage.study.attending.arrive(NEW_CUSTODIAN)
    assert stage.leave() is AggregatorState.PROPOSED
    assert stage.spec.body.amendments == seated.amended.amendments


def test_another_committee_that_comes_after_the_outcome_waits_a_round(
    stage: Stage, seated: AmendedCast
) -> None:
    stage.play_to(AggregatorState.PUBLISHED)
    hand_in(stage, seated.amended.amendments)
    stage.restart()

    assert close_duty(stage, "custodian-0").handed_to == b""
    stage.leave()
    assert stage.spec.body.amendments == ()
    stage.play_to(AggregatorState.PUBLISHED)
    stage.study.attending.arrive(NEW_CUSTODIAN)
    stage.leave()
    assert stage.spec.body.round_number == 2
    assert stage.spec.body.amendments == seated.amended.amendments


def test_an_amendment_that_keeps_the_committee_is_carried_although_it_comes_late(
    stage: Stage, cast: Cast, seated: AmendedCast
) -> None:
    larger = amend(seated, joined=(NEWCOMER,))
    last = amend(larger, committee=replace(with_newcomer(cast), quorum=4))
    hand_in(stage, seated.amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)
    hand_in(stage, last.amended.amendments)
    stage.restart()
    stage.study.attending.arrive(NEW_CUSTODIAN)

    stage.leave()

    assert stage.spec.body.amendments == larger.amended.amendments
    assert stage.spec.body.handed_to == seated.amended.amendment_digest


def test_closes_that_name_another_committee_are_rejected_and_the_others_close_the_round(
    stage: Stage, seated: AmendedCast
) -> None:
    hand_in(stage, seated.amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)
    stage.study.attending.arrive(NEW_CUSTODIAN)

    for handed_to in (b"", bytes(32)):
        wrong = close_of(stage, handed_to)
        assert rule_of(lambda wrong=wrong: stage.answer(wrong, "custodian-3")) == "handed-to"  # type: ignore[misc]

    assert stage.leave(("custodian-0", "custodian-1", "custodian-2")) is AggregatorState.PROPOSED
    assert {close.signer for close in stage.spec.body.closes} == set(stage.cast.custodians[:3])


def test_another_committee_for_which_a_spec_has_no_room_is_left_out_of_the_handover(
    stage: Stage, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = amend(cast, left=("client-0",))
    both = amend(first, committee=with_newcomer(cast))
    monkeypatch.setattr(amending, "MAX_CARRIED_BYTES", 300)
    stage.settle()
    hand_in(stage, both.amended.amendments)
    stage.study.attending.arrive(NEW_CUSTODIAN)

    stage.play_to(AggregatorState.PUBLISHED)
    assert close_duty(stage, "custodian-0").handed_to == b""
    stage.leave()
    assert stage.spec.body.amendments == first.amended.amendments
    stage.cast = first
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave()
    assert stage.spec.body.amendments == both.amended.amendments[1:]


def test_what_a_round_was_left_to_is_carried_although_the_room_has_shrunk(
    stage: Stage, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = amend(amend(cast, left=("client-0",)), committee=with_newcomer(cast))
    stage.settle()
    hand_in(stage, both.amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)
    monkeypatch.setattr(amending, "MAX_CARRIED_BYTES", 1)
    stage.study.attending.arrive(NEW_CUSTODIAN)

    assert stage.leave() is AggregatorState.PROPOSED
    assert stage.spec.body.amendments == both.amended.amendments


def test_before_round_0_another_committee_waits_and_what_stands_before_it_does_not(
    stage: Stage, cast: Cast
) -> None:
    first = amend(cast, left=("client-0",))
    both = amend(first, committee=with_newcomer(cast))
    hand_in(stage, both.amended.amendments)

    stage.settle()

    assert stage.spec.body.amendments == first.amended.amendments


def test_the_end_of_a_study_hands_over_as_every_round_does(
    stage: Stage, seated: AmendedCast
) -> None:
    hand_in(stage, seated.amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)
    stage.operate(OperatorAction.END_STUDY, 1)

    stage.leave()

    assert stage.spec.body.cohort == ()
    named = {close.body.handed_to for close in stage.spec.body.closes}
    assert named == {stage.spec.body.handed_to} == {seated.amended.amendment_digest}
