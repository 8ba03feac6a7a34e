"""How a round ends: aborted by name, and closed once a quorum of custodians has left it."""

from typing import Any, Final

import structlog
from sqlalchemy import Connection

from blindsum_aggregator.amending import decide_handover
from blindsum_aggregator.store.messages import MessageKind, add_message, count_messages
from blindsum_aggregator.store.rounds import RoundRow, find_round, move_round
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import BlindsumError
from blindsum_protos.convert.fields import one_line
from blindsum_rules.certificate import Abort
from blindsum_rules.transitions import AggregatorEvent, AggregatorState

_LOG: Final[Any] = structlog.get_logger("blindsum.aggregator")


def abort_round(
    study: Study,
    connection: Connection,
    row: RoundRow,
    event: AggregatorEvent,
    reason: BlindsumError,
) -> None:
    """End a round without an aggregate; model and version repeat in the next one.

    Raises:
        Refused: `transition`, when the round cannot be aborted by that event any more.
    """
    abort = Abort(
        study=study.name,
        round_number=row.number,
        round_id=row.round_id,
        freeze_digest=row.freeze_digest,
        rule=reason.rule,
        expected=one_line(reason.expected),
    )
    row = move_round(
        connection,
        row,
        event,
        study.clock(),
        rule=abort.rule,
        expected=abort.expected,
        next_version=row.model_version,
        next_digest=row.model_digest,
    )
    _LOG.warning(
        "round-aborted",
        study=study.name,
        round_number=row.number,
        rule=abort.rule,
        expected=abort.expected,
    )
    place = study.place(row.number, MessageKind.ABORT)
    add_message(connection, place, study.sign(abort))
    settle_closes(study, connection, row)


def settle_closes(study: Study, connection: Connection, row: RoundRow) -> RoundRow:
    """Close a round that has an outcome as soon as a quorum of closes is there."""
    if row.state not in (AggregatorState.PUBLISHED, AggregatorState.ABORTED):
        return row
    decide_handover(study.eras(connection), connection, row.number)
    closes = count_messages(connection, study.name, row.number, MessageKind.CLOSE)
    if closes < study.manifest_of(connection, row.number).quorum:
        return row
    return move_round(connection, row, AggregatorEvent.QUORUM_CLOSED, study.clock())


def running_round(study: Study, connection: Connection, number: int) -> RoundRow | None:
    """A round as it stands in this transaction, unless it has an outcome by now."""
    row = find_round(connection, study.name, number)
    ended = (AggregatorState.PUBLISHED, AggregatorState.ABORTED, AggregatorState.CLOSED)
    return None if row is None or row.state in ended else row
