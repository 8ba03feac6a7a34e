"""A round's states for each role: what may happen. What may not happen stands in no table.

The strings are the states' names on the wire and on disk.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from blindsum_crypto.errors import Refused


class AggregatorState(StrEnum):
    """Where a round stands for the aggregator; it begins as PROPOSED."""

    PROPOSED = "PROPOSED"
    OPEN = "OPEN"
    FROZEN = "FROZEN"
    ENDORSED = "ENDORSED"
    RELEASED = "RELEASED"
    PUBLISHED = "PUBLISHED"
    ABORTED = "ABORTED"
    CLOSED = "CLOSED"


class AggregatorEvent(StrEnum):
    """What moves the aggregator's round on."""

    QUORUM_ACCEPTED = "quorum-accepted"
    FREEZE = "freeze"
    QUORUM_ENDORSED = "quorum-endorsed"
    PARTS_COMPLETE = "parts-complete"
    PUBLISH = "publish"
    GATE_FAILED = "gate-failed"
    TIME_OUT = "time-out"
    OPERATOR_ABORT = "operator-abort"
    QUORUM_CLOSED = "quorum-closed"


class CustodianState(StrEnum):
    """Where a round stands for a custodian; it begins as ACCEPTED, or READ when it was missed."""

    ACCEPTED = "ACCEPTED"
    READ = "READ"
    ENDORSED = "ENDORSED"
    RELEASED = "RELEASED"
    CLOSED = "CLOSED"


class CustodianEvent(StrEnum):
    """What a custodian does in a round. Sending stored bytes again is no event."""

    ENDORSE = "endorse"
    RELEASE = "release"
    CLOSE = "close"


class ClientState(StrEnum):
    """Where a contribution stands for its client; it begins as SEALED, once it is on disk."""

    SEALED = "SEALED"
    SENT = "SENT"
    SETTLED = "SETTLED"
    FREED = "FREED"


class ClientEvent(StrEnum):
    """What moves a contribution on: the receipt, a verified certificate, a quorum of closes."""

    RECEIPT = "receipt"
    CERTIFICATE = "certificate"
    CLOSES = "closes"


StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT", bound=StrEnum)

AGGREGATOR: Final[Mapping[tuple[AggregatorState, AggregatorEvent], AggregatorState]] = {
    (AggregatorState.PROPOSED, AggregatorEvent.QUORUM_ACCEPTED): AggregatorState.OPEN,
    (AggregatorState.PROPOSED, AggregatorEvent.TIME_OUT): AggregatorState.ABORTED,
    (AggregatorState.PROPOSED, AggregatorEvent.OPERATOR_ABORT): AggregatorState.ABORTED,
    (AggregatorState.OPEN, AggregatorEvent.FREEZE): AggregatorState.FROZEN,
    (AggregatorState.OPEN, AggregatorEvent.TIME_OUT): AggregatorState.ABORTED,
    (AggregatorState.OPEN, AggregatorEvent.OPERATOR_ABORT): AggregatorState.ABORTED,
    # A freeze that was sent for endorsement may be endorsed behind a time-out; the next round
    # would then have to equal it or avoid it. So only the operator gives one up.
    (AggregatorState.FROZEN, AggregatorEvent.QUORUM_ENDORSED): AggregatorState.ENDORSED,
    (AggregatorState.FROZEN, AggregatorEvent.OPERATOR_ABORT): AggregatorState.ABORTED,
    # Nor does the clock end a round whose releases do not come; the status names who is silent.
    (AggregatorState.ENDORSED, AggregatorEvent.PARTS_COMPLETE): AggregatorState.RELEASED,
    (AggregatorState.ENDORSED, AggregatorEvent.OPERATOR_ABORT): AggregatorState.ABORTED,
    (AggregatorState.RELEASED, AggregatorEvent.PUBLISH): AggregatorState.PUBLISHED,
    (AggregatorState.RELEASED, AggregatorEvent.GATE_FAILED): AggregatorState.ABORTED,
    (AggregatorState.RELEASED, AggregatorEvent.OPERATOR_ABORT): AggregatorState.ABORTED,
    (AggregatorState.PUBLISHED, AggregatorEvent.QUORUM_CLOSED): AggregatorState.CLOSED,
    (AggregatorState.ABORTED, AggregatorEvent.QUORUM_CLOSED): AggregatorState.CLOSED,
}

CUSTODIAN: Final[Mapping[tuple[CustodianState, CustodianEvent], CustodianState]] = {
    (CustodianState.ACCEPTED, CustodianEvent.ENDORSE): CustodianState.ENDORSED,
    (CustodianState.ACCEPTED, CustodianEvent.CLOSE): CustodianState.CLOSED,
    # A spec that was only read carried others over a round; this custodian endorses nothing in it.
    (CustodianState.READ, CustodianEvent.CLOSE): CustodianState.CLOSED,
    # Release stands behind endorse only: who did not endorse records the freeze as its own first.
    (CustodianState.ENDORSED, CustodianEvent.RELEASE): CustodianState.RELEASED,
    (CustodianState.ENDORSED, CustodianEvent.CLOSE): CustodianState.CLOSED,
    (CustodianState.RELEASED, CustodianEvent.CLOSE): CustodianState.CLOSED,
}

CLIENT: Final[Mapping[tuple[ClientState, ClientEvent], ClientState]] = {
    (ClientState.SEALED, ClientEvent.RECEIPT): ClientState.SENT,
    # A client that stopped before its receipt was on disk may meet itself in a certificate.
    (ClientState.SEALED, ClientEvent.CERTIFICATE): ClientState.SETTLED,
    (ClientState.SEALED, ClientEvent.CLOSES): ClientState.FREED,
    (ClientState.SENT, ClientEvent.CERTIFICATE): ClientState.SETTLED,
    (ClientState.SENT, ClientEvent.CLOSES): ClientState.FREED,
}


def step(table: Mapping[tuple[StateT, EventT], StateT], state: StateT, event: EventT) -> StateT:
    """The state that follows `event` in `state`.

    Raises:
        Refused: `transition`, when the table has no such step.
    """
    following = table.get((state, event))
    if following is None:
        possible = sorted(after for before, after in table if before == state)
        raise Refused(
            "transition", f"expected one of {possible} in state {state.value}, got {event.value}"
        )
    return following
