"""Where a custodian stands in a round, when it is asked to do something in it."""

from dataclasses import dataclass

from sqlalchemy import Connection

from blindsum_crypto.errors import Refused
from blindsum_custodian.seat import Seat
from blindsum_custodian.store.rounds import find_round
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec, SpecKind
from blindsum_rules.transitions import CustodianState


@dataclass(frozen=True, slots=True)
class Standing:
    """A round that this custodian accepted and has not closed.

    Attributes:
        spec: The one spec that it accepted under this number.
        state: Its last step.
    """

    spec: Signed[Spec]
    state: CustodianState


def stand_in_round(connection: Connection, seat: Seat, round_number: int) -> Standing:
    """Where this custodian stands in a round in which it may still do something new.

    Raises:
        Refused: `unknown-round`, when it accepted no spec of this number; `study-ended`, when that
            spec ended the study; `round-closed`, when it closed the round; `round-missed`, when it
            only read the spec.
    """
    known = find_round(connection, seat.study, round_number)
    if known is None:
        raise Refused("unknown-round", f"expected a round that was accepted, got {round_number}")
    if known.spec is None or known.state is CustodianState.CLOSED:
        raise Refused("round-closed", f"expected an open round, got {round_number}: closed here")
    if known.spec.body.kind is SpecKind.END:
        raise Refused("study-ended", f"expected a round, got the end of the study {round_number}")
    if known.state is CustodianState.READ:
        raise Refused(
            "round-missed", f"expected a round that was accepted, {round_number} was only read"
        )
    return Standing(known.spec, known.state)
