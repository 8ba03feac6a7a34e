"""What the operator may ask: a round, an abort, an exception, an amendment, the end; good once."""

import hmac
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from blindsum_aggregator.amending import take_amendments
from blindsum_aggregator.exceptions import take_exception
from blindsum_aggregator.outcome import abort_round
from blindsum_aggregator.store.messages import MessageKind, subjects_of
from blindsum_aggregator.store.requests import add_request
from blindsum_aggregator.store.rounds import ENDED, RoundRow, newest_round
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.amendment import SignedAmendment
from blindsum_rules.exception import SignedException
from blindsum_rules.requests import OperatorAction, OperatorRequest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import SpecKind
from blindsum_rules.spec_checks import CLOCK_SKEW_SECONDS
from blindsum_rules.transitions import AggregatorEvent, AggregatorState

_STEP_WAITED_FOR: Final = {
    AggregatorState.PROPOSED: MessageKind.ACCEPTANCE,
    AggregatorState.FROZEN: MessageKind.ENDORSEMENT,
    AggregatorState.ENDORSED: MessageKind.RELEASE,
    AggregatorState.RELEASED: MessageKind.RELEASE,
}


def operate(
    study: Study,
    connection: Connection,
    signed: Signed[OperatorRequest],
    exception: SignedException | None = None,
    amendments: Sequence[SignedAmendment] = (),
) -> str:
    """Take an operator's request whose signature is verified; act at once or tell the driver.

    Args:
        study: The study.
        connection: The transaction.
        signed: The request.
        exception: What came beside it; an `except-round` hands one in, nothing else does.
        amendments: What came beside it; an `amend-study` hands them in, nothing else does.

    Returns:
        A sentence for the operator.

    Raises:
        Refused: `wrong-study`, `wrong-manifest`; `request-time`, when it was issued more than 300 s
            away from now; `nonce-used`; `request-round`, when it names another round than the one
            it can be for; `study-ended`; `round-running`, when a round is to open before the one
            at hand has an outcome; `no-round-yet`, when there is nothing to end; and what
            `take_exception` and `take_amendments` refuse.
        Rejected: `exception-digest` or `amendment-digest`, when another one, or none, came than the
            request names; and what `take_exception` and `take_amendments` reject.
    """
    request = signed.body
    row = newest_round(connection, study.name)
    _check(study, row, request)
    _check_beside(request, exception, amendments)
    add_request(connection, signed)
    match request.action:
        case OperatorAction.ABORT_ROUND:
            text = _abort(study, connection, row, request)
        case OperatorAction.OPEN_ROUND:
            text = _open(row, request)
        case OperatorAction.END_STUDY:
            text = _end(row, request)
        case OperatorAction.EXCEPT_ROUND:
            text = _except(study, connection, row, request, exception)
        case OperatorAction.AMEND_STUDY:
            text = _amend(study, connection, request, amendments)
    return text


def _abort(
    study: Study, connection: Connection, row: RoundRow | None, request: OperatorRequest
) -> str:
    if row is None or row.number != request.round_number or row.state in ENDED:
        raise Refused("request-round", "expected the number of the round at hand, without outcome")
    reason = request.reason + _silent(study, connection, row)
    event = AggregatorEvent.OPERATOR_ABORT
    abort_round(study, connection, row, event, Refused("operator-abort", reason))
    return f"round {row.number} is aborted"


def _silent(study: Study, connection: Connection, row: RoundRow) -> str:
    """Whom the round was waiting for, for the notice of its abort (threat T13)."""
    step = _STEP_WAITED_FOR.get(row.state)
    if step is None:
        return ""
    answered = subjects_of(connection, study.name, row.number, step)
    committee = study.manifest_of(connection, row.number).custodians
    names = [one.name for one in committee if one.name not in answered]
    return f" (no {step} of {', '.join(names)})" if names else ""


def _open(row: RoundRow | None, request: OperatorRequest) -> str:
    _check_next(row, request)
    if row is not None and row.state not in ENDED:
        raise Refused("round-running", f"expected an outcome of round {row.number} first")
    before = "" if row is None else "the round before is closed and "
    return f"round {request.round_number} opens as soon as {before}a quorum of custodians attends"


def _end(row: RoundRow | None, request: OperatorRequest) -> str:
    if row is None:
        raise Refused("no-round-yet", "expected a study with at least one round")
    _check_next(row, request)
    return f"the study ends with number {request.round_number}, once round {row.number} is closed"


def _except(
    study: Study,
    connection: Connection,
    row: RoundRow | None,
    request: OperatorRequest,
    exception: SignedException | None,
) -> str:
    if exception is None or exception.body.round_number != request.round_number:
        raise Refused("request-round", "expected the number of the round that the exception names")
    return take_exception(study, connection, row, exception)


def _amend(
    study: Study,
    connection: Connection,
    request: OperatorRequest,
    amendments: Sequence[SignedAmendment],
) -> str:
    if request.round_number != 0:
        raise Refused("request-round", "expected 0: the next spec carries what is amended")
    before = study.eras(connection)
    amended = take_amendments(before, connection, amendments)
    if amended.number == before.in_force.number:
        return f"amendment {amended.number} is in force already"
    text = f"amendment {amended.number} comes into force with the next round"
    heeded = sorted(amended.revoked - before.in_force.revoked)
    return f"{text}; revoked from now on: {', '.join(heeded)}" if heeded else text


def _check_beside(
    request: OperatorRequest,
    exception: SignedException | None,
    amendments: Sequence[SignedAmendment],
) -> None:
    """Check that a request comes with the very things that it names."""
    came = b"" if exception is None else exception.digest
    if not hmac.compare_digest(came, request.exception_digest):
        raise Rejected("exception-digest", "expected the very exception that the request names")
    last = amendments[-1].digest if amendments else b""
    if not hmac.compare_digest(last, request.amendment_digest):
        raise Rejected("amendment-digest", "expected the amendments whose last the request names")


def _check(study: Study, row: RoundRow | None, request: OperatorRequest) -> None:
    """Check what every request must be: for this study, and of now."""
    if request.study != study.name:
        raise Refused("wrong-study", f"expected {study.name!r}, got {request.study!r}")
    if not hmac.compare_digest(request.manifest_digest, study.signed_manifest.digest):
        raise Refused("wrong-manifest", "expected a request for the study of this manifest")
    if abs(study.clock() - request.issued_unix) > CLOCK_SKEW_SECONDS:
        raise Refused("request-time", f"expected a request within {CLOCK_SKEW_SECONDS} s of now")
    if row is not None and row.kind is SpecKind.END:
        raise Refused("study-ended", "expected a study that goes on")


def _check_next(row: RoundRow | None, request: OperatorRequest) -> None:
    following = 0 if row is None else row.number + 1
    if request.round_number != following:
        raise Refused("request-round", f"expected the next number {following}")
