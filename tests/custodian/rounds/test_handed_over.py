"""A custodian leaves a round to one committee: the one that goes on, or the one that takes over."""

from typing import TYPE_CHECKING

import pytest
from tests.custodian.rounds.amending import OLD, Amending, closed

from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.amendment import SignedAmendment
from blindsum_rules.close import Close

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A, B, C, D = OLD
NEW = "custodian-4"


@pytest.fixture
def amending(play: "Play") -> Amending:
    """Round 0 is open at A."""
    amending = Amending(play)
    amending.start(A)
    play.perform(A, AcceptDuty(play.spec()))
    return amending


def another(amending: Amending) -> SignedAmendment:
    """An amendment that puts a newcomer in D's place."""
    return amending.amendment(committee=amending.committee(A, B, C, NEW))


@pytest.mark.parametrize("seen", [0, 1], ids=["a round that it saw", "a round that it never saw"])
def test_a_round_is_left_to_one_committee_for_ever(amending: Amending, seen: int) -> None:
    play, told = amending.play, another(amending)
    (left,) = play.perform(A, CloseDuty(seen, told.digest))
    assert isinstance(left.body, Close)
    assert left.body.handed_to == told.digest

    for _ in range(2):
        assert play.refused(A, CloseDuty(seen)) == "handed-to"
        assert play.refused(A, CloseDuty(seen, b"x" * 32)) == "handed-to"
        assert play.perform(A, CloseDuty(seen, told.digest)) == (left,)
        amending.start(A)


@pytest.mark.parametrize("to_new", [True, False], ids=["to the new one", "to the old one"])
def test_who_closed_accepts_the_spec_of_the_committee_that_it_named_alone(
    amending: Amending, *, to_new: bool
) -> None:
    play, told, first = amending.play, another(amending), amending.play.spec()
    play.perform(A, CloseDuty(0, told.digest if to_new else b""))
    going_on = amending.spec_after(first, closed(amending, first))
    closes = closed(amending, first, A, told.digest)
    taking_over = amending.spec_after(first, closes, **amending.put_in_force(told))
    named, other = (taking_over, going_on) if to_new else (going_on, taking_over)

    assert play.refused(A, AcceptDuty(other)) == "handed-to"
    (acceptance,) = play.perform(A, AcceptDuty(named))

    assert isinstance(acceptance.body, Acceptance)


def test_leaving_by_an_acceptance_names_the_committee_of_the_spec(amending: Amending) -> None:
    play, told, first = amending.play, another(amending), amending.play.spec()
    closes = closed(amending, first, A, told.digest)
    second = amending.spec_after(first, closes, **amending.put_in_force(told))

    left, acceptance = play.perform(A, AcceptDuty(second))

    assert left.body.handed_to == told.digest
    assert acceptance.body.round_id == second.digest
    assert play.refused(A, CloseDuty(0)) == "handed-to"


def test_a_missed_round_of_the_committee_that_was_not_named_is_not_read(
    amending: Amending,
) -> None:
    play, told, first = amending.play, another(amending), amending.play.spec()
    play.perform(A, CloseDuty(0))
    closes = closed(amending, first, A, told.digest)
    missed = amending.spec_after(first, closes, **amending.put_in_force(told))
    closes = play.closes_of(missed, None, (B, C, NEW))
    third = amending.spec_after(missed, closes)

    assert play.refused(A, AcceptDuty(third)) == "handed-to"


def test_a_round_left_long_ago_is_left_to_the_committee_that_followed_it(
    amending: Amending,
) -> None:
    """It comes back two rounds later, and leaves what it sat in to whom the study went on with."""
    play, told, first = amending.play, another(amending), amending.play.spec()
    closes = closed(amending, first, A, told.digest)
    missed = amending.spec_after(first, closes, **amending.put_in_force(told))
    third = amending.spec_after(missed, play.closes_of(missed, None, (B, C, NEW)))

    answers = play.perform(A, AcceptDuty(third))

    left = {one.body.round_number: one.body.handed_to for one in answers[:-1]}
    assert left[0] == told.digest
    assert set(left.values()) <= {told.digest, b""}
    assert isinstance(answers[-1].body, Acceptance)


def test_the_new_committee_is_handed_the_round_and_goes_on(amending: Amending) -> None:
    play, told, first = amending.play, another(amending), amending.play.spec()
    closes = closed(amending, first, A, told.digest)
    second = amending.spec_after(first, closes, **amending.put_in_force(told))
    amending.start(NEW)

    answers = [play.perform(name, AcceptDuty(second))[-1] for name in (A, NEW)]
    (close,) = play.perform(NEW, CloseDuty(1))

    assert [type(answer.body) for answer in answers] == [Acceptance] * 2
    assert close.body.handed_to == b""
