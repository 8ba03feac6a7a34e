"""A signed exception at the aggregator: checked, kept, the exact set of its one round (T5)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.aggregator.cast import Cast, build_cast, vector_of
from tests.aggregator.stage import Stage

from blindsum_aggregator.duties import DutyKey, EndorseDuty, load_duty
from blindsum_aggregator.store.messages import MessageKind
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_protos.convert.exception import exception_file_from_bytes
from blindsum_rules.aggregate import decode_aggregate
from blindsum_rules.certificate import Certificate
from blindsum_rules.exception import DifferencingException, SignedException
from blindsum_rules.freeze import LeftOut
from blindsum_rules.manifest import DifferencingScope, Party
from blindsum_rules.requests import OperatorAction
from blindsum_rules.transitions import AggregatorState

GARBAGE = "client-0"
EXCEPT = OperatorAction.EXCEPT_ROUND


@pytest.fixture(scope="module")
def supervised() -> Cast:
    """The cast, with a privacy officer in the manifest."""
    plain = build_cast()
    return build_cast(officer=Party("officer", plain.identities["officer"].public))


@pytest.fixture
def stage(supervised: Cast, build_stage: Callable[..., Stage]) -> Stage:
    return build_stage(supervised)


def exception(cast: Cast, number: int = 1, version: int = 0, **changes: Any) -> SignedException:  # noqa: ANN401
    """Of both hands, for everybody but the garbage client."""
    words = "its vector spoiled round 0", cast.signed_manifest.digest
    body = DifferencingException("heart", number, version, cast.clients[1:], *words)
    body = replace(body, **changes)
    return SignedException(cast.sign(body, "operator"), cast.sign(body, "officer"))


def spoiled(stage: Stage) -> None:
    """Round 0 freezes everybody and is given up; its freeze counts as released."""
    stage.play_to(AggregatorState.ENDORSED)
    stage.abort()


def refused(stage: Stage, number: int, handed_in: SignedException | None) -> str:
    with pytest.raises(BlindsumError) as caught:
        stage.operate(EXCEPT, number, exception=handed_in)
    return caught.value.rule


def test_the_round_of_an_exception_sums_exactly_the_clients_that_it_names(
    stage: Stage, supervised: Cast
) -> None:
    spoiled(stage)

    said = stage.operate(EXCEPT, 1, exception=exception(supervised))
    stage.leave()

    assert "beside the sum of round 0 that gives away the contribution of client-0 alone" in said
    assert stage.spec.body.cohort == supervised.clients[1:]
    stage.restart()
    assert stage.play_to(AggregatorState.PUBLISHED)
    assert stage.freeze.body.clients == set(supervised.clients[1:])
    assert stage.freeze.body.left_out == ()
    opened = decode_aggregate(stage.study.blobs.require(stage.row.commitment), 5).values
    assert np.array_equal(opened, sum(vector_of(one) for one in supervised.clients[1:]))
    (certificate,) = stage.messages(MessageKind.CERTIFICATE, Certificate)
    assert certificate.body.exception_digest == exception(supervised).digest
    file = (stage.study.transcript / "rounds" / "000001" / "exception.pb").read_bytes()
    assert SignedException(*exception_file_from_bytes(file)) == exception(supervised)


def test_custodians_are_handed_the_exception_with_the_freeze(
    stage: Stage, supervised: Cast
) -> None:
    spoiled(stage)
    stage.operate(EXCEPT, 1, exception=exception(supervised))
    stage.leave()
    stage.play_to(AggregatorState.FROZEN)

    def duty(number: int) -> object:
        key = DutyKey(MessageKind.ENDORSEMENT, number)
        return stage.store.read(lambda c: load_duty(stage.study, key, "custodian-0", c))

    handed = duty(1)
    assert handed == EndorseDuty(1, stage.row.freeze_digest, exception(supervised))
    before = duty(0)
    assert isinstance(before, EndorseDuty)
    assert before.exception is None


def test_an_exception_for_an_open_round_leaves_out_whom_it_does_not_name(
    stage: Stage, supervised: Cast
) -> None:
    spoiled(stage)
    stage.leave()
    stage.accept()
    stage.contribute(supervised.clients[:3])

    stage.operate(EXCEPT, 1, exception=exception(supervised))
    stage.contribute(supervised.clients[3:])

    assert stage.admit() is AggregatorState.FROZEN
    digest = stage.sent[1, GARBAGE].contribution.digest
    assert stage.freeze.body.left_out == (LeftOut(GARBAGE, digest, "not-in-exception"),)
    assert stage.freeze.body.clients == set(supervised.clients[1:])


def test_while_one_of_its_clients_is_missing_an_exception_allows_nothing(
    stage: Stage, supervised: Cast
) -> None:
    spoiled(stage)
    stage.operate(EXCEPT, 1, exception=exception(supervised))
    stage.leave()
    stage.accept()
    stage.contribute(supervised.clients[1:4])
    stage.clock.now = stage.row.contribute_deadline_unix
    stage.settle()

    assert stage.admit() is AggregatorState.ABORTED

    assert stage.row.rule == "exception-incomplete"
    assert "client-4" in stage.row.expected
    assert stage.row.freeze_digest == b""
    assert not (stage.study.transcript / "rounds" / "000001" / "exception.pb").exists()


def test_an_exception_is_used_once_and_the_version_then_waits_for_another(
    stage: Stage, supervised: Cast
) -> None:
    spoiled(stage)
    stage.operate(EXCEPT, 1, exception=exception(supervised))
    stage.leave()
    stage.play_to(AggregatorState.ENDORSED)
    stage.abort()
    assert refused(stage, 1, exception(supervised)) == "exception-round"

    with pytest.raises(Refused) as caught:
        stage.leave()  # No set is left: both overlap.

    assert caught.value.rule == "no-differencing"
    assert stage.row.number == 1
    assert (stage.study.transcript / "rounds" / "000001" / "exception.pb").exists()
    said = stage.operate(EXCEPT, 2, exception=exception(supervised, 2))
    assert "client-0 alone" in said
    stage.settle()
    assert stage.spec.body.cohort == supervised.clients[1:]


def test_an_exception_of_another_version_waits_unused_and_says_so(
    stage: Stage, supervised: Cast
) -> None:
    stage.play_to(AggregatorState.OPEN)
    stage.operate(EXCEPT, 1, exception=exception(supervised, 1, 0))
    stage.play_to(AggregatorState.PUBLISHED)  # Version 1 follows.

    with capture_logs() as log:
        stage.leave()

    assert stage.spec.body.cohort == supervised.clients
    said = [one for one in log if one["event"] == "exception-unused"]
    assert [one["round_number"] for one in said] == [1]
    stage.play_to(AggregatorState.PUBLISHED)
    (certificate,) = stage.messages(MessageKind.CERTIFICATE, Certificate)
    assert certificate.body.exception_digest == b""


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"study": "lung"}, "exception-study"),
        ({"manifest_digest": bytes(32)}, "exception-study"),
        ({"clients": ("client-1", "stranger")}, "unknown-client"),
        ({"clients": ("client-1",)}, "min-cohort"),
        ({"model_version": 1}, "exception-version"),
        ({"round_number": 0}, "exception-round"),
        ({"round_number": 6}, "exception-round"),  # The schedule ends at 5.
    ],
)
def test_an_exception_that_no_custodian_could_use_is_not_kept(
    stage: Stage, supervised: Cast, changes: dict[str, Any], rule: str
) -> None:
    spoiled(stage)
    other = exception(supervised, **changes)

    assert refused(stage, other.body.round_number, other) == rule
    stage.leave()
    assert stage.spec.body.cohort == supervised.clients


def test_the_version_that_a_later_round_may_have_is_known_within_bounds(
    stage: Stage, supervised: Cast
) -> None:
    assert refused(stage, 0, exception(supervised, 0, 1)) == "exception-version"
    stage.play_to(AggregatorState.OPEN)
    assert refused(stage, 0, exception(supervised, 0, 1)) == "exception-version"
    assert refused(stage, 2, exception(supervised, 2, 3)) == "exception-version"
    stage.operate(EXCEPT, 2, exception=exception(supervised, 2, 2))
    stage.play_to(AggregatorState.PUBLISHED)
    assert refused(stage, 1, exception(supervised, 1, 0)) == "exception-version"
    stage.operate(EXCEPT, 1, exception=exception(supervised, 1, 1))


def test_one_round_has_one_exception_and_the_same_may_come_again(
    stage: Stage, supervised: Cast
) -> None:
    spoiled(stage)
    said = stage.operate(EXCEPT, 1, exception=exception(supervised))

    assert stage.operate(EXCEPT, 1, exception=exception(supervised)) == said
    other = exception(supervised, clients=supervised.clients[:4])
    assert refused(stage, 1, other) == "exception-exists"


def test_both_hands_are_needed_and_no_other_ones_count(stage: Stage, supervised: Cast) -> None:
    spoiled(stage)
    true = exception(supervised)
    body = true.body
    twice = SignedException(true.operator, supervised.sign(body, "operator"))
    by_a_client = SignedException(true.operator, supervised.sign(body, "client-1"))

    assert refused(stage, 1, SignedException(true.operator)) == "exception"
    assert refused(stage, 1, twice) == "unknown-signer"
    assert refused(stage, 1, by_a_client) == "unknown-signer"


def test_a_study_without_an_officer_keeps_none(build_stage: Callable[..., Stage]) -> None:
    stage = build_stage(build_cast())
    spoiled(stage)

    assert refused(stage, 1, exception(stage.cast)) == "exception-without-officer"


def test_a_request_and_its_exception_belong_together(stage: Stage, supervised: Cast) -> None:
    spoiled(stage)
    with pytest.raises(BlindsumError) as caught:
        stage.operate(OperatorAction.OPEN_ROUND, 1, exception=exception(supervised))
    assert caught.value.rule == "malformed-message"  # No such request can even be signed.
    assert refused(stage, 2, exception(supervised)) == "request-round"


def test_an_excepted_set_of_a_study_wide_rule_needs_one_more_for_every_round(
    supervised: Cast, build_stage: Callable[..., Stage]
) -> None:
    cast = build_cast(officer=supervised.manifest.officer, no_differencing=DifferencingScope.STUDY)
    stage = build_stage(cast)
    spoiled(stage)
    stage.operate(EXCEPT, 1, exception=exception(cast))
    stage.leave()
    stage.play_to(AggregatorState.PUBLISHED)

    with pytest.raises(Refused) as caught:
        stage.leave()

    assert caught.value.rule == "no-differencing"
    stage.operate(EXCEPT, 2, exception=exception(cast, 2, 1))
    stage.settle()
    assert stage.spec.body.cohort == cast.clients[1:]
