"""What custodians answer: verified, one for each step, page and custodian, and stored for good.

Equal answers succeed again. A verified answer that contradicts an earlier one, or names another
spec, page or freeze than this round's, is kept as evidence and refused.
"""

import hmac
from collections.abc import Mapping
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from blindsum_aggregator.answer_checks import check_answer, page_exists
from blindsum_aggregator.outcome import settle_closes
from blindsum_aggregator.store.contributions import on_page, record_admission
from blindsum_aggregator.store.messages import (
    NO_PAGE,
    MessageKind,
    Place,
    add_evidence,
    add_message,
    count_messages,
    message_digest,
    round_of_digest,
)
from blindsum_aggregator.store.requests import add_refusal
from blindsum_aggregator.store.rounds import (
    CLOSES_FILED,
    OUTCOME_FILED,
    RoundRow,
    change_round,
    find_round,
    move_round,
)
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import AggregatorEvent, AggregatorState

_LOG: Final[Any] = structlog.get_logger("blindsum.aggregator")

KINDS: Final[Mapping[type[Any], MessageKind]] = {
    Acceptance: MessageKind.ACCEPTANCE,
    Admission: MessageKind.ADMISSION,
    Endorsement: MessageKind.ENDORSEMENT,
    Release: MessageKind.RELEASE,
    Close: MessageKind.CLOSE,
}

_QUORUMS: Final[Mapping[AggregatorEvent, MessageKind]] = {
    AggregatorEvent.QUORUM_ACCEPTED: MessageKind.ACCEPTANCE,
    AggregatorEvent.QUORUM_ENDORSED: MessageKind.ENDORSEMENT,
}


# Any: answers are of five kinds, told apart by their bodies.
def take_answer(study: Study, connection: Connection, answer: Signed[Any]) -> BlindsumError | None:
    """Store a custodian's verified answer and whatever follows from it, in one transaction.

    Args:
        study: The study.
        connection: The transaction.
        answer: Signed by the custodian that called; the signature is verified.

    Returns:
        The refusal to answer with, or None. It is returned, not raised, because the evidence must
        be committed first.

    Raises:
        Refused: `unknown-round`; `not-seated`, when the signer is no custodian of that round.
    """
    body = answer.body
    if body.study != study.name:
        raise Refused("wrong-study", f"expected {study.name!r}, got {body.study!r}")
    row = find_round(connection, study.name, body.round_number)
    if row is None:
        raise Refused("unknown-round", f"expected a proposed round, got {body.round_number}")
    if answer.signer not in study.manifest_of(connection, row.number).custodian_keys:
        raise Refused(
            "not-seated", f"expected a custodian of round {row.number}, got {answer.signer!r}"
        )
    kind = KINDS[type(body)]
    page = body.page if isinstance(body, Admission | Release) else NO_PAGE
    place = Place(study.name, row.number, kind, answer.signer, page)
    known = message_digest(connection, place)
    if known is not None and hmac.compare_digest(known, answer.digest):
        return None
    refusal = _contradiction(study, connection, row, answer, is_second=known is not None)
    if refusal is not None:
        # An answer to a page that was never made contradicts nothing, and would fill the disk.
        if page_exists(study, connection, row, answer):
            add_evidence(connection, place, refusal.rule, answer)
        return refusal
    if kind is MessageKind.RELEASE and row.state is AggregatorState.ABORTED:
        # It would open a sum that is not to be published; the key to it is not even kept.
        return Refused("round-ended", f"expected no release of the aborted round {row.number}")
    add_message(connection, place, answer)
    _follow_up(study, connection, row, answer)
    return None


def take_refusal(study: Study, connection: Connection, signed: Signed[Refusal]) -> None:
    """Remember a custodian's verified refusal; it moves nothing, and the duty comes again.

    Raises:
        Refused: `wrong-study`; kept, it would be another study's, and under names without end.
    """
    if signed.body.study != study.name:
        raise Refused("wrong-study", f"expected {study.name!r}, got {signed.body.study!r}")
    request_digest = signed.body.request_digest
    number = round_of_digest(connection, study.name, request_digest)
    if add_refusal(connection, NO_PAGE if number is None else number, signed):
        _LOG.warning(
            "custodian-refused",
            study=study.name,
            round_number=number,
            custodian=signed.signer,
            rule=signed.body.rule,
            expected=signed.body.expected,
        )


def _contradiction(
    study: Study,
    connection: Connection,
    row: RoundRow,
    answer: Signed[Any],
    *,
    is_second: bool,
) -> BlindsumError | None:
    if is_second:
        return Refused(
            "second-answer", f"expected the answer that {answer.signer!r} gave before, or none"
        )
    try:
        check_answer(study, connection, row, answer)
    except BlindsumError as error:
        return error
    return None


# Any: answers are of five kinds, told apart by their bodies.
def _follow_up(study: Study, connection: Connection, row: RoundRow, answer: Signed[Any]) -> None:
    """What an answer moves. A release moves nothing here: the driver opens, off this thread."""
    match answer.body:
        case Acceptance():
            if row.state is AggregatorState.PROPOSED:
                _move_with_quorum(study, connection, row, AggregatorEvent.QUORUM_ACCEPTED)
        case Admission():
            _record(study, connection, answer)
        case Endorsement():
            if row.state is AggregatorState.FROZEN:
                _move_with_quorum(study, connection, row, AggregatorEvent.QUORUM_ENDORSED)
        case Close():
            row = settle_closes(study, connection, row)
            if row.filed == CLOSES_FILED:
                change_round(connection, row, filed=OUTCOME_FILED)  # A late close is filed as well.


def _record(study: Study, connection: Connection, answer: Signed[Admission]) -> None:
    admission = answer.body
    number = admission.round_number
    denied = {denial.client: denial.rule for denial in admission.denials}
    paged = on_page(connection, study.name, number, admission.page)
    admitted = [one.client for one in paged if one.client not in denied]
    bit = 1 << study.manifest_of(connection, number).custodian_index(answer.signer)
    record_admission(connection, study.name, number, bit, admitted, denied)


def _move_with_quorum(
    study: Study, connection: Connection, row: RoundRow, event: AggregatorEvent
) -> None:
    kind, quorum = _QUORUMS[event], study.manifest_of(connection, row.number).quorum
    if count_messages(connection, study.name, row.number, kind) >= quorum:
        move_round(connection, row, event, study.clock())
