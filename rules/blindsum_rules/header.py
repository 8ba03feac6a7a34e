"""A contribution's header: what a client signs about its sealed vector."""

from dataclasses import dataclass
from typing import ClassVar

from blindsum_crypto import domains
from blindsum_crypto.primitives import digest


@dataclass(frozen=True, slots=True)
class CoreHeader:
    """What the wraps are bound to.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: The round's id, 32 bytes.
        client: The contributing client.
        seal: The seal's name.
        payload_digest: Digest of the sealed bytes, 32 bytes.
        payload_bytes: Their exact length.
        seed_commitments: com_T for every part T in ascending order, 32 bytes each.
        self_commitment: Masking: h_i, 32 bytes; else empty.
        pair_table_digest: Masking: digest of the pair table, 32 bytes; else empty.
    """

    study: str
    round_number: int
    round_id: bytes
    client: str
    seal: str
    payload_digest: bytes
    payload_bytes: int
    seed_commitments: tuple[bytes, ...]
    self_commitment: bytes = b""
    pair_table_digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Contribution:
    """The body that a client signs: the core header's bytes and the digest of every wrap.

    Attributes:
        core: The parsed core header.
        core_bytes: Its bytes as sent; wraps are bound to their digest alone.
        wrap_digests: Digest of each custodian's wrap, in manifest order, 32 bytes each.
    """

    DOMAIN: ClassVar[str] = domains.CONTRIBUTION

    core: CoreHeader
    core_bytes: bytes
    wrap_digests: tuple[bytes, ...]


def core_digest(core_bytes: bytes) -> bytes:
    """The digest that every wrap of this header is bound to, 32 bytes."""
    return digest(domains.CORE_HEADER, core_bytes)


def wrap_digest(wrapped: bytes) -> bytes:
    """The digest of one wrap as it stands in the signed body, 32 bytes."""
    return digest(domains.WRAP, wrapped)
