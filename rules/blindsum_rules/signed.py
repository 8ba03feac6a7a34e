"""A signed body: the value, the very bytes that were signed, and who signed them.

Signatures cover the domain string and the body's bytes *as they were sent*; digests cover the
same. A `Signed` that was only parsed is not yet believed: whoever uses it calls `verify` first.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from blindsum_crypto.errors import BlindsumError, Rejected
from blindsum_crypto.identity import verify_signature
from blindsum_crypto.primitives import digest, length_prefixed


class Body(Protocol):
    """What every signed value has: the domain string of its signatures and digests."""

    DOMAIN: ClassVar[str]


@runtime_checkable
class CustodianBody(Body, Protocol):
    """What a custodian signs: it names the custodian, so that equal words have two digests."""

    @property
    def custodian(self) -> str:
        """Id of the custodian that signs it."""
        ...


BodyT = TypeVar("BodyT", bound=Body)


@dataclass(frozen=True, slots=True)
class Signed(Generic[BodyT]):
    """A body with its signature.

    Attributes:
        body: The parsed value.
        body_bytes: The protobuf bytes as sent; digests and signatures cover these.
        signer: Identifier of the signer.
        signature: 64 bytes, Ed25519 over `signing_input(domain, body_bytes)`.
    """

    body: BodyT
    body_bytes: bytes = field(repr=False)  # a release's bytes are its shares
    signer: str
    signature: bytes = field(repr=False)
    _digest: bytes = field(init=False, repr=False, compare=False, default=b"")

    @property
    def digest(self) -> bytes:
        """SHA-256 over the domain and the body's bytes; a spec's digest is its round id.

        Hashed once: a spec of 100,000 clients is asked for its round id by every header.
        """
        if not self._digest:
            object.__setattr__(self, "_digest", digest(self.body.DOMAIN, self.body_bytes))
        return self._digest

    def same_body(self, other: "Signed[BodyT]") -> bool:
        """Say whether both carry the same bytes under the same domain."""
        return hmac.compare_digest(self.digest, other.digest)


def signing_input(domain: str, body_bytes: bytes) -> bytes:
    """What an Ed25519 signature covers: the length-prefixed domain, then the body's bytes."""
    return length_prefixed(domain.encode()) + body_bytes


def verify(signed: Signed[BodyT], signers: Mapping[str, bytes]) -> Signed[BodyT]:
    """Check a signature against the parties who may sign this kind of body.

    Args:
        signed: The parsed message.
        signers: Identifier to Ed25519 public key (32 bytes) of everybody who may sign it.

    Returns:
        The same message, now believed.

    Raises:
        Rejected: `unknown-signer` when the signer is not among `signers`, `signer-name` when the
            body names another custodian, `bad-signature` when the signature does not fit.
    """
    kind = type(signed.body).__name__
    public = signers.get(signed.signer)
    if public is None:
        raise Rejected(
            "unknown-signer", f"{kind}: expected one of {sorted(signers)}, got {signed.signer!r}"
        )
    # By attribute: asking a body for its protocol takes longer than all else here but the curve.
    if getattr(signed.body, "custodian", signed.signer) != signed.signer:
        raise Rejected(
            "signer-name", f"{kind}: expected a body that names {signed.signer!r}, its signer"
        )
    try:
        verify_signature(
            public, signing_input(signed.body.DOMAIN, signed.body_bytes), signed.signature
        )
    except BlindsumError as error:
        raise Rejected(
            "bad-signature",
            f"{kind}: expected a signature of {signed.signer!r} over these very bytes",
        ) from error
    return signed
