"""The specs by round number: one for each, and where this custodian stands in each round."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, insert, select, update

from blindsum_custodian.store.amendments import keep_amendments
from blindsum_custodian.store.tables import ROUNDS
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import CUSTODIAN, CustodianEvent, CustodianState, step

# All but the spec, which is long. Any: columns of several types.
_STANDING: Final[list[Column[Any]]] = [
    ROUNDS.c.study,
    ROUNDS.c.round_number,
    ROUNDS.c.state,
    ROUNDS.c.round_id,
]

_PARSED_SPECS: Final = 8
_PARSED: Final[dict[bytes, Signed[Spec]]] = {}
"""The specs that were read last, by round id: the same bytes, whichever store they came from."""

_PARSING: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class StoredRound:
    """A round as this custodian remembers it.

    Attributes:
        round_number: Its number.
        state: The custodian's last step.
        spec: Its spec, or None for a round that was closed before its spec was ever seen.
    """

    round_number: int
    state: CustodianState
    spec: Signed[Spec] | None


def find_round(connection: Connection, study: str, round_number: int) -> StoredRound | None:
    """The round of that number, or None."""
    query = select(*_STANDING).where(ROUNDS.c.study == study, ROUNDS.c.round_number == round_number)
    row = connection.execute(query).one_or_none()
    return None if row is None else _stored(connection, row)


def newest_round(connection: Connection, study: str) -> StoredRound | None:
    """The round with the highest number of which a spec is known, or None."""
    query = (
        select(*_STANDING)
        .where(ROUNDS.c.study == study, ROUNDS.c.spec.is_not(None))
        .order_by(ROUNDS.c.round_number.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else _stored(connection, row)


def open_rounds(connection: Connection, study: str) -> Sequence[tuple[int, CustodianState]]:
    """Number and state of every round that is not closed, ascending."""
    query = (
        select(ROUNDS.c.round_number, ROUNDS.c.state)
        .where(ROUNDS.c.study == study, ROUNDS.c.state != CustodianState.CLOSED.value)
        .order_by(ROUNDS.c.round_number)
    )
    return [(row.round_number, CustodianState(row.state)) for row in connection.execute(query)]


def keep_spec(connection: Connection, spec: Signed[Spec], state: CustodianState) -> None:
    """Remember a spec under its number, in its first state, and what it puts in force.

    A round that was closed before its spec was seen gets the spec and stays closed.
    """
    body = spec.body
    keep_amendments(connection, body)
    values = {"round_id": spec.digest, "spec": signed_to_bytes(spec)}
    filled = connection.execute(
        update(ROUNDS)
        .where(ROUNDS.c.study == body.study, ROUNDS.c.round_number == body.round_number)
        .where(ROUNDS.c.spec.is_(None))
        .values(**values)
    )
    if not filled.rowcount:
        key = {"study": body.study, "round_number": body.round_number}
        connection.execute(insert(ROUNDS).values(state=state.value, **key, **values))


def keep_closed_unseen(connection: Connection, study: str, round_number: int) -> None:
    """Remember that a round is closed of which no spec was seen."""
    connection.execute(
        insert(ROUNDS).values(
            study=study, round_number=round_number, state=CustodianState.CLOSED.value
        )
    )


def advance(
    connection: Connection, study: str, round_number: int, event: CustodianEvent
) -> CustodianState:
    """Move a round on by the one table of transitions, and return its new state.

    Raises:
        Refused: `transition`, when the table has no such step.
    """
    here = (ROUNDS.c.study == study, ROUNDS.c.round_number == round_number)
    before = CustodianState(connection.execute(select(ROUNDS.c.state).where(*here)).scalar_one())
    after = step(CUSTODIAN, before, event)
    connection.execute(update(ROUNDS).where(*here).values(state=after.value))
    return after


def _stored(connection: Connection, row: Row[Any]) -> StoredRound:
    spec = None if row.round_id is None else _spec(connection, row)
    return StoredRound(row.round_number, CustodianState(row.state), spec)


def _spec(connection: Connection, row: Row[Any]) -> Signed[Spec]:
    """The spec of a row, read and parsed once: of many clients it is long, and has many pages."""
    with _PARSING:
        parsed = _PARSED.pop(row.round_id, None)
        if parsed is None:
            query = select(ROUNDS.c.spec).where(
                ROUNDS.c.study == row.study, ROUNDS.c.round_number == row.round_number
            )
            parsed = signed_from_bytes(Spec, connection.execute(query).scalar_one())
        _PARSED[row.round_id] = parsed
        while len(_PARSED) > _PARSED_SPECS:
            del _PARSED[next(iter(_PARSED))]
        return parsed
