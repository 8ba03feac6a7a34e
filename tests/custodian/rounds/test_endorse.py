"""A custodian endorses one freeze of a round (threats T3, T5 and T8)."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.store.evidence import evidence_of
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import LeftOut, Member
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.custodian.conftest import Submission
    from tests.custodian.rounds.conftest import Play

A = "custodian-0"


@pytest.fixture
def spec(play: "Play") -> Signed[Spec]:
    return play.spec()


@pytest.fixture
def admitted(play: "Play", spec: Signed[Spec]) -> list["Submission"]:
    """Everybody's contributions, admitted by A in round 0."""
    return play.opened(A, spec, play.clients)


def test_an_allowed_freeze_is_endorsed(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    freeze = play.freeze(spec, admitted[:4])

    (endorsement,) = play.perform(A, EndorseDuty(0, freeze.digest))

    verify(endorsement, play.study.custodian_keys)
    assert endorsement.body == Endorsement("small-study", 0, spec.digest, freeze.digest, A)


def test_the_same_freeze_again_gets_the_same_bytes_also_after_restart_and_close(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    duty = EndorseDuty(0, play.freeze(spec, admitted[:4]).digest)
    (first,) = play.perform(A, duty)
    play.restart(A)
    (second,) = play.perform(A, duty)
    play.perform(A, CloseDuty(0))
    (third,) = play.perform(A, duty)
    assert signed_to_bytes(first) == signed_to_bytes(second) == signed_to_bytes(third)


def test_a_second_freeze_of_a_round_is_refused_for_ever(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    play.perform(A, EndorseDuty(0, play.freeze(spec, admitted).digest))
    second = play.freeze(spec, admitted[1:])
    duty = EndorseDuty(0, second.digest)

    assert play.refused(A, duty) == "one-freeze-per-round"
    play.restart(A)
    assert play.refused(A, duty) == "one-freeze-per-round"
    play.perform(A, CloseDuty(0))
    assert play.refused(A, duty) == "one-freeze-per-round"

    with play.custodian(A).store.reading() as connection:
        (kept,) = evidence_of(connection, "small-study", 0)
    assert kept.message == signed_to_bytes(second)


def test_a_second_freeze_that_cannot_be_had_is_refused_all_the_same(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    play.perform(A, EndorseDuty(0, play.freeze(spec, admitted).digest))
    assert play.refused(A, EndorseDuty(0, b"x" * 32)) == "one-freeze-per-round"
    # And the freeze of another round proves nothing about this one.
    elsewhere = play.freeze(spec, admitted, round_number=5)
    assert play.refused(A, EndorseDuty(0, elsewhere.digest)) == "one-freeze-per-round"
    with play.custodian(A).store.reading() as connection:
        assert evidence_of(connection, "small-study", 0) == ()


def test_a_member_that_was_never_shown_is_not_endorsed(play: "Play", spec: Signed[Spec]) -> None:
    admitted = play.opened(A, spec, play.clients[:4])
    unseen = play.submission(spec, "client-05")
    freeze = play.freeze(spec, [*admitted, unseen])
    assert play.refused(A, EndorseDuty(0, freeze.digest)) == "not-admitted"


def test_a_member_that_was_denied_is_not_endorsed(play: "Play", spec: Signed[Spec]) -> None:
    play.perform(A, AcceptDuty(spec))
    good = play.submissions(spec, play.clients[:3])
    bad = play.submission(spec, "client-03", seed_commitments=(b"x" * 32,) * 4)
    page = play.page(spec, [*good, bad])
    play.perform(A, play.admit_duty(A, page, [*good, bad]))

    with_denied = play.freeze(spec, [*good, bad])
    assert play.refused(A, EndorseDuty(0, with_denied.digest)) == "not-admitted"
    assert play.perform(A, EndorseDuty(0, play.freeze(spec, good).digest))[0].signer == A


def test_a_member_with_another_contribution_than_the_admitted_is_not_endorsed(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    swapped = play.submission(spec, "client-02")
    freeze = play.freeze(spec, [*admitted[:2], swapped, *admitted[3:]])
    assert play.refused(A, EndorseDuty(0, freeze.digest)) == "not-admitted"


@pytest.mark.parametrize(
    ("members", "changes", "rule"),
    [
        (2, {}, "min-cohort"),
        (4, {"round_id": b"x" * 32}, "wrong-round"),
        (4, {"round_number": 1}, "wrong-round"),
        (4, {"study": "another-study"}, "wrong-study"),
        (4, {"root": b"x" * 32}, "freeze-root"),
        (4, {"left_out": (LeftOut("client-00", b"x" * 32, "late"),)}, "left-out"),
    ],
)
def test_a_freeze_that_breaks_a_rule_is_not_endorsed(
    play: "Play",
    spec: Signed[Spec],
    admitted: list["Submission"],
    members: int,
    changes: dict[str, Any],
    rule: str,
) -> None:
    freeze = play.freeze(spec, admitted[:members], **changes)
    assert play.refused(A, EndorseDuty(0, freeze.digest)) == rule
    # Nothing was kept of it: an allowed one is endorsed afterwards.
    allowed = play.freeze(spec, admitted[:5])
    assert isinstance(play.perform(A, EndorseDuty(0, allowed.digest))[0].body, Endorsement)


def test_an_uninvited_member_is_not_endorsed(play: "Play") -> None:
    spec = play.spec(cohort=tuple(play.clients[:4]))
    admitted = play.opened(A, spec, play.clients[:4])
    stranger = Member("client-05", b"x" * 32)
    members = (*(Member(one.client, one.contribution.digest) for one in admitted), stranger)
    freeze = play.freeze(spec, admitted, members=members)
    assert play.refused(A, EndorseDuty(0, freeze.digest)) == "unknown-client"


def test_too_few_organisations_are_not_endorsed(make_play: Callable[..., "Play"]) -> None:
    roster = make_play().study.clients
    one_house = tuple(
        replace(client, organisation="organisation-00") if index < 4 else client
        for index, client in enumerate(roster)
    )
    play = make_play(clients=6)
    play.people = play.people.with_manifest(clients=one_house)
    spec = play.spec()
    admitted = play.opened(A, spec, play.clients)
    assert play.refused(A, EndorseDuty(0, play.freeze(spec, admitted[:4]).digest)) == (
        "min-organisations"
    )


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (CustodianPolicy(min_cohort_floor=5), "own-min-cohort"),
        (CustodianPolicy(min_organisations_floor=5), "own-min-organisations"),
    ],
)
def test_a_custodians_own_floor_beats_the_studys(
    play: "Play", spec: Signed[Spec], policy: CustodianPolicy, rule: str
) -> None:
    admitted = play.opened(A, spec, play.clients)
    # Raised while the round runs: the study was begun under a floor that it met.
    object.__setattr__(play.custodian(A).seat, "policy", policy)
    assert play.refused(A, EndorseDuty(0, play.freeze(spec, admitted[:4]).digest)) == rule


def test_a_freeze_that_the_aggregator_did_not_sign_is_rejected(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    freeze = play.publish(play.freeze(spec, admitted[:4]).body, "client-00")
    assert play.refused(A, EndorseDuty(0, freeze.digest)) == "unknown-signer"


def test_other_bytes_than_the_asked_for_are_rejected(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    asked, served = play.freeze(spec, admitted[:4]), play.freeze(spec, admitted[1:])
    play.published[asked.digest] = play.published[served.digest]
    assert play.refused(A, EndorseDuty(0, asked.digest)) == "fetched-digest"


def test_a_freeze_that_cannot_be_had_is_asked_for_again(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    freeze = play.freeze(spec, admitted[:4])
    kept = play.published.pop(freeze.digest)
    (refusal,) = play.perform(A, EndorseDuty(0, freeze.digest))
    assert (refusal.body.kind, refusal.body.request_digest) == ("unavailable", freeze.digest)

    play.published[freeze.digest] = kept
    assert isinstance(play.perform(A, EndorseDuty(0, freeze.digest))[0].body, Endorsement)


def test_nothing_is_endorsed_in_a_round_that_was_closed(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    play.perform(A, CloseDuty(0))
    freeze = play.freeze(spec, admitted[:4])
    assert play.refused(A, EndorseDuty(0, freeze.digest)) == "round-closed"


def test_nothing_is_endorsed_in_a_round_that_was_never_accepted(
    play: "Play", spec: Signed[Spec]
) -> None:
    freeze = play.freeze(spec, play.submissions(spec, play.clients))
    assert play.refused(A, EndorseDuty(0, freeze.digest)) == "unknown-round"


def test_an_earlier_rounds_freeze_is_not_endorsed_in_a_later_one(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    old = play.freeze(spec, admitted)
    second = play.spec_after(spec, play.closes_of(spec, None, play.names[1:]))
    play.opened(A, second, play.clients)
    assert play.refused(A, EndorseDuty(1, old.digest)) == "wrong-round"
