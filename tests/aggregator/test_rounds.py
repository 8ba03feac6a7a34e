"""Whole rounds below the door: from the spec to the closes, published, aborted, resumed."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.aggregator.cast import NOW, Cast, build_cast, vector_of
from tests.aggregator.stage import Stage

from blindsum_aggregator.store.messages import MessageKind
from blindsum_auditor.report import Level
from blindsum_auditor.verify import verify
from blindsum_crypto.errors import Refused
from blindsum_rules.aggregate import decode_aggregate
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.certificate import Certificate
from blindsum_rules.close import Close
from blindsum_rules.manifest import DifferencingScope
from blindsum_rules.requests import OperatorAction
from blindsum_rules.spec import SpecKind
from blindsum_rules.spec_checks import check_spec
from blindsum_rules.succession import check_first, check_succession
from blindsum_rules.transitions import AggregatorState

BEFORE_THE_END = [
    AggregatorState.PROPOSED,
    AggregatorState.OPEN,
    AggregatorState.FROZEN,
    AggregatorState.ENDORSED,
    AggregatorState.PUBLISHED,
]


def test_a_round_opens_to_exactly_the_sum_of_its_members(stage: Stage, cast: Cast) -> None:
    stage.play_to(AggregatorState.PUBLISHED)

    blob = stage.study.blobs.require(stage.row.commitment)
    aggregate = decode_aggregate(blob, cast.manifest.vector_length)
    expected = np.sum([vector_of(client) for client in cast.clients], axis=0)
    assert np.array_equal(aggregate.values, expected)


@pytest.mark.slow
def test_rounds_follow_each_other_to_the_end_of_the_study(stage: Stage, cast: Cast) -> None:
    before = None
    for number in range(cast.manifest.schedule.max_rounds):
        stage.play_to(AggregatorState.PUBLISHED)
        spec = stage.spec
        check_spec(spec, AmendedManifest(cast.signed_manifest), NOW)
        if before is None:
            check_first(spec, AmendedManifest(cast.signed_manifest))
        else:
            check_succession(spec, before, AmendedManifest(cast.signed_manifest))
        assert (spec.body.round_number, spec.body.model_version) == (number, number)
        before = spec
        stage.leave()
    end = stage.spec
    check_spec(end, AmendedManifest(cast.signed_manifest), NOW)
    assert before is not None
    check_succession(end, before, AmendedManifest(cast.signed_manifest))
    stage.accept()

    assert end.body.kind is SpecKind.END
    assert stage.study.board.view.ended
    assert stage.study.board.view.newest_accepted == end.body.round_number


@pytest.mark.slow
def test_an_auditor_accepts_the_transcript_at_every_level(
    cast: Cast, build_stage: Callable[..., Stage]
) -> None:
    stage = build_stage(cast, keep_payloads=True)
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave()
    stage.play_to(AggregatorState.FROZEN)
    stage.operate(OperatorAction.ABORT_ROUND, 1)
    stage.operate(OperatorAction.END_STUDY, 2)
    stage.settle()
    stage.leave()
    stage.accept()

    for level in Level:
        report = verify(stage.study.transcript, cast.signed_manifest.digest, level)
        assert not report.failed
        assert report.ended
        assert report.rounds == 2


@pytest.mark.parametrize("state", BEFORE_THE_END)
def test_a_restart_in_any_state_loses_nothing(
    stage: Stage, cast: Cast, state: AggregatorState
) -> None:
    stage.play_to(state)
    known = stage.row

    stage.restart()

    assert stage.row == known
    assert stage.settle() is state
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave()
    report = verify(stage.study.transcript, cast.signed_manifest.digest, Level.ENTITLED)
    assert not report.failed


def test_a_restart_amid_the_uploads_keeps_receipts_and_bytes(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    stage.contribute(cast.clients[:2])
    half = cast.contribute(stage.spec, cast.clients[2])
    stage.submit(half)
    stage.study.spool.append(0, cast.clients[2], 0, half.payload[:1000])

    stage.restart()

    assert stage.submit(half) == 1000
    stage.study.spool.append(0, cast.clients[2], 1000, half.payload[1000:])
    assert stage.upload(half).body.client == cast.clients[2]
    stage.contribute(cast.clients[3:])
    stage.admit()
    assert [member.client for member in stage.freeze.body.members] == list(cast.clients)


def test_a_round_that_no_quorum_accepts_in_time_is_aborted_by_name(
    stage: Stage, cast: Cast
) -> None:
    stage.settle()
    stage.accept(cast.custodians[:2])
    stage.clock.turn(cast.manifest.schedule.accept_seconds)

    assert stage.settle() is AggregatorState.ABORTED
    assert stage.row.rule == "acceptance-time-out"


def test_a_round_with_too_few_contributions_is_aborted_at_its_deadline(
    stage: Stage, cast: Cast
) -> None:
    stage.settle()
    stage.accept()
    stage.contribute(cast.clients[:1])
    assert stage.settle() is AggregatorState.OPEN
    stage.clock.now = stage.row.contribute_deadline_unix

    assert stage.settle() is AggregatorState.ABORTED
    assert stage.row.rule == "min-cohort"


def test_an_aborted_round_repeats_version_and_model(stage: Stage, cast: Cast) -> None:
    stage.settle()
    stage.accept()
    stage.operate(OperatorAction.ABORT_ROUND, 0)
    stage.settle()
    first = stage.spec

    stage.leave()

    assert stage.row.number == 1
    assert stage.spec.body.model_version == first.body.model_version
    assert stage.spec.body.model_digest == first.body.model_digest
    assert stage.spec.body.endorsements == ()
    check_succession(stage.spec, first, AmendedManifest(cast.signed_manifest))


def test_a_round_that_does_not_change_the_model_repeats_its_version(
    stage: Stage, cast: Cast
) -> None:
    stage.settle()
    stage.accept()
    stage.contribute(values=np.zeros(cast.manifest.vector_length, dtype=np.int64))
    stage.admit()
    stage.endorse()
    assert stage.release() is AggregatorState.PUBLISHED
    first = stage.spec

    stage.leave()

    assert stage.spec.body.previous.aggregate_commitment
    assert stage.spec.body.model_version == 0
    assert stage.spec.body.model_digest == first.body.model_digest
    check_succession(stage.spec, first, AmendedManifest(cast.signed_manifest))


def test_a_freeze_that_was_sent_is_never_aborted_by_the_clock(stage: Stage) -> None:
    for state in (AggregatorState.FROZEN, AggregatorState.ENDORSED):
        stage.play_to(state)
        stage.clock.turn(10_000_000)

        assert stage.settle() is state


def test_the_operator_may_abort_a_frozen_round_and_its_freeze_counts(stage: Stage) -> None:
    stage.play_to(AggregatorState.ENDORSED)
    stage.operate(OperatorAction.ABORT_ROUND, 0)

    assert stage.settle() is AggregatorState.ABORTED
    assert stage.row.rule == "operator-abort"
    assert "no release of" in stage.row.expected
    members = tuple(member.client for member in stage.freeze.body.members)
    stage.leave()
    # Under the same version the next set is equal or disjoint, and nobody is left to be disjoint.
    assert stage.spec.body.cohort == members


def test_a_round_is_left_only_with_a_quorum_of_closes(stage: Stage, cast: Cast) -> None:
    stage.play_to(AggregatorState.PUBLISHED)

    assert stage.leave(cast.custodians[:2]) is AggregatorState.PUBLISHED
    stage.leave(cast.custodians[2:3])
    assert stage.row.number == 1
    assert len(stage.spec.body.closes) == cast.manifest.quorum


def test_a_late_close_is_stored_and_filed(stage: Stage, cast: Cast) -> None:
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave(cast.custodians[:3])
    place = stage.study.transcript / "rounds" / "000000" / "closes.pb"
    before = place.read_bytes()
    digest = stage.spec.body.previous.freeze_digest

    stage.answer(Close("heart", 0, digest, "", cast.signed_manifest.digest), cast.custodians[3])
    stage.settle()

    assert len(place.read_bytes()) > len(before)


def test_the_study_scope_lets_a_second_round_sum_the_same_set_only(
    build_stage: Callable[..., Stage],
) -> None:
    cast = build_cast(no_differencing=DifferencingScope.STUDY)
    stage = build_stage(cast)
    stage.settle()
    stage.accept()
    stage.contribute(cast.clients[:3])
    stage.clock.now = stage.row.contribute_deadline_unix
    stage.settle()
    stage.admit()
    stage.play_to(AggregatorState.PUBLISHED)
    stage.leave()

    assert stage.spec.body.model_version == 1
    assert stage.spec.body.cohort == cast.clients[:3]


def test_at_a_single_key_authority_rounds_go_the_same_way(
    build_stage: Callable[..., Stage],
) -> None:
    stage = build_stage(build_cast(custodians=1, threshold=1, quorum=1))

    stage.play_to(AggregatorState.PUBLISHED)

    assert [one.signer for one in stage.messages(MessageKind.CERTIFICATE, Certificate)] == [
        "aggregator"
    ]


def test_a_study_is_served_under_one_manifest_for_good(stage: Stage) -> None:
    other = build_cast(purpose="something else")
    stage.cast = other

    with pytest.raises(Refused) as caught:
        stage.restart()

    assert caught.value.rule == "other-manifest"
