"""A study is amended while custodians serve it: each round is under its own manifest."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from tests.custodian.rounds.amending import OLD, Amending, admitted, closed

from blindsum_crypto.errors import Refused
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.manifest import EnrolledClient
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A, B, C, D = OLD


@pytest.fixture
def amending(play: "Play") -> Amending:
    return Amending(play)


def moved_to(amending: Amending, *names: str, but: str = A) -> tuple[Signed[Spec], Signed[Spec]]:
    """Round 0 of the old committee, and round 1 that puts another one in force."""
    first = amending.play.spec()
    told = amending.amendment(committee=amending.committee(*names))
    closes = closed(amending, first, but, told.digest)
    return first, amending.spec_after(first, closes, **amending.put_in_force(told))


def test_who_stays_works_on_at_its_new_place_with_its_new_parts(amending: Amending) -> None:
    play = amending.play
    amending.start(B)
    first, second = moved_to(amending, B, C, D, "custodian-4", but=B)
    play.perform(B, AcceptDuty(first))

    _, acceptance = play.perform(B, AcceptDuty(second))

    assert acceptance.body == Acceptance("small-study", 1, second.digest, B)
    submissions = play.submissions(second, second.body.cohort)
    play.perform(B, play.admit_duty(B, play.page(second, submissions), submissions))
    freeze = play.freeze(second, submissions)
    endorsements = play.endorsements_of(second, freeze, (C, D, "custodian-4"))
    pages = play.perform(B, ReleaseDuty(1, freeze.digest, endorsements))
    parts = {part.part for page in pages for part in page.body.parts}
    assert all(isinstance(page.body, Release) for page in pages)
    assert parts == set(amending.in_force.body.committee.parts_of(0))
    assert parts != set(amending.original.body.committee.parts_of(1))


def test_who_left_closes_what_it_sat_in_and_does_nothing_in_later_rounds(
    amending: Amending,
) -> None:
    play = amending.play
    amending.start(A)
    play.perform(A, AcceptDuty(play.spec()))
    _, second = moved_to(amending, B, C, D, "custodian-4")

    assert play.refused(A, AcceptDuty(second)) == "not-seated"
    told = amending.in_force.amendment_digest
    (close,) = play.perform(A, CloseDuty(0, told))

    assert close.body == Close("small-study", 0, b"", A, amending.original.digest, told)
    assert play.custodian(A).attendance() == ()


def test_a_newcomer_reads_the_study_and_signs_nothing_of_rounds_before_it(
    amending: Amending,
) -> None:
    play = amending.play
    _, second = moved_to(amending, A, B, C, "custodian-4")
    amending.start("custodian-4")
    assert play.refused("custodian-4", CloseDuty(0)) == "not-seated"

    answers = play.perform("custodian-4", AcceptDuty(second))

    assert [answer.body for answer in answers] == [
        Acceptance("small-study", 1, second.digest, "custodian-4")
    ]
    assert play.refused("custodian-4", CloseDuty(0)) == "not-seated"
    assert [step.round_number for step in play.custodian("custodian-4").attendance()] == [1]
    assert admitted(play, "custodian-4", second).denials == ()


def test_a_newcomer_without_the_amended_file_is_no_custodian_of_the_study(
    amending: Amending,
) -> None:
    moved_to(amending, A, B, C, "custodian-4")

    with pytest.raises(Refused) as caught:
        amending.start("custodian-4", AmendedManifest(amending.original))

    assert caught.value.rule == "not-a-custodian"


def test_a_newcomer_is_not_seated_before_the_amendment_is_in_force(amending: Amending) -> None:
    play, first = amending.play, amending.play.spec()
    told = amending.in_force.amended(
        [amending.amendment(committee=amending.committee(A, B, C, "custodian-4"))]
    )
    amending.start("custodian-4", told)

    assert play.refused("custodian-4", AcceptDuty(first)) == "not-seated"


def test_the_stand_of_a_round_survives_a_restart_with_the_first_file(amending: Amending) -> None:
    play = amending.play
    amending.start(B)
    _, second = moved_to(amending, B, C, D, "custodian-4", but=B)
    play.perform(B, AcceptDuty(second))

    amending.start(B, AmendedManifest(amending.original))

    assert admitted(play, B, second).denials == ()
    (close,) = play.perform(B, CloseDuty(1))
    assert isinstance(close.body, Close)


def test_a_new_committee_is_refused_without_a_quorum_of_the_old_ones_closes(
    amending: Amending,
) -> None:
    play = amending.play
    amending.start(A)
    first = play.spec()
    play.perform(A, AcceptDuty(first))
    told = amending.amendment(committee=amending.committee(A, B, "custodian-4", "custodian-5"))
    in_force = amending.put_in_force(told)
    amending.start("custodian-4")
    by_the_new = play.closes_of(first, None, (A, "custodian-4", "custodian-5"), told.digest)
    too_few = play.closes_of(first, None, (A, B), told.digest)

    forged = amending.spec_after(first, by_the_new, **in_force)
    short = amending.spec_after(first, too_few, **in_force)

    for name in (A, "custodian-4"):
        assert play.refused(name, AcceptDuty(forged)) == "unknown-signer"
        assert play.refused(name, AcceptDuty(short)) == "quorum-of-closes"


def test_a_round_that_withholds_an_amendment_is_refused_and_history_is_read(
    amending: Amending,
) -> None:
    play = amending.play
    first = play.spec()
    told = amending.in_force.amended([amending.amendment(left=(play.clients[5],))])
    amending.start(A, told)

    withheld = amending.spec_after(first, closed(amending, first))
    assert play.refused(A, AcceptDuty(first)) == "amendment-withheld"
    assert play.refused(A, AcceptDuty(withheld)) == "amendment-withheld"
    in_force = amending.put_in_force(*told.amendments)
    granted = amending.spec_after(first, closed(amending, first), **in_force)
    answers = play.perform(A, AcceptDuty(granted))

    assert isinstance(answers[-1].body, Acceptance)


def test_a_study_may_end_without_the_amendment(amending: Amending) -> None:
    play, first = amending.play, amending.play.spec()
    told = amending.in_force.amended([amending.amendment(left=(play.clients[5],))])
    amending.start(A, told)

    answers = play.perform(A, AcceptDuty(play.end_after(first, closed(amending, first))))

    assert isinstance(answers[-1].body, Acceptance)


def test_two_amendments_of_one_number_are_a_fork(amending: Amending) -> None:
    play, first = amending.play, amending.play.spec()
    told = amending.in_force.amended([amending.amendment(left=(play.clients[5],))])
    other = amending.amendment(left=(play.clients[4],))
    amending.start(A, told)

    forked = amending.spec_after(first, closed(amending, first), **amending.put_in_force(other))

    assert play.refused(A, AcceptDuty(forked)) == "amendment-fork"


def test_a_revoked_client_is_denied_at_once_and_the_others_are_not(amending: Amending) -> None:
    play, spec = amending.play, amending.play.spec()
    amending.start(A)
    play.perform(A, AcceptDuty(spec))
    revoked = play.clients[2]

    amending.start(A, amending.in_force.amended([amending.amendment(revoked=(revoked,))]))
    denials = admitted(play, A, spec).denials

    assert [(one.client, one.rule) for one in denials] == [(revoked, "revoked")]


def test_a_freeze_with_a_revoked_member_is_not_endorsed_and_without_it_is(
    amending: Amending,
) -> None:
    play, spec = amending.play, amending.play.spec()
    amending.start(A)
    submissions = play.opened(A, spec, play.clients)
    freeze = play.freeze(spec, submissions)

    amending.start(A, amending.in_force.amended([amending.amendment(revoked=(play.clients[2],))]))

    assert play.refused(A, EndorseDuty(0, freeze.digest)) == "revoked-member"
    without = play.freeze(spec, [one for one in submissions if one.client != play.clients[2]])
    (answer,) = play.perform(A, EndorseDuty(0, without.digest))
    assert isinstance(answer.body, Endorsement)


def test_a_client_that_joins_is_admitted_from_its_round_on(amending: Amending) -> None:
    play = amending.play
    amending.start(A)
    first = play.spec()
    body = amending.original.body
    keys = amending.enrolled(A)
    guest = EnrolledClient("guest", "organisation-guest", keys.wrap_key[:32], b"\7" * 32)
    amendment = amending.amendment(joined=(guest,))
    with pytest.raises(Refused) as caught:
        amending.in_force.amended([amending.amendment(joined=(body.clients[0],))])
    assert caught.value.rule == "amendment-known-party"

    in_force = amending.put_in_force(amendment)
    second = amending.spec_after(first, closed(amending, first), **in_force)
    answers = play.perform(A, AcceptDuty(second))

    assert isinstance(answers[-1].body, Acceptance)
    assert "guest" in second.body.cohort
    early = play.spec(cohort=second.body.cohort)
    amending.start(B, AmendedManifest(amending.original))
    assert play.refused(B, AcceptDuty(early)) == "spec-cohort"


def test_the_own_policy_holds_for_the_committee_that_is_put_in_force(
    make_play: Callable[..., "Play"],
) -> None:
    amending = Amending(make_play(custodians=7, threshold=3, quorum=5))
    play = amending.play
    amending.start(A)
    object.__setattr__(play.custodian(A).seat.policy, "threshold_floor", 3)
    first = play.spec()
    amendment = amending.amendment(committee=amending.committee(*OLD))
    names = [f"custodian-{index}" for index in range(1, 6)]
    closes = play.closes_of(first, None, names, amendment.digest)

    weaker = amending.spec_after(first, closes, **amending.put_in_force(amendment))

    assert play.refused(A, AcceptDuty(weaker)) == "own-threshold"
