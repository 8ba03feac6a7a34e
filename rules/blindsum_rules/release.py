"""A custodian's release: a fixed function of the frozen set U."""

from dataclasses import dataclass
from typing import ClassVar

from blindsum_crypto import domains


@dataclass(frozen=True, slots=True)
class PartRelease:
    """What a custodian releases for one part T.

    Attributes:
        part: Bitmask of the (t-1)-subset that names the part.
        share: CKKS: the sum over U of the expanded leaves mod q, packed; one polynomial.
    """

    part: int
    share: bytes

    def __repr__(self) -> str:
        """Show the part, never the share."""
        return f"PartRelease(part={self.part:#b})"


@dataclass(frozen=True, slots=True)
class Release:
    """A custodian's parts of the one secret that opens the sum over U.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: The round's id, 32 bytes.
        freeze_digest: The freeze it is a function of, 32 bytes.
        parts: The parts it holds, ascending.
        custodian: Id of the custodian that signs it.
    """

    DOMAIN: ClassVar[str] = domains.RELEASE

    study: str
    round_number: int
    round_id: bytes
    freeze_digest: bytes
    parts: tuple[PartRelease, ...]
    custodian: str
