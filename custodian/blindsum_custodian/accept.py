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
from blindsum_custodian.store.answers import Step, find_answer, keep_answer
from blindsum_custodian.store.rounds import find_round, keep_spec, newest_round, open_rounds
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec
from blindsum_rules.spec_checks import check_spec
from blindsum_rules.succession import check_first, check_succession
from blindsum_rules.transitions import CustodianState


@dataclass(frozen=True, slots=True)
class AcceptDuty:
    """The aggregator proposes a round, or the end of the study."""

    spec: Signed[Spec]


def accept(seat: Seat, duty: AcceptDuty) -> tuple[Signed[Any], ...]:
    """Check a spec against manifest, clock, own policy and everything before it; accept it.

    A custodian that was absent first reads every spec that it missed. A spec that ends the study
    is accepted in the same way.

    Returns:
        A close for each round that is left by this, ascending, then the acceptance; if the spec
        was accepted before, the stored acceptance alone.

    Raises:
        Refused: `one-spec-per-round-number`, when another spec of this number was accepted or
            read; `round-closed` or `round-missed`, when this custodian went past the round;
            `store-rolled-back`; `privacy-budget`, when too few of its cohort can still afford a
            round at its worst; and what `check_spec`, `check_first`, `check_succession` and the
            custodian's own policy raise.
        Rejected: `unknown-signer`, `bad-signature`; `fetched-digest`, `fetched-round`, when
            something else comes than was asked for.
        Unavailable: when a missed spec or a freeze cannot be fetched now.
    """
    spec = verify(duty.spec, seat.manifest.body.aggregator_key)
    if spec.body.study != seat.study:
        raise Refused("spec-study", f"expected {seat.study!r}, got {spec.body.study!r}")
    answered = _answered(seat, spec)
    if answered is not None:
        return (answered,)
    check_spec(spec, seat.manifest, int(seat.clock()))
    seat.policy.check_spec(spec.body)
    before = _read_missed(seat, spec)
    lesson = _check_against(seat, spec, before)
    return _accept_anew(seat, spec, lesson)


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


def _read_missed(seat: Seat, spec: Signed[Spec]) -> Signed[Spec] | None:
    """Read every spec between the newest known one and this one; return the one before this.

    Two walks: back along the records to learn the missed round ids, 32 bytes each, and forth to
    check and keep one spec at a time. What was kept stays kept if the walk is cut short.
    """
    with seat.store.reading() as connection:
        newest = newest_round(connection, seat.study)
    before = None if newest is None else newest.spec
    for round_id in reversed(list(_missed_ids(seat, spec, before))):
        missed = seat.fetch_spec(round_id)
        check_spec(missed, seat.manifest, None)
        lesson = _check_against(seat, missed, before)
        with seat.store.decision() as connection:
            keep_spec(connection, missed, CustodianState.READ)
            keep_lesson(connection, seat, lesson)
        before = missed
    return before


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
    """Check how a spec follows the one before it, and what it teaches about that round."""
    if before is None:
        check_first(spec, seat.manifest)
        return Lesson()
    check_succession(spec, before, seat.manifest)
    return learn(seat, spec, before)


def _accept_anew(seat: Seat, spec: Signed[Spec], lesson: Lesson) -> tuple[Signed[Any], ...]:
    answers: tuple[Signed[Any], ...] = ()
    with seat.store.decision() as connection:
        # What was learned stays, also when the round is refused: the others have charged it.
        keep_lesson(connection, seat, lesson)
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
    return tuple(close_round(connection, seat, open_number) for open_number in leaving)


def _keep(connection: Connection, seat: Seat, spec: Signed[Spec]) -> Signed[Acceptance]:
    number = spec.body.round_number
    keep_spec(connection, spec, CustodianState.ACCEPTED)
    acceptance = seat.sign(Acceptance(seat.study, number, spec.digest, seat.name))
    keep_answer(connection, seat.place(number, Step.ACCEPT), acceptance)
    return acceptance
