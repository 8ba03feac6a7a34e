"""An amendment: who joins, leaves, changes keys or is revoked while a study runs.

Signed by the operator and, where the study names one, by the privacy officer. Amendments are
numbered from 1 and chained by digest; `amended_manifest` puts them in force, one after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from blindsum_crypto import domains
from blindsum_rules.manifest import EnrolledClient, EnrolledCustodian
from blindsum_rules.signed import Signed

REVOKED: Final = "revoked"
"""Why a contribution is denied or left out as soon as its client is revoked, in force or not."""


@dataclass(frozen=True, slots=True)
class NewCommittee:
    """Who holds the seeds from now on; it replaces the committee before as a whole.

    Attributes:
        custodians: Ascending by id; a custodian that stays may have a new wrap key.
        threshold: t, custodians needed to open.
        quorum: Signatures needed.
    """

    custodians: tuple[EnrolledCustodian, ...]
    threshold: int
    quorum: int


@dataclass(frozen=True, slots=True)
class Amendment:
    """One change of a running study.

    Attributes:
        study: Study id.
        number: 1, 2, 3, ... without gaps.
        previous_digest: Digest of the amendment before, of the first one the manifest's; 32 bytes.
        reason: Why, in words.
        joined: New clients, ascending; an id or a key that the study knew before is not new.
        rotated: Clients with a new agreement key, ascending; all else of them stays.
        left: Ids of clients that leave with the next round, ascending.
        revoked: Ids of clients and custodians whose keys count no longer, ascending. A client's
            contributions are left out at once, also of a round that runs; a custodian must be
            missing in the new committee that comes with it.
        committee: The new committee, or None where it stays.
    """

    DOMAIN: ClassVar[str] = domains.AMENDMENT

    study: str
    number: int
    previous_digest: bytes
    reason: str
    joined: tuple[EnrolledClient, ...] = ()
    rotated: tuple[EnrolledClient, ...] = ()
    left: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()
    committee: NewCommittee | None = None

    @property
    def changes_keys(self) -> bool:
        """Whether an epoch begins with it: somebody seals or unwraps with a key that is new."""
        return bool(self.joined or self.rotated or self.committee is not None)

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return not (self.changes_keys or self.left or self.revoked)


@dataclass(frozen=True, slots=True)
class SignedAmendment:
    """An amendment by the hands that it needs.

    Attributes:
        operator: Signed by the operator.
        officer: The same words signed by the privacy officer; None where the study names none.
    """

    operator: Signed[Amendment]
    officer: Signed[Amendment] | None = None

    @property
    def body(self) -> Amendment:
        """What it says, by the operator's word."""
        return self.operator.body

    @property
    def digest(self) -> bytes:
        """What the next amendment names, and a spec under which it is the last; 32 bytes."""
        return self.operator.digest


def handover(amendments: Sequence[SignedAmendment]) -> bytes:
    """The digest by which a committee is replaced: of the last amendment that names another one.

    Args:
        amendments: What comes into force with one round, in order.

    Returns:
        32 bytes; empty where the committee stays.
    """
    for amendment in reversed(amendments):
        if amendment.body.committee is not None:
            return amendment.digest
    return b""
