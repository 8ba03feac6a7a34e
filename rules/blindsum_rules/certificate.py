"""The certificate of a published round, and the notice of an aborted one."""

from dataclasses import dataclass
from typing import ClassVar

from blindsum_crypto import domains


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a published round rests on, by digest, signed by the aggregator.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: Digest of the spec, 32 bytes.
        acceptance_digests: Digests of the signed acceptances, ascending.
        contribution_digests: Digests of every receipted contribution, ascending by client.
        page_digests: Digests of the header pages, by page.
        admission_digests: Digests of the signed admissions, by page, then custodian.
        freeze_digest: Digest of the freeze.
        endorsement_digests: Digests of the signed endorsements, ascending.
        exception_digest: Digest of the exception that was used, or empty.
        release_digests: Digests of the releases that arrived, ascending.
        sealed_sum_root: Merkle root (RFC 6962) over the chunks of the sealed sum.
        aggregate_commitment: SHA-256(domain, salt, aggregate).
        opened_by: Ids of the custodians whose parts opened the sum, ascending.
        disagreeing: Ids of custodians whose parts differed from their twins', ascending.
    """

    DOMAIN: ClassVar[str] = domains.CERTIFICATE

    study: str
    round_number: int
    round_id: bytes
    acceptance_digests: tuple[bytes, ...]
    contribution_digests: tuple[bytes, ...]
    page_digests: tuple[bytes, ...]
    admission_digests: tuple[bytes, ...]
    freeze_digest: bytes
    endorsement_digests: tuple[bytes, ...]
    exception_digest: bytes
    release_digests: tuple[bytes, ...]
    sealed_sum_root: bytes
    aggregate_commitment: bytes
    opened_by: tuple[str, ...]
    disagreeing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Abort:
    """The aggregator's notice that a round ended without an aggregate.

    It has no effect on custodians: only a quorum of closes says what did not happen.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: The round's id, 32 bytes.
        freeze_digest: The freeze it had come to, or empty.
        rule: The rule that ended it.
        expected: One sentence.
    """

    DOMAIN: ClassVar[str] = domains.ABORT

    study: str
    round_number: int
    round_id: bytes
    freeze_digest: bytes
    rule: str
    expected: str
