"""Evidence: what the aggregator signed and should not have, kept for whoever asks later."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from blindsum_custodian.store.tables import EVIDENCE
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.signed import Signed

MOST_OF_A_ROUND: Final = 16
"""One contradiction proves as much as a thousand; a flood of them must not fill the disk."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A message that contradicts what its signer signed before.

    Attributes:
        rule: The rule that it broke.
        message: The bytes of the signed message.
    """

    rule: str
    message: bytes


def keep_evidence(
    connection: Connection, study: str, round_number: int, rule: str, message: Signed[Any]
) -> None:
    """Remember a contradicting message whose signature was verified; up to 16 of a round."""
    here = (EVIDENCE.c.study == study, EVIDENCE.c.round_number == round_number)
    kept = connection.execute(select(func.count()).select_from(EVIDENCE).where(*here)).scalar_one()
    if kept >= MOST_OF_A_ROUND:
        return
    connection.execute(
        insert(EVIDENCE)
        .values(
            study=study,
            round_number=round_number,
            digest=message.digest,
            rule=rule,
            message=signed_to_bytes(message),
        )
        .on_conflict_do_nothing()
    )


def evidence_of(connection: Connection, study: str, round_number: int) -> tuple[Evidence, ...]:
    """What was kept of a round."""
    query = select(EVIDENCE).where(
        EVIDENCE.c.study == study, EVIDENCE.c.round_number == round_number
    )
    return tuple(Evidence(row.rule, row.message) for row in connection.execute(query))
