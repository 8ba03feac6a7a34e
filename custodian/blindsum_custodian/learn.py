"""What a spec teaches about the round before it: who closed it, and which freeze they named.

A custodian that endorsed nothing in a round still remembers what others endorsed there: a freeze
counts as released until a quorum of closes does not name it, whatever the aggregator says it did
(docs/specification.md, step 9; threats T5 and T28).
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from blindsum_crypto.errors import Refused
from blindsum_custodian.ledger import charge_learned, settle
from blindsum_custodian.seat import Seat
from blindsum_custodian.store.answers import Step, find_answer
from blindsum_custodian.store.freezes import keep_close, keep_freeze, known_freezes
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.freeze_checks import check_freeze
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is new about the round before, verified and ready to be kept.

    Attributes:
        closes: Its closes that the spec carries.
        freezes: The freezes that they name and that were not known.
        model_version: The version that its clients trained from.
    """

    closes: tuple[Signed[Close], ...] = ()
    freezes: tuple[Signed[Freeze], ...] = ()
    model_version: int = 0


def learn(seat: Seat, spec: Signed[Spec], before: Signed[Spec]) -> Lesson:
    """Read a spec's closes, and fetch and check every freeze that they name and nobody knows here.

    Args:
        seat: The custodian.
        spec: A spec that passed `check_spec` and `check_succession`, so its closes are verified.
        before: The spec of the round before.

    Raises:
        Refused: `store-rolled-back`, when the spec carries a signature of this custodian that it
            does not remember; and what `check_freeze` raises.
        Rejected: `fetched-digest`; and what `check_freeze` raises.
        Unavailable: when a freeze cannot be fetched now.
    """
    _check_own_closes(seat, spec.body)
    check_own_endorsements(seat, spec.body.endorsements)
    with seat.store.reading() as connection:
        known = known_freezes(connection, seat.study, before.body.round_number)
    named = {close.body.freeze_digest for close in spec.body.closes} - {b""}
    freezes = tuple(seat.fetch_freeze(digest) for digest in sorted(named - known))
    for freeze in freezes:
        check_freeze(freeze, before, seat.manifest.body)
    return Lesson(spec.body.closes, freezes, before.body.model_version)


def keep_lesson(connection: Connection, seat: Seat, lesson: Lesson) -> None:
    """Remember what was learned, inside a decision, and settle the ledger by it."""
    for close in lesson.closes:
        keep_close(connection, close)
    for freeze in lesson.freezes:
        keep_freeze(connection, freeze, lesson.model_version)
        charge_learned(connection, seat, freeze)
    settle(connection, seat, lesson.closes)


def check_own_endorsements(seat: Seat, endorsements: tuple[Signed[Endorsement], ...]) -> None:
    """Check that this custodian remembers every endorsement of its own that it is shown.

    Raises:
        Rejected: `bad-signature`, when one in its name is not its own.
        Refused: `store-rolled-back`; from then on this memory signs nothing.
    """
    own_key = {seat.name: seat.identity.public}
    for shown in endorsements:
        # Only what this custodian truly signed may stop it, or anybody could.
        if shown.signer != seat.name or verify(shown, own_key).body.study != seat.study:
            continue
        number = shown.body.round_number
        with seat.store.reading() as connection:
            own = find_answer(connection, seat.place(number, Step.ENDORSE), Endorsement)
        if own is None or not own.same_body(shown):
            _halt(seat, f"the endorsement of round {number} that it signed")


def _check_own_closes(seat: Seat, spec: Spec) -> None:
    for close in spec.closes:
        if close.signer != seat.name:
            continue
        place = seat.place(close.body.round_number, Step.CLOSE)
        with seat.store.reading() as connection:
            own = find_answer(connection, place, Close)
        if own is None or not own.same_body(close):
            _halt(seat, f"the close of round {close.body.round_number} that it signed")


def _halt(seat: Seat, missing: str) -> None:
    """An old memory was put back (threat T25): its holder has signed what it no longer knows."""
    seat.store.halt("store-rolled-back")
    raise Refused(
        "store-rolled-back",
        f"expected a memory that holds {missing}; it signs nothing from now on and is enrolled "
        "anew with new keys",
    )
