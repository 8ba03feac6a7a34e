"""A custodian closes a round for itself: afterwards it endorses and releases nothing new in it."""

from dataclasses import dataclass
from typing import ClassVar

from blindsum_crypto import domains


@dataclass(frozen=True, slots=True)
class Close:
    """A custodian leaves a round.

    Attributes:
        study: Study id.
        round_number: The round that it leaves.
        freeze_digest: Digest of the freeze that it endorsed in this round, 32 bytes, or empty.
        custodian: Id of the custodian that signs it.
        manifest_digest: Digest of the study's manifest, 32 bytes: a study id alone would let the
            words of an earlier study of that name speak in this one.
        handed_to: Digest of the amendment by which another committee takes over in the next round,
            32 bytes; empty where this committee goes on. Who closes a round leaves it to the one
            or to the other, for ever: so two committees cannot both go on (threat T27).
    """

    DOMAIN: ClassVar[str] = domains.CLOSE

    study: str
    round_number: int
    freeze_digest: bytes
    custodian: str
    manifest_digest: bytes
    handed_to: bytes = b""
