"""Seats and rosters that changed: who owes what, whose answers count, who may read what."""

from dataclasses import replace

import pytest
from tests.aggregator.amended import (
    NEW_CLIENT,
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

from blindsum_aggregator.duties import outstanding
from blindsum_aggregator.readers import check_reader
from blindsum_aggregator.store.messages import MessageKind
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.transitions import AggregatorState


@pytest.fixture
def changed(cast: Cast) -> AmendedCast:
    """Somebody joins, somebody leaves, and a seat changes hands."""
    return amend(cast, joined=(NEWCOMER,), left=("client-0",), committee=with_newcomer(cast))


def test_who_lost_a_seat_owes_the_old_round_alone_and_who_takes_it_the_new_one(
    stage: Stage, changed: AmendedCast
) -> None:
    hand_in(stage, changed.amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)
    assert owed(stage, NEW_CUSTODIAN) == []
    stage.study.attending.arrive(NEW_CUSTODIAN)
    stage.leave(("custodian-0", "custodian-1", "custodian-2"))

    assert stage.row.number == 1
    assert owed(stage, "custodian-3") == [(MessageKind.CLOSE, 0)]
    assert owed(stage, NEW_CUSTODIAN) == [(MessageKind.ACCEPTANCE, 1)]


def test_answers_of_a_round_are_its_own_committee_s(stage: Stage, changed: AmendedCast) -> None:
    hand_in(stage, changed.amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)
    freeze_digest, digest = stage.row.freeze_digest, stage.cast.signed_manifest.digest
    left_to = changed.amended.amendment_digest
    stage.study.attending.arrive(NEW_CUSTODIAN)
    stage.leave(("custodian-0", "custodian-1", "custodian-2"))
    stage.cast = changed
    late = Close("heart", 0, freeze_digest, "", digest, left_to)
    acceptance = Acceptance("heart", 1, stage.row.round_id, "")

    stage.answer(late, "custodian-3")
    assert rule_of(lambda: stage.answer(acceptance, "custodian-3")) == "not-seated"
    assert rule_of(lambda: stage.answer(late, NEW_CUSTODIAN)) == "not-seated"
    stage.answer(acceptance, NEW_CUSTODIAN)


def test_who_left_reads_what_came_of_its_own_rounds_and_who_joins_nothing_before(
    stage: Stage, changed: AmendedCast
) -> None:
    def may_read(client: str, digest: bytes) -> None:
        stage.store.read(lambda c: check_reader(stage.study, c, client, digest))

    hand_in(stage, changed.amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)
    own, model = stage.row.commitment, stage.row.next_digest
    assert rule_of(lambda: may_read(NEW_CLIENT, own)) == "not-enrolled"
    stage.study.attending.arrive(NEW_CUSTODIAN)
    stage.leave()
    stage.cast = changed
    stage.play_to(AggregatorState.PUBLISHED)

    may_read("client-0", own)
    may_read("client-0", model)
    assert rule_of(lambda: may_read("client-0", stage.row.commitment)) == "not-enrolled"
    may_read(NEW_CLIENT, stage.row.commitment)


def test_no_round_opens_before_a_quorum_of_the_next_committee_attends(
    stage: Stage, cast: Cast
) -> None:
    committee = replace(with_newcomer(cast), quorum=4)
    hand_in(stage, amend(cast, committee=committee).amended.amendments)
    stage.play_to(AggregatorState.PUBLISHED)

    assert stage.leave() is AggregatorState.CLOSED
    stage.study.attending.arrive(NEW_CUSTODIAN)
    assert stage.settle() is AggregatorState.PROPOSED


def owed(stage: Stage, custodian: str) -> list[tuple[MessageKind, int]]:
    keys = stage.store.read(lambda c: outstanding(stage.study, c, custodian))
    return [(key.step, key.number) for key in keys]
