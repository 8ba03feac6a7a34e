"""A custodian accepts one spec per round number (threats T6, T8 and T10)."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.store.evidence import evidence_of
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import verify

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A = "custodian-0"


def test_a_good_spec_is_accepted_with_the_custodians_signature(play: "Play") -> None:
    spec = play.spec()

    (acceptance,) = play.perform(A, AcceptDuty(spec))

    verify(acceptance, play.study.custodian_keys)
    assert acceptance.body == Acceptance("small-study", 0, spec.digest, A)
    assert acceptance.signer == A


def test_the_same_spec_again_gets_the_same_bytes_also_after_a_restart(play: "Play") -> None:
    spec = play.spec()
    (first,) = play.perform(A, AcceptDuty(spec))

    (second,) = play.perform(A, AcceptDuty(spec))
    play.restart(A)
    (third,) = play.perform(A, AcceptDuty(spec))

    assert signed_to_bytes(first) == signed_to_bytes(second) == signed_to_bytes(third)


def test_an_accepted_spec_is_answered_again_after_its_deadline(play: "Play") -> None:
    spec = play.spec()
    (first,) = play.perform(A, AcceptDuty(spec))
    play.now += 10_000

    assert play.perform(A, AcceptDuty(spec)) == (first,)


def test_a_second_spec_of_one_number_is_refused_and_kept_as_evidence(play: "Play") -> None:
    play.perform(A, AcceptDuty(play.spec()))
    second = play.spec(cohort=tuple(play.clients[:4]))

    (refusal,) = play.perform(A, AcceptDuty(second))

    assert refusal.body.rule == "one-spec-per-round-number"
    assert refusal.body.request_digest == second.digest
    verify(refusal, play.study.custodian_keys)
    with play.custodian(A).store.reading() as connection:
        (kept,) = evidence_of(connection, "small-study", 0)
    assert kept.message == signed_to_bytes(second)


def test_a_second_spec_of_one_number_is_refused_after_a_restart(play: "Play") -> None:
    play.perform(A, AcceptDuty(play.spec()))
    second = play.spec(cohort=tuple(play.clients[:4]))
    for _ in range(3):
        play.restart(A)
        assert play.refused(A, AcceptDuty(second)) == "one-spec-per-round-number"


def test_evidence_of_a_round_is_bounded(play: "Play") -> None:
    play.perform(A, AcceptDuty(play.spec()))
    for extra in range(20):
        other = play.spec(release_deadline_unix=int(play.now) + 700 + extra)
        assert play.refused(A, AcceptDuty(other)) == "one-spec-per-round-number"
    with play.custodian(A).store.reading() as connection:
        assert len(evidence_of(connection, "small-study", 0)) == 16


def test_a_forged_second_spec_is_rejected_and_is_no_evidence(play: "Play") -> None:
    spec = play.spec()
    play.perform(A, AcceptDuty(spec))
    forged = replace(play.spec(cohort=tuple(play.clients[:4])), signature=spec.signature)

    assert play.refused(A, AcceptDuty(forged)) == "bad-signature"
    with play.custodian(A).store.reading() as connection:
        assert evidence_of(connection, "small-study", 0) == ()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"study": "another-study"}, "spec-study"),
        ({"amendment_digest": b"x" * 32}, "spec-amendment"),
        ({"epoch": 1}, "spec-epoch"),
        ({"min_cohort": 2}, "spec-min-cohort"),
        ({"cohort": ("client-00", "client-01")}, "spec-cohort"),
        ({"wrap_key_digests": (b"x" * 32,) * 4}, "spec-wrap-keys"),
        ({"model_digest": b"x" * 32}, "model-version"),
        ({"contribute_deadline_unix": 1_800_100_000}, "spec-deadline"),
    ],
)
def test_a_spec_that_the_study_does_not_allow_is_refused(
    play: "Play", changes: dict[str, Any], rule: str
) -> None:
    assert play.refused(A, AcceptDuty(play.spec(**changes))) == rule
    # Nothing is kept of it: the true spec of that number is accepted afterwards.
    (acceptance,) = play.perform(A, AcceptDuty(play.spec()))
    assert isinstance(acceptance.body, Acceptance)


def test_a_spec_that_the_aggregator_did_not_sign_is_rejected(play: "Play") -> None:
    spec = play.people.sign(play.spec().body, "operator")
    assert play.refused(A, AcceptDuty(spec)) == "unknown-signer"


@pytest.mark.parametrize(("late_by", "kind"), [(299, Acceptance), (301, Refusal)])
def test_a_spec_is_refused_300_seconds_past_its_deadline(
    play: "Play", late_by: int, kind: type[Acceptance | Refusal]
) -> None:
    spec = play.spec()
    play.now = spec.body.contribute_deadline_unix + late_by

    (answer,) = play.perform(A, AcceptDuty(spec))

    assert isinstance(answer.body, kind)
    assert getattr(answer.body, "rule", "spec-late") == "spec-late"


def test_a_round_is_left_by_its_close_before_the_next_is_accepted(play: "Play") -> None:
    first = play.spec()
    play.perform(A, AcceptDuty(first))
    second = play.spec_after(first, play.closes_of(first, None, play.names[1:]))

    close, acceptance = play.perform(A, AcceptDuty(second))

    assert close.body == Close("small-study", 0, b"", A, play.people.manifest.digest)
    assert acceptance.body == Acceptance("small-study", 1, second.digest, A)
    assert play.perform(A, CloseDuty(0)) == (close,)
    assert play.perform(A, AcceptDuty(second)) == (acceptance,)


def test_a_spec_without_a_quorum_of_closes_is_refused(play: "Play") -> None:
    first = play.spec()
    play.perform(A, AcceptDuty(first))
    second = play.spec_after(first, play.closes_of(first, None, play.names[2:]))
    assert play.refused(A, AcceptDuty(second)) == "quorum-of-closes"


def test_another_study_of_the_same_aggregator_is_no_evidence_in_this_one(play: "Play") -> None:
    play.perform(A, AcceptDuty(play.spec()))
    assert play.refused(A, AcceptDuty(play.spec(study="other"))) == "spec-study"
    with play.custodian(A).store.reading() as connection:
        assert evidence_of(connection, "small-study", 0) == ()


def test_a_custodians_own_floor_beats_the_studys(make_play: Callable[..., "Play"]) -> None:
    play = make_play(min_cohort=4)
    play.policy = CustodianPolicy(min_cohort_floor=4)
    play.custodian(A)
    # Raised while the custodian runs: the study was founded under a floor that it still met.
    object.__setattr__(play.custodian(A).seat, "policy", CustodianPolicy(min_cohort_floor=5))
    assert play.refused(A, AcceptDuty(play.spec())) == "own-min-cohort"


def test_an_end_is_accepted_and_nothing_follows_it(play: "Play") -> None:
    first = play.spec()
    play.perform(A, AcceptDuty(first))
    end = play.end_after(first, play.closes_of(first, None, play.names[1:]))

    close, acceptance = play.perform(A, AcceptDuty(end))

    assert isinstance(close.body, Close)
    assert acceptance.body == Acceptance("small-study", 1, end.digest, A)
    assert play.refused(A, CloseDuty(1)) == "study-ended"
    beyond = play.spec_after(end, play.closes_of(end, None, play.names[1:]))
    assert play.refused(A, AcceptDuty(beyond)) == "study-ended"


def test_a_round_that_was_closed_unseen_is_not_accepted_any_more(play: "Play") -> None:
    (close,) = play.perform(A, CloseDuty(0))
    assert close.body == Close("small-study", 0, b"", A, play.people.manifest.digest)
    assert play.refused(A, AcceptDuty(play.spec())) == "round-closed"
