"""A custodian accepts one spec per round number."""

from dataclasses import dataclass
from typing import ClassVar

from blindsum_crypto import domains


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A custodian's word that it checked a spec and will accept no other of this number.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: Digest of the accepted spec, 32 bytes.
        custodian: Id of the custodian that signs it.
    """

    DOMAIN: ClassVar[str] = domains.ACCEPTANCE

    study: str
    round_number: int
    round_id: bytes
    custodian: str
