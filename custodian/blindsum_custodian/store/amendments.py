"""The amendments that this custodian followed: which came into force with which round."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, insert, select

from blindsum_custodian.store.tables import AMENDMENTS
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules.amendment import Amendment, SignedAmendment
from blindsum_rules.spec import Spec


def keep_amendments(connection: Connection, spec: Spec) -> None:
    """Remember what a spec puts in force, in the decision that keeps the spec."""
    for amendment in spec.amendments:
        officer = amendment.officer
        connection.execute(
            insert(AMENDMENTS).values(
                study=spec.study,
                number=amendment.body.number,
                round_number=spec.round_number,
                amendment_digest=amendment.digest,
                amendment=signed_to_bytes(amendment.operator),
                approval=None if officer is None else signed_to_bytes(officer),
            )
        )


def last_amendment(connection: Connection, study: str, round_number: int) -> bytes:
    """Digest of the last amendment in force in a round; empty under the manifest as it was."""
    query = (
        select(AMENDMENTS.c.amendment_digest)
        .where(AMENDMENTS.c.study == study, AMENDMENTS.c.round_number <= round_number)
        .order_by(AMENDMENTS.c.number.desc())
        .limit(1)
    )
    return connection.scalar(query) or b""


def amendments_in_force(
    connection: Connection, study: str, round_number: int
) -> Sequence[SignedAmendment]:
    """The amendments that are in force in a round, in order."""
    return _read(connection, study, AMENDMENTS.c.round_number <= round_number)


def amendments_of(
    connection: Connection, study: str, round_number: int
) -> Sequence[SignedAmendment]:
    """The amendments that came into force with one round, in order."""
    return _read(connection, study, AMENDMENTS.c.round_number == round_number)


def _read(
    connection: Connection, study: str, which: ColumnElement[bool]
) -> Sequence[SignedAmendment]:
    query = (
        select(AMENDMENTS.c.amendment, AMENDMENTS.c.approval)
        .where(AMENDMENTS.c.study == study, which)
        .order_by(AMENDMENTS.c.number)
    )
    return [
        SignedAmendment(
            signed_from_bytes(Amendment, row.amendment),
            None if row.approval is None else signed_from_bytes(Amendment, row.approval),
        )
        for row in connection.execute(query)
    ]
