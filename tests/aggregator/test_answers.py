"""Custodians' answers: one for each step, equal ones succeed again, others are evidence."""

# ruff: noqa: ANN401

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from tests.aggregator.cast import Cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.answers import take_refusal
from blindsum_aggregator.status import study_status
from blindsum_aggregator.store.messages import MessageKind
from blindsum_aggregator.store.tables import EVIDENCE
from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.log.merkle import root
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import AGGREGATORS_REASONS, Admission, Denial, HeaderPage
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import Release
from blindsum_rules.transitions import AggregatorState

CUSTODIAN = "custodian-0"
OTHER = bytes(range(32))


def refused(stage: Stage, body: Any, custodian: str = CUSTODIAN) -> str:
    with pytest.raises(BlindsumError) as caught:
        stage.answer(body, custodian)
    return caught.value.rule


def evidence(stage: Stage) -> list[tuple[str, str, str]]:
    columns = EVIDENCE.c
    query = select(columns.kind, columns.subject, columns.rule)
    return [tuple(row) for row in stage.store.read(lambda c: c.execute(query).all())]


def admission(stage: Stage, **changes: Any) -> Admission:
    (page,) = stage.messages(MessageKind.PAGE, HeaderPage)
    digests = page.body.contribution_digests
    body = Admission("heart", 0, stage.row.round_id, 0, root(digests), (), "")
    return replace(body, **changes)


def test_equal_answers_succeed_again_and_are_kept_once(stage: Stage) -> None:
    stage.settle()
    acceptance = Acceptance("heart", 0, stage.row.round_id, "")

    for _ in range(3):
        stage.answer(acceptance, CUSTODIAN)

    assert len(stage.messages(MessageKind.ACCEPTANCE, Acceptance)) == 1
    assert evidence(stage) == []


def test_an_acceptance_of_another_spec_is_evidence(stage: Stage) -> None:
    stage.settle()

    assert refused(stage, Acceptance("heart", 0, OTHER, "")) == "wrong-round"

    assert evidence(stage) == [("acceptance", CUSTODIAN, "wrong-round")]
    assert stage.messages(MessageKind.ACCEPTANCE, Acceptance) == []


def test_a_second_different_answer_is_evidence_and_the_first_stays(stage: Stage) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()
    first = admission(stage)
    stage.answer(first, CUSTODIAN)
    digest = stage.sent[0, "client-0"].contribution.digest

    second = replace(first, denials=(Denial("client-0", digest, "bad-wrap"),))
    assert refused(stage, second) == "second-answer"

    assert evidence(stage) == [("admission", CUSTODIAN, "second-answer")]
    stage.admit()
    assert "client-0" in stage.freeze.body.clients


def test_evidence_is_the_first_contradiction_of_a_step_and_does_not_grow(stage: Stage) -> None:
    stage.settle()
    for number in range(5):
        refused(stage, Acceptance("heart", 0, bytes([number]) * 32, ""))

    assert len(evidence(stage)) == 1


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"page": 7}, "unknown-page"),
        ({"root": OTHER}, "page-root"),
        ({"round_id": OTHER}, "wrong-round"),
        ({"denials": (Denial("client-0", OTHER, "bad-wrap"),)}, "denials"),
    ],
)
def test_an_admission_of_another_page_than_was_sent_is_refused(
    stage: Stage, changes: dict[str, Any], rule: str
) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()

    assert refused(stage, admission(stage, **changes)) == rule
    assert stage.admit() is AggregatorState.FROZEN


def test_answers_to_pages_that_were_never_made_leave_no_rows_behind(stage: Stage) -> None:
    """Attack: a custodian fills the aggregator's disk with pages of its own invention."""
    stage.settle()
    stage.accept()
    stage.contribute()

    for page in range(5, 15):
        assert refused(stage, admission(stage, page=page)) == "unknown-page"

    assert evidence(stage) == []


