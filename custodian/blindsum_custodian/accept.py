"""Step 2: a custodian accepts one spec per round number, and leaves every round before it.

One spec of a number for ever, also after a restart (threat T10): the number is the key under which
it is kept, and it is kept before the acceptance leaves.
"""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from blindsum_crypto.errors import Refused, Rejected
from blindsum_custodian.close import close_round
from blindsum_custodian.learn import Lesson, keep_lesson, learn
from blindsum_custodian.ledger import unpayable
from blindsum_custodian.seat import Seat
from blindsum_custodian.store.amendments import amendments_of
from blindsum_custodian.store.answers import Step, find_answer, keep_answer
from blindsum_custodian.store.rounds import find_round, keep_spec, newest_round, open_rounds
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.amendment import handover
from blindsum_rules.amendments_told import check_as_told
from blindsum_rules.close import Close
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec, SpecKind
from blindsum_rules.spec_checks import check_spec, check_study_and_number, in_force
from blindsum_rules.succession import check_first, check_succession
from blindsum_rules.transitions import CustodianState


@dataclass(frozen=True, slots=True)
class AcceptDuty:
    """The aggregator proposes a round, or the end of the study."""

    spec: Signed[Spec]


def accept(seat: Seat, duty: AcceptDuty) -> tuple[Signed[Any], ...]:
    """Check a spec against manifest, clock, own policy and everything before it; accept it.

    A custodian that was absent, or joins with an amendment, first reads every spec that it missed,
    each by the manifest of its own round. A spec that ends the study is accepted in the same way.

    Args:
        seat: The custodian, under any manifest of the study.
        duty: The spec.

    Returns:
        A close for each round that is left by this, ascending, then the acceptance; if the spec
        was accepted before, the stored acceptance alone.

    Raises:
        Refused: `one-spec-per-round-number`, when another spec of this number was accepted or
            read; `round-closed` or `round-missed`, when this custodian went past the round;
            `not-seated`, when it is not of the round's committee; `epoch-key`;
            `amendment-withheld` or `amendment-fork`, as `check_as_told`; `handed-to`;
            `store-rolled-back`; `privacy-budget`, when too few of its cohort can still afford a
            round at its worst; and what `in_force`, `check_spec`, `check_first`,
            `check_succession` and the custodian's own policy raise.
        Rejected: `unknown-signer`, `bad-signature`; `fetched-digest`, `fetched-round`, when
            something else comes than was asked for.
        Unavailable: when a missed spec or a freeze cannot be fetched now.
    """
    spec = verify(duty.spec, seat.manifest.body.aggregator_key)
    # What may be said before it is known who is enrolled: that is told by the specs before.
    check_study_and_number(spec.body, seat.manifest)
    answered = _answered(seat, spec)
    if answered is not None:
        return (answered,)
    before, there = _read_missed(seat, spec)
    here = there.under(in_force(spec, there.manifest))
    check_spec(spec, here.manifest, int(seat.clock()))
    here.policy.check_spec(spec.body)
    lesson = _check_against(there, spec, before)
    _check_place(here, spec.body)
    return _accept_anew(there, here, spec, lesson)


def _check_place(seat: Seat, spec: Spec) -> None:
    """Check that this custodian may sign for a round under the manifest that is in force there."""
    seat.check_seated()
    if spec.kind is SpecKind.END:
        return
    seat.check_key()
    check_as_told(seat.manifest, seat.known)
    if seat.manifest.number:
        # The committee may be another one than the study was founded with.
        seat.policy.check_manifest(seat.manifest.body)


def _answered(seat: Seat, spec: Signed[Spec]) -> Signed[Acceptance] | None:
    """The stored acceptance of this very spec, or None when nothing is known of its number."""
    number = spec.body.round_number
    with seat.store.reading() as connection:
        known = find_round(connection, seat.study, number)
        answered = find_answer(connection, seat.place(number, Step.ACCEPT), Acceptance)
    if known is None:
        return None
    if known.spec is None:
        raise Refused("round-closed", f"expected a round that is open here, {number} is closed")
    if not hmac.compare_digest(known.spec.digest, spec.digest):
        refusal = Refused(
            "one-spec-per-round-number", f"expected the one spec of round {number} known here"
        )
        seat.refuse_with_evidence(number, spec, refusal)
    if answered is None:
        raise Refused("round-missed", f"expected a later round, {number} was only read")
    return answered


