"""Custodians admit or deny contributions, page by page."""

from dataclasses import dataclass
from typing import ClassVar, Final

from blindsum_crypto import domains

AGGREGATORS_REASONS: Final = frozenset(
    {"not-admitted", "not-in-exception", "pair-dispute", "spool-damaged"}
)
"""Why the aggregator itself leaves a contribution out of a freeze. No custodian can see any of them
at a header, and none may deny by their names: the freeze would repeat the word as its own."""


@dataclass(frozen=True, slots=True)
class HeaderPage:
    """Page n of a round's headers, fixed by the aggregator's signature.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: The round's id, 32 bytes.
        page: 0, 1, 2, ...
        contribution_digests: Digests of the signed contributions on this page, in page order.
    """

    DOMAIN: ClassVar[str] = domains.HEADER_PAGE

    study: str
    round_number: int
    round_id: bytes
    page: int
    contribution_digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Denial:
    """A custodian will not stand for one contribution.

    Attributes:
        client: The client that the header names.
        contribution_digest: Digest of the signed contribution, 32 bytes.
        rule: The rule that broke: `stranger`, `wrong-round`, `bad-signature`, `bad-wrap`,
            `seed-commitment-mismatch`, ...; none of `AGGREGATORS_REASONS`.
    """

    client: str
    contribution_digest: bytes
    rule: str


@dataclass(frozen=True, slots=True)
class Admission:
    """A custodian's answer to one page: it holds its seeds of all but the denied.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: The round's id, 32 bytes.
        page: The page it answers.
        root: Merkle root (RFC 6962) over the page's contribution digests as seen here.
        denials: Whom it denies, in page order.
        custodian: Id of the custodian that signs it.
    """

    DOMAIN: ClassVar[str] = domains.ADMISSION

    study: str
    round_number: int
    round_id: bytes
    page: int
    root: bytes
    denials: tuple[Denial, ...]
    custodian: str
