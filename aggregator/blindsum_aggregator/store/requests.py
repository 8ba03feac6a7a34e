"""What parties asked of the aggregator or refused it: studies, operator's requests, refusals."""

from typing import Final

from sqlalchemy import Connection, func, insert, select

from blindsum_aggregator.store.tables import OPERATOR_REQUESTS, REFUSALS, STUDIES
from blindsum_crypto.errors import Refused
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.refusal import Refusal
from blindsum_rules.requests import OperatorAction, OperatorRequest
from blindsum_rules.signed import Signed

MOST_REFUSALS_OF_A_ROUND: Final = 16
"""Of one custodian, which may invent digests and rules without end. Fewer than a status tells, so
that no single custodian pushes all others out of it."""


def pin_study(connection: Connection, study: str, manifest_digest: bytes) -> None:
    """Serve a study under one manifest for good.

    Raises:
        Refused: `other-manifest`, when it was served under another one before.
    """
    row = connection.execute(
        select(STUDIES.c.manifest_digest).where(STUDIES.c.study == study)
    ).first()
    if row is None:
        connection.execute(insert(STUDIES).values(study=study, manifest_digest=manifest_digest))
    elif bytes(row.manifest_digest) != manifest_digest:
        raise Refused(
            "other-manifest", f"expected the manifest under which {study!r} was served before"
        )


def add_request(connection: Connection, signed: Signed[OperatorRequest]) -> None:
    """Remember an operator's request.

    Raises:
        Refused: `nonce-used`, when the request was made before.
    """
    body = signed.body
    known = select(OPERATOR_REQUESTS.c.number).where(
        OPERATOR_REQUESTS.c.study == body.study, OPERATOR_REQUESTS.c.nonce == body.nonce
    )
    if connection.execute(known).first() is not None:
        raise Refused("nonce-used", "expected a request that was not made before")
    connection.execute(
        insert(OPERATOR_REQUESTS).values(
            study=body.study,
            nonce=body.nonce,
            action=body.action,
            number=body.round_number,
            reason=body.reason,
            signed=signed_to_bytes(signed),
        )
    )


def was_requested(connection: Connection, study: str, action: OperatorAction, number: int) -> bool:
    """Whether the operator asked for this at this round number."""
    query = select(OPERATOR_REQUESTS.c.number).where(
        OPERATOR_REQUESTS.c.study == study,
        OPERATOR_REQUESTS.c.action == action,
        OPERATOR_REQUESTS.c.number == number,
    )
    return connection.execute(query).first() is not None


def add_refusal(connection: Connection, number: int, signed: Signed[Refusal]) -> bool:
    """Remember a custodian's refusal for the status.

    Returns:
        Whether it was kept. The same refusal of the same message is one row, and of one custodian
        and round no more than 16 are kept; those of unknown messages count as one round's.
    """
    body = signed.body
    known = select(REFUSALS.c.number).where(
        REFUSALS.c.study == body.study,
        REFUSALS.c.custodian == signed.signer,
        REFUSALS.c.request_digest == body.request_digest,
        REFUSALS.c.rule == body.rule,
    )
    if connection.execute(known).first() is not None:
        return False
    kept = select(func.count()).where(
        REFUSALS.c.study == body.study,
        REFUSALS.c.custodian == signed.signer,
        REFUSALS.c.number == number,
    )
    if connection.execute(kept).scalar_one() >= MOST_REFUSALS_OF_A_ROUND:
        return False
    connection.execute(
        insert(REFUSALS).values(
            study=body.study,
            custodian=signed.signer,
            request_digest=body.request_digest,
            rule=body.rule,
            number=number,
            expected=body.expected,
        )
    )
    return True


def refusals_of(connection: Connection, study: str, number: int, limit: int) -> list[str]:
    """Custodians' refusals in a round, "custodian: rule: sentence", at most `limit` of them."""
    query = (
        select(REFUSALS.c.custodian, REFUSALS.c.rule, REFUSALS.c.expected)
        .where(REFUSALS.c.study == study, REFUSALS.c.number == number)
        .order_by(REFUSALS.c.custodian, REFUSALS.c.rule)
        .limit(limit)
    )
    return [f"{row.custodian}: {row.rule}: {row.expected}" for row in connection.execute(query)]
