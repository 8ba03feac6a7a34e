"""A custodian that was absent reads what it missed before it accepts."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.admit import AdmitDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.store.rounds import find_round
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import CustodianState

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A = "custodian-0"


def rounds_without(play: "Play", count: int) -> list[Signed[Spec]]:
    """Specs of rounds that the others went through and in which nobody froze anything."""
    specs = [play.spec()]
    for _ in range(count - 1):
        closes = play.closes_of(specs[-1], None, play.names[1:])
        specs.append(play.spec_after(specs[-1], closes))
    return specs


def test_an_absent_custodian_advances_over_several_rounds(play: "Play") -> None:
    specs = rounds_without(play, 5)
    play.perform(A, AcceptDuty(specs[0]))

    answers = play.perform(A, AcceptDuty(specs[4]))

    assert [answer.body for answer in answers[:-1]] == [
        Close("small-study", number, b"", A, play.people.manifest.digest) for number in range(4)
    ]
    assert answers[-1].body == Acceptance("small-study", 4, specs[4].digest, A)


def test_a_custodian_that_comes_late_reads_from_round_0(play: "Play") -> None:
    specs = rounds_without(play, 3)
    answers = play.perform(A, AcceptDuty(specs[2]))
    assert [type(answer.body) for answer in answers] == [Close, Close, Acceptance]


def test_missed_specs_are_read_past_their_deadline(play: "Play") -> None:
    specs = rounds_without(play, 2)
    play.now += 5_000
    late = play.spec_after(specs[1], play.closes_of(specs[1], None, play.names[1:]))

    *closes, acceptance = play.perform(A, AcceptDuty(late))

    assert len(closes) == 2
    assert isinstance(acceptance.body, Acceptance)


def test_nothing_is_done_in_a_round_that_was_only_read(play: "Play") -> None:
    specs = rounds_without(play, 2)
    submissions = play.submissions(specs[0], play.clients[:3])
    page = play.page(specs[0], submissions)
    freeze = play.freeze(specs[0], submissions)
    play.perform(A, AcceptDuty(specs[1]))
    endorsements = play.endorsements_of(specs[0], freeze, play.names[1:])

    assert play.refused(A, AcceptDuty(specs[0])) == "round-missed"
    assert play.refused(A, play.admit_duty(A, page, submissions)) == "round-closed"
    assert play.refused(A, EndorseDuty(0, freeze.digest)) == "round-closed"
    assert play.refused(A, ReleaseDuty(0, freeze.digest, endorsements)) == "round-closed"


def test_a_walk_that_was_cut_short_goes_on_where_it_was(play: "Play") -> None:
    specs = rounds_without(play, 5)
    play.perform(A, AcceptDuty(specs[0]))
    whole = play.custodian(A).seat.fetch_signed
    asked: list[bytes] = []

    def failing(digest: bytes) -> bytes:
        asked.append(digest)
        # The walk back asks for rounds 3, 2, 1; the walk forth for 1, then 2 is not to be had.
        return play.fetch(b"" if len(asked) > 4 else digest)

    object.__setattr__(play.custodian(A).seat, "fetch_signed", failing)
    assert play.refused(A, AcceptDuty(specs[4])) == "aggregator-unreachable"
    object.__setattr__(play.custodian(A).seat, "fetch_signed", whole)
    with play.custodian(A).store.reading() as connection:
        read = find_round(connection, "small-study", 1)
        missing = find_round(connection, "small-study", 2)
    assert read is not None
    assert read.state is CustodianState.READ
    assert missing is None
    # The round that was read but not left is still not one to work in.
    page = play.page(specs[1], [])
    assert play.refused(A, AdmitDuty(page, ())) == "round-missed"

    answers = play.perform(A, AcceptDuty(specs[4]))

    assert [type(answer.body) for answer in answers] == [Close] * 4 + [Acceptance]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"closes": ()}, "quorum-of-closes"),
        ({"model_version": 1, "model_digest": b"m" * 32}, "model-version-without-aggregate"),
        ({"min_cohort": 2}, "spec-min-cohort"),
        ({"round_number": 2}, "fetched-round"),
    ],
)
def test_a_missed_spec_that_breaks_a_rule_stops_the_custodian(
    play: "Play", changes: dict[str, Any], rule: str
) -> None:
    first = play.spec()
    play.perform(A, AcceptDuty(first))
    closes = play.closes_of(first, None, play.names[1:])
    true = play.spec_after(first, closes)
    broken = play.publish(replace(true.body, **changes))
    following = play.spec_after(
        broken,
        play.closes_of(broken, None, play.names[1:]),
        round_number=2,
        model_version=broken.body.model_version,
        model_digest=broken.body.model_digest,
    )

    assert play.refused(A, AcceptDuty(following)) == rule
    # And it did not go anywhere: the true successor is still welcome.
    assert isinstance(play.perform(A, AcceptDuty(true))[-1].body, Acceptance)


def test_a_fork_behind_what_the_custodian_knows_is_refused(play: "Play") -> None:
    play.perform(A, AcceptDuty(play.spec()))
    other = play.spec(cohort=tuple(play.clients[:4]))
    fork = play.spec_after(other, play.closes_of(other, None, play.names[1:]))
    assert play.refused(A, AcceptDuty(fork)) == "previous-round"
    longer = play.spec_after(fork, play.closes_of(fork, None, play.names[1:]))
    assert play.refused(A, AcceptDuty(longer)) == "previous-round"


def test_a_served_spec_with_another_digest_is_rejected(play: "Play") -> None:
    specs = rounds_without(play, 3)
    play.perform(A, AcceptDuty(specs[0]))
    play.published[specs[1].digest] = play.published[specs[2].digest]
    assert play.refused(A, AcceptDuty(specs[2])) == "fetched-digest"


def test_a_freeze_named_in_closes_is_fetched_and_remembered(play: "Play") -> None:
    first = play.spec()
    submissions = play.submissions(first, play.clients[:4])
    freeze = play.freeze(first, submissions)
    closes = play.closes_of(first, freeze, play.names[1:])
    second = play.spec_after(first, closes)
    play.perform(A, AcceptDuty(second))

    # Same version, so every freeze must equal or avoid {0, 1, 2, 3} (threat T5).
    again = play.submissions(second, play.clients[1:5])
    play.perform(A, play.admit_duty(A, play.page(second, again), again))
    assert play.refused(A, EndorseDuty(1, play.freeze(second, again).digest)) == "no-differencing"
    inside = play.freeze(second, again[:3])
    assert play.refused(A, EndorseDuty(1, inside.digest)) == "no-differencing"


def test_a_freeze_that_is_known_is_not_fetched_again(play: "Play") -> None:
    first = play.spec()
    freeze = play.freeze(first, play.opened(A, first, play.clients))
    play.perform(A, EndorseDuty(0, freeze.digest))
    del play.published[freeze.digest]
    second = play.spec_after(first, play.closes_of(first, freeze, play.names[1:]))
    assert isinstance(play.perform(A, AcceptDuty(second))[-1].body, Acceptance)


def test_a_freeze_named_in_closes_that_cannot_be_had_is_waited_for(play: "Play") -> None:
    first = play.spec()
    freeze = play.freeze(first, play.submissions(first, play.clients[:4]))
    kept = play.published.pop(freeze.digest)
    second = play.spec_after(first, play.closes_of(first, freeze, play.names[1:]))

    (refusal,) = play.perform(A, AcceptDuty(second))
    assert (refusal.body.kind, refusal.body.rule) == ("unavailable", "aggregator-unreachable")

    play.published[freeze.digest] = kept
    assert isinstance(play.perform(A, AcceptDuty(second))[-1].body, Acceptance)


def test_a_freeze_named_in_closes_that_was_never_allowed_is_refused(play: "Play") -> None:
    first = play.spec()
    freeze = play.freeze(first, play.submissions(first, play.clients[:2]))
    second = play.spec_after(first, play.closes_of(first, freeze, play.names[1:]))
    assert play.refused(A, AcceptDuty(second)) == "min-cohort"


def test_a_round_that_was_closed_unseen_is_read_later_and_stays_closed(play: "Play") -> None:
    specs = rounds_without(play, 3)
    (close,) = play.perform(A, CloseDuty(1))

    answers = play.perform(A, AcceptDuty(specs[2]))

    assert [answer.body.round_number for answer in answers] == [0, 2]
    assert play.perform(A, CloseDuty(1)) == (close,)
    with play.custodian(A).store.reading() as connection:
        known = find_round(connection, "small-study", 1)
    assert known is not None
    assert known.spec == specs[1]
    assert known.state is CustodianState.CLOSED