def _read_missed(seat: Seat, spec: Signed[Spec]) -> tuple[Signed[Spec] | None, Seat]:
    """Read every spec between the newest known one and this one.

    Two walks: back along the records to learn the missed round ids, 32 bytes each, and forth to
    check and keep one spec at a time. What was kept stays kept if the walk is cut short.

    Returns:
        The spec of the round before this one with the seat in that round; before the first round
        none, and the seat under the manifest as it was signed.
    """
    with seat.store.reading() as connection:
        newest = newest_round(connection, seat.study)
        there = seat.at(connection, -1 if newest is None else newest.round_number)
    before = None if newest is None else newest.spec
    for round_id in reversed(list(_missed_ids(seat, spec, before))):
        missed = seat.fetch_spec(round_id)
        here = there.under(in_force(missed, there.manifest))
        check_spec(missed, here.manifest, None)
        lesson = _check_against(there, missed, before)
        # A round of another committee is none that this custodian could close.
        state = CustodianState.READ if here.is_seated else CustodianState.CLOSED
        with seat.store.decision() as connection:
            keep_spec(connection, missed, state)
            keep_lesson(connection, there, lesson)
        before, there = missed, here
    return before, there


def _missed_ids(seat: Seat, spec: Signed[Spec], known: Signed[Spec] | None) -> Iterator[bytes]:
    first_missed = 0 if known is None else known.body.round_number + 1
    later = spec
    for number in range(spec.body.round_number - 1, first_missed - 1, -1):
        round_id = later.body.previous.round_id
        later = seat.fetch_spec(round_id)
        if later.body.study != seat.study or later.body.round_number != number:
            raise Rejected("fetched-round", f"expected the record of round {number}")
        yield round_id


def _check_against(seat: Seat, spec: Signed[Spec], before: Signed[Spec] | None) -> Lesson:
    """Check how a spec follows the one before it, and what it teaches about that round.

    The seat is that in the round before: its committee closed it.
    """
    if before is None:
        check_first(spec, seat.manifest)
        return Lesson()
    _check_left_to(seat, spec.body)
    check_succession(spec, before, seat.manifest)
    return learn(seat, spec, before)


def _accept_anew(
    there: Seat, seat: Seat, spec: Signed[Spec], lesson: Lesson
) -> tuple[Signed[Any], ...]:
    answers: tuple[Signed[Any], ...] = ()
    with seat.store.decision() as connection:
        # What was learned stays, also when the round is refused: the others have charged it.
        keep_lesson(connection, there, lesson)
        refusal = unpayable(connection, seat, spec.body)
        if refusal is None:
            answers = (*_leave_before(connection, seat, spec), _keep(connection, seat, spec))
    if refusal is not None:
        raise refusal
    if len(answers) > 1:
        seat.store.erase()
    return answers


def _leave_before(
    connection: Connection, seat: Seat, spec: Signed[Spec]
) -> tuple[Signed[Close], ...]:
    """Close every open round before this one, ascending."""
    leaving: Sequence[int] = [
        open_number
        for open_number, _ in open_rounds(connection, seat.study)
        if open_number < spec.body.round_number
    ]
    return tuple(
        close_round(connection, seat, number, _left_to(connection, number, spec.body))
        for number in leaving
    )


def _left_to(connection: Connection, number: int, newest: Spec) -> bytes:
    """To which committee a round is left: that of the round after, which was read by now."""
    if number + 1 == newest.round_number:
        return newest.handed_to
    return handover(amendments_of(connection, newest.study, number + 1))


def _check_left_to(seat: Seat, spec: Spec) -> None:
    """Check that this custodian, if it closed the round before, left it to this committee."""
    place = seat.place(spec.round_number - 1, Step.CLOSE)
    with seat.store.reading() as connection:
        own = find_answer(connection, place, Close)
    if own is not None and not hmac.compare_digest(own.body.handed_to, spec.handed_to):
        raise Refused(
            "handed-to",
            f"expected the committee to which this custodian left round {spec.round_number - 1}",
        )


def _keep(connection: Connection, seat: Seat, spec: Signed[Spec]) -> Signed[Acceptance]:
    number = spec.body.round_number
    keep_spec(connection, spec, CustodianState.ACCEPTED)
    acceptance = seat.sign(Acceptance(seat.study, number, spec.digest, seat.name))
    keep_answer(connection, seat.place(number, Step.ACCEPT), acceptance)
    return acceptance
