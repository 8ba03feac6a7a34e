"""Key pairs of the parties: the signing identity, a custodian's wrap key, a client's agreement key.

An identity (Ed25519) lasts as long as its party; wrap and agreement keys last one epoch and are
signed by the identity. No repr shows a private key.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from blindsum_crypto import domains, primitives
from blindsum_crypto.errors import Rejected
from blindsum_crypto.primitives import DEFAULT_WRAP_SUITE, KEY_BYTES, WrapSuite
from blindsum_crypto.randomness import Randomness, SystemRandomness

FINGERPRINT_BYTES: Final = 20

# The y coordinates of the points of small order, and their non-canonical encodings (libsodium,
# ge25519_has_small_order). Under such a key one signature fits many messages, so it binds nobody.
_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(encoding)
    for encoding in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
_SIGN_MASK: Final = 0x7F
_FINGERPRINT_GROUP: Final = 4

_SYSTEM: Final = SystemRandomness()
_X25519_PRIME: Final = (1 << 255) - 19
_ANY_SCALAR: Final = bytes(KEY_BYTES)  # clamping makes it 2^254: one is as good as another


@dataclass(frozen=True, slots=True)
class Identity:
    """An Ed25519 signing identity (RFC 8032).

    Attributes:
        private: The 32-byte seed; kept out of repr and comparison.
        public: The 32-byte public key.
    """

    private: bytes = field(repr=False, compare=False)
    public: bytes = field(init=False)

    def __post_init__(self) -> None:
        _check_private_length(self.private, KEY_BYTES)
        object.__setattr__(self, "public", primitives.ed25519_public(self.private))

    @classmethod
    def generate(cls, randomness: Randomness = _SYSTEM) -> "Identity":
        """A fresh identity."""
        return cls(randomness.bytes(KEY_BYTES))

    def sign(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature over the message as given; the caller separates domains."""
        return primitives.ed25519_sign(self.private, message)


@dataclass(frozen=True, slots=True)
class WrapKey:
    """A custodian's HPKE key pair for one epoch.

    Attributes:
        suite: `mlkem768x25519` (default, closed to a quantum computer) or `x25519`.
        private: ML-KEM-768 seed (64) || X25519 key (32), or the X25519 key alone.
        public: What clients wrap to: 1216 or 32 bytes.
    """

    suite: WrapSuite
    private: bytes = field(repr=False, compare=False)
    public: bytes = field(init=False)
    _opener: primitives.WrapOpener = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "public", primitives.wrap_public(self.suite, self.private))
        object.__setattr__(self, "_opener", primitives.WrapOpener(self.suite, self.private))

    @classmethod
    def generate(
        cls, suite: WrapSuite = DEFAULT_WRAP_SUITE, randomness: Randomness = _SYSTEM
    ) -> "WrapKey":
        """A fresh wrap key of the suite.

        Raises:
            Refused: `unknown-wrap-suite`.
        """
        return cls(suite, randomness.bytes(primitives.wrap_private_bytes(suite)))

    def unwrap(self, info: bytes, wrapped: bytes) -> bytes:
        """Open a wrap that was made for this key under this info.

        Raises:
            Rejected: `bad-wrap`.
        """
        return self._opener.unwrap(info, wrapped)


@dataclass(frozen=True, slots=True)
class AgreementKey:
    """A client's X25519 key pair for one epoch (masking).

    Attributes:
        private: The 32-byte scalar; kept out of repr and comparison.
        public: The 32-byte public key.
    """

    private: bytes = field(repr=False, compare=False)
    public: bytes = field(init=False)

    def __post_init__(self) -> None:
        _check_private_length(self.private, KEY_BYTES)
        object.__setattr__(self, "public", primitives.x25519_public(self.private))

    @classmethod
    def generate(cls, randomness: Randomness = _SYSTEM) -> "AgreementKey":
        """A fresh agreement key."""
        return cls(randomness.bytes(KEY_BYTES))

    def agree(self, public: bytes) -> bytes:
        """The 32-byte shared secret with another public key, to be fed to `primitives.hkdf`.

        Raises:
            Rejected: `public-key-length`, `small-order-key`.
        """
        return primitives.x25519_agree(self.private, public)

    def agreeing(self) -> Callable[[bytes], bytes]:
        """As `agree`, with many public keys, at half the cost for each."""
        return primitives.x25519_agreeing(self.private)


def check_agreement_key(public: bytes) -> None:
    """Check that a public agreement key leads to a secret with whoever agrees with it.

    Raises:
        Rejected: `public-key-length`, `small-order-key`: every agreement with a point of small
            order gives zero, whatever the private key (RFC 7748, section 6.1);
            `non-canonical-key`: another spelling of a coordinate below 2^255 - 19, under which one
            key could stand for two clients.
    """
    primitives.x25519_agree(_ANY_SCALAR, public)
    if int.from_bytes(public, "little") >= _X25519_PRIME:
        raise Rejected("non-canonical-key", "expected the coordinate in its least spelling")


def verify_signature(public: bytes, message: bytes, signature: bytes) -> None:
    """Check a signature by an identity.

    Raises:
        Rejected: `bad-signature`, or `small-order-key` for a key under which a signature would fit
            many messages.
    """
    if public[:-1] + bytes(byte & _SIGN_MASK for byte in public[-1:]) in _SMALL_ORDER:
        raise Rejected("small-order-key", "expected an Ed25519 key of large order")
    primitives.ed25519_verify(public, message, signature)


def fingerprint(public: bytes) -> str:
    """What two people compare out of band: 160 bits of the key's digest, ten groups of four hex."""
    text = primitives.digest(domains.FINGERPRINT, public)[:FINGERPRINT_BYTES].hex()
    groups = range(0, len(text), _FINGERPRINT_GROUP)
    return " ".join(text[start : start + _FINGERPRINT_GROUP] for start in groups)


def _check_private_length(private: bytes, expected: int) -> None:
    if len(private) != expected:
        raise Rejected("private-key-length", f"expected {expected} bytes, got {len(private)}")
