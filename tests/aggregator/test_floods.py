"""A custodian that signs without end: what it can make the aggregator keep is bounded."""

# ruff: noqa: ANN401

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.aggregator.cast import Cast, build_cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.answers import take_refusal
from blindsum_aggregator.status import study_status
from blindsum_aggregator.store.messages import MOST_EVIDENCE_OF_A_ROUND, MessageKind
from blindsum_aggregator.store.requests import MOST_REFUSALS_OF_A_ROUND
from blindsum_aggregator.store.tables import EVIDENCE, REFUSALS
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_crypto.log.merkle import root
from blindsum_rules.admission import Admission, HeaderPage
from blindsum_rules.close import Close
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import PartRelease, Release
from blindsum_rules.transitions import AggregatorState

HOSTILE = "custodian-0"
HONEST = "custodian-1"
OTHER = bytes(range(32))
PAGES = MOST_EVIDENCE_OF_A_ROUND + 2


def refused(stage: Stage, body: Any, custodian: str = HOSTILE) -> str:
    with pytest.raises(BlindsumError) as caught:
        stage.answer(body, custodian)
    return caught.value.rule


def evidence(stage: Stage, custodian: str = HOSTILE) -> list[tuple[str, int, str]]:
    columns = EVIDENCE.c
    query = select(columns.kind, columns.page, columns.rule).where(columns.subject == custodian)
    return sorted(tuple(row) for row in stage.store.read(lambda c: c.execute(query).all()))


def refuse(stage: Stage, custodian: str, digest: bytes, rule: str, study: str = "heart") -> None:
    signed = stage.cast.sign(Refusal(study, digest, "refused", rule, "expected less"), custodian)
    stage.store.write(lambda c: take_refusal(stage.study, c, signed))


def refusals(stage: Stage, custodian: str) -> int:
    query = select(func.count()).where(REFUSALS.c.custodian == custodian)
    return stage.store.read(lambda c: int(c.execute(query).scalar_one()))


@pytest.fixture(scope="module")
def many() -> Cast:
    return build_cast(clients=PAGES)


@pytest.fixture
def paged(many: Cast, build_stage: Callable[..., Stage]) -> Stage:
    """More pages than evidence is kept of: each contribution stands on its own."""
    stage = build_stage(many, page_wait_seconds=0)
    stage.settle()
    stage.accept()
    for client in many.clients:
        stage.contribute([client])
    assert len(stage.messages(MessageKind.PAGE, HeaderPage)) == PAGES
    return stage


def admission(stage: Stage, page: int, **changes: Any) -> Admission:
    sent = stage.messages(MessageKind.PAGE, HeaderPage)[page].body
    digests = sent.contribution_digests
    body = Admission("heart", 0, sent.round_id, page, root(digests), (), "")
    return replace(body, **changes)


@pytest.mark.parametrize("state", [AggregatorState.PROPOSED, AggregatorState.FROZEN])
def test_releases_of_invented_pages_leave_no_rows_behind(
    stage: Stage, state: AggregatorState
) -> None:
    stage.play_to(state)
    parts = (PartRelease(2, bytes(1 << 10)),)

    for page in range(1, 30):
        assert refused(stage, Release("heart", 0, OTHER, OTHER, page, parts, "")) == "wrong-round"

    assert evidence(stage) == []


def test_a_false_release_of_a_page_that_there_is_stays_evidence(stage: Stage) -> None:
    stage.play_to(AggregatorState.FROZEN)
    parts = (PartRelease(2, bytes(1 << 10)),)
    body = Release("heart", 0, stage.row.round_id, OTHER, 0, parts, "")

    assert refused(stage, body) == "wrong-freeze"

    assert evidence(stage) == [("release", 0, "wrong-freeze")]


def test_admissions_of_invented_pages_under_another_spec_leave_no_rows_behind(stage: Stage) -> None:
    stage.settle()

    for page in range(30):
        assert refused(stage, Admission("heart", 0, OTHER, page, OTHER, (), "")) == "wrong-round"

    assert evidence(stage) == []


def test_evidence_of_real_pages_stops_at_the_cap_and_the_first_of_it_stays(paged: Stage) -> None:
    for page in range(PAGES):
        assert refused(paged, admission(paged, page, round_id=OTHER)) == "wrong-round"

    kept = [("admission", page, "wrong-round") for page in range(MOST_EVIDENCE_OF_A_ROUND)]
    assert evidence(paged) == kept


def test_a_flood_leaves_room_for_the_evidence_of_others_and_for_true_answers(paged: Stage) -> None:
    for page in range(PAGES):
        refused(paged, admission(paged, page, root=OTHER))
    last = PAGES - 1

    paged.answer(admission(paged, last), HONEST)
    assert refused(paged, admission(paged, last, root=OTHER), HONEST) == "second-answer"

    assert evidence(paged, HONEST) == [("admission", last, "second-answer")]
    assert paged.admit() is AggregatorState.FROZEN


def test_a_full_round_leaves_room_for_the_evidence_of_the_next(paged: Stage) -> None:
    for page in range(PAGES):
        refused(paged, admission(paged, page, root=OTHER))
    paged.abort()
    paged.leave()
    paged.clock.turn(3600)
    paged.settle()
    assert paged.row.number == 1

    assert refused(paged, Close("heart", 1, b"", "", OTHER)) == "wrong-manifest"

    assert len(evidence(paged)) == MOST_EVIDENCE_OF_A_ROUND + 1
    assert ("close", -1, "wrong-manifest") in evidence(paged)


@pytest.mark.parametrize("is_known", [True, False])
def test_invented_refusals_stop_at_the_cap_and_are_answered_alike(
    stage: Stage, *, is_known: bool
) -> None:
    stage.settle()
    for turn in range(MOST_REFUSALS_OF_A_ROUND * 3):
        digest = stage.row.round_id if is_known else turn.to_bytes(32, "big")
        refuse(stage, HOSTILE, digest, f"rule-{turn}")

    assert refusals(stage, HOSTILE) == MOST_REFUSALS_OF_A_ROUND


def test_a_flood_of_refusals_does_not_push_an_honest_one_out_of_the_status(stage: Stage) -> None:
    stage.settle()
    for turn in range(MOST_REFUSALS_OF_A_ROUND * 2):
        refuse(stage, HOSTILE, stage.row.round_id, f"rule-{turn}")

    refuse(stage, HONEST, stage.row.round_id, "own-min-cohort")

    (status,) = stage.store.read(lambda c: study_status(stage.study, c))
    assert status.refusals[-1] == "custodian-1: own-min-cohort: expected less"
    assert len(status.refusals) == MOST_REFUSALS_OF_A_ROUND + 1


def test_a_refusal_under_another_study_s_name_is_refused_and_not_kept(stage: Stage) -> None:
    stage.settle()

    with pytest.raises(Refused) as caught:
        refuse(stage, HOSTILE, stage.row.round_id, "own-min-cohort", study="lung")

    assert caught.value.rule == "wrong-study"
    assert refusals(stage, HOSTILE) == 0