@pytest.mark.parametrize("rule", sorted(AGGREGATORS_REASONS))
def test_a_denial_by_a_reason_of_the_aggregator_s_is_refused(stage: Stage, rule: str) -> None:
    """Attack: the freeze would repeat it as the aggregator's word, which the audit then refutes."""
    stage.settle()
    stage.accept()
    stage.contribute()
    digest = stage.sent[0, "client-0"].contribution.digest

    assert refused(stage, admission(stage, denials=(Denial("client-0", digest, rule),))) == (
        "denials"
    )
    assert stage.admit() is AggregatorState.FROZEN
    assert "client-0" in stage.freeze.body.clients


def test_a_denial_under_another_client_s_name_is_refused(stage: Stage) -> None:
    stage.settle()
    stage.accept()
    stage.contribute()
    digest = stage.sent[0, "client-0"].contribution.digest

    body = admission(stage, denials=(Denial("client-1", digest, "bad-wrap"),))

    assert refused(stage, body) == "denials"


def test_an_endorsement_of_another_freeze_is_evidence(stage: Stage) -> None:
    stage.play_to(AggregatorState.FROZEN)

    assert refused(stage, Endorsement("heart", 0, stage.row.round_id, OTHER, "")) == "wrong-freeze"

    assert evidence(stage) == [("endorsement", CUSTODIAN, "wrong-freeze")]


def test_a_close_that_names_an_unknown_freeze_is_evidence(stage: Stage) -> None:
    stage.settle()

    assert (
        refused(stage, Close("heart", 0, OTHER, "", stage.cast.signed_manifest.digest))
        == "wrong-freeze"
    )
    assert evidence(stage) == [("close", CUSTODIAN, "wrong-freeze")]


def test_a_release_of_parts_that_its_custodian_does_not_hold_is_refused(
    stage: Stage, cast: Cast
) -> None:
    stage.play_to(AggregatorState.ENDORSED)
    sent = {client: one for (_, client), one in stage.sent.items()}
    release = cast.release(stage.spec, stage.freeze, "custodian-1", sent)

    assert refused(stage, release) == "release-parts"
    assert stage.messages(MessageKind.RELEASE, Release) == []


def test_a_release_of_an_aborted_round_is_not_kept(stage: Stage, cast: Cast) -> None:
    stage.play_to(AggregatorState.ENDORSED)
    sent = {client: one for (_, client), one in stage.sent.items()}
    release = cast.release(stage.spec, stage.freeze, CUSTODIAN, sent)
    stage.abort()

    assert refused(stage, release) == "round-ended"
    assert stage.messages(MessageKind.RELEASE, Release) == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (Close("heart", 5, b"", "", bytes(32)), "unknown-round"),
        (Close("heart", 0, b"", "", bytes(32)), "wrong-manifest"),
        (Close("lung", 0, b"", "", bytes(32)), "wrong-study"),
    ],
)
def test_an_answer_to_nothing_here_is_refused(stage: Stage, body: Close, rule: str) -> None:
    stage.settle()

    assert refused(stage, body) == rule


def test_a_refusal_is_told_in_the_status_once_and_moves_nothing(stage: Stage, cast: Cast) -> None:
    stage.settle()
    body = Refusal("heart", stage.row.round_id, "refused", "own-min-cohort", "expected 9, got 2")
    refusal = cast.sign(body, CUSTODIAN)

    for _ in range(2):
        stage.store.write(lambda c: take_refusal(stage.study, c, refusal))

    (status,) = stage.store.read(lambda c: study_status(stage.study, c))
    assert status.refusals == ("custodian-0: own-min-cohort: expected 9, got 2",)
    assert stage.settle() is AggregatorState.PROPOSED


def test_answers_that_come_after_the_end_stay_out_of_the_certificate(
    stage: Stage, cast: Cast
) -> None:
    stage.play_to(AggregatorState.ENDORSED)
    stage.release(cast.custodians[:2])
    assert stage.row.state is AggregatorState.PUBLISHED
    folder = stage.study.transcript / "rounds" / "000000"
    before = (folder / "certificate.pb").read_bytes()
    sent = {client: one for (_, client), one in stage.sent.items()}

    stage.answer(cast.release(stage.spec, stage.freeze, "custodian-3", sent), "custodian-3")
    stage.settle()

    assert (folder / "certificate.pb").read_bytes() == before
