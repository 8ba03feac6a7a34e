"""A custodian endorses one freeze of a round."""

from dataclasses import dataclass
from typing import ClassVar

from blindsum_crypto import domains


@dataclass(frozen=True, slots=True)
class Endorsement:
    """The word "I hold every seed of this set that is mine, and the policy allows it".

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: The round's id, 32 bytes.
        freeze_digest: Digest of the freeze, 32 bytes.
        custodian: Id of the custodian that signs it.
    """

    DOMAIN: ClassVar[str] = domains.ENDORSEMENT

    study: str
    round_number: int
    round_id: bytes
    freeze_digest: bytes
    custodian: str
