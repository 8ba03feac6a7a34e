"""Step 9: a custodian leaves a round by signing what it endorsed in it, and forgets its wraps.

Afterwards it endorses and releases nothing new in that round (threats T5 and T27).
"""

import hmac
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from blindsum_crypto.errors import Refused
from blindsum_custodian.seat import Seat
from blindsum_custodian.store.answers import Step, erase_answers, find_answer, keep_answer
from blindsum_custodian.store.freezes import endorsed_freeze, keep_close
from blindsum_custodian.store.pages import erase_headers
from blindsum_custodian.store.rounds import advance, find_round, keep_closed_unseen
from blindsum_rules.close import Close
from blindsum_rules.signed import Signed
from blindsum_rules.spec import SpecKind
from blindsum_rules.transitions import CustodianEvent


@dataclass(frozen=True, slots=True)
class CloseDuty:
    """The aggregator asks a custodian to leave a round.

    Attributes:
        round_number: The round.
        handed_to: Digest of the amendment by which another committee takes over, or empty. Which
            one it is, the next spec shows; here counts that a custodian names one alone.
    """

    round_number: int
    handed_to: bytes = b""


def close(seat: Seat, duty: CloseDuty) -> tuple[Signed[Any], ...]:
    """Leave a round for good, to the committee that goes on.

    A round whose spec was never seen is closed too: who was away when it was proposed may be
    needed for the quorum of closes, and what it signs then is true, and binds it.

    Raises:
        Refused: `unknown-round`, when the study has no round of this number; `study-ended`, when
            it is the number of the end; `handed-to`, when it was left to another committee.
    """
    number = duty.round_number
    with seat.store.decision() as connection:
        answered = find_answer(connection, seat.place(number, Step.CLOSE), Close)
        if answered is None:
            answered = _close_anew(connection, seat, number, duty.handed_to)
        elif not hmac.compare_digest(answered.body.handed_to, duty.handed_to):
            raise Refused("handed-to", f"expected the committee to which round {number} was left")
    seat.store.erase()
    return (answered,)


def close_round(
    connection: Connection, seat: Seat, round_number: int, handed_to: bytes
) -> Signed[Close]:
    """Close a round that is known and open, inside a decision; `Store.erase` must follow."""
    advance(connection, seat.study, round_number, CustodianEvent.CLOSE)
    freeze = endorsed_freeze(connection, seat.study, round_number)
    erase_headers(connection, seat.study, round_number)
    # What was released follows from the seeds: it opens the sum, and nobody asks for it any more.
    erase_answers(connection, seat.study, round_number, Step.RELEASE)
    frozen = b"" if freeze is None else freeze.digest
    return _sign_close(connection, seat, round_number, frozen, handed_to)


def _close_anew(
    connection: Connection, seat: Seat, round_number: int, handed_to: bytes
) -> Signed[Close]:
    known = find_round(connection, seat.study, round_number)
    if known is not None and known.spec is not None:
        if known.spec.body.kind is SpecKind.END:
            raise Refused("study-ended", f"expected a round, {round_number} is the study's end")
        return close_round(connection, seat, round_number, handed_to)
    rounds = seat.manifest.body.schedule.max_rounds
    if not 0 <= round_number < rounds:
        raise Refused("unknown-round", f"expected a round below {rounds}, got {round_number}")
    keep_closed_unseen(connection, seat.study, round_number)
    return _sign_close(connection, seat, round_number, b"", handed_to)


def _sign_close(
    connection: Connection, seat: Seat, round_number: int, freeze_digest: bytes, handed_to: bytes
) -> Signed[Close]:
    signed = seat.sign(
        Close(seat.study, round_number, freeze_digest, seat.name, seat.manifest.digest, handed_to)
    )
    keep_close(connection, signed)
    keep_answer(connection, seat.place(round_number, Step.CLOSE), signed)
    return signed
