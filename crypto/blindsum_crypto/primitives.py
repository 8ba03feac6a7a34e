"""Hashes, signatures, agreement and wraps, over two crypto libraries.

No other file names them, save `keystream.py` for keystreams, `at_rest.py` for key files and
`tls.py` for certificates. pyca/cryptography carries the hot paths, pycryptodome keys at rest; tests
hold each against the other.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Final, Literal

from Crypto.Random import get_random_bytes
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from blindsum_crypto.errors import Refused, Rejected

WrapSuite = Literal["mlkem768x25519", "x25519"]
DEFAULT_WRAP_SUITE: Final[WrapSuite] = "mlkem768x25519"

KEY_BYTES: Final = 32
DIGEST_BYTES: Final = 32

_MLKEM_SEED_BYTES: Final = 64
_MLKEM_PUBLIC_BYTES: Final = 1184
_WRAP_PRIVATE_BYTES: Final = {"mlkem768x25519": _MLKEM_SEED_BYTES + KEY_BYTES, "x25519": KEY_BYTES}
_KEMS: Final = {"mlkem768x25519": hpke.KEM.MLKEM768_X25519, "x25519": hpke.KEM.X25519}
_HPKE_SUITES: Final = {
    suite: hpke.Suite(kem, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    for suite, kem in _KEMS.items()
}


def length_prefixed(*parts: bytes) -> bytes:
    """Join parts, each behind its length as 8 bytes big-endian, so that no two lists collide."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def digest(domain: str, *parts: bytes) -> bytes:
    """SHA-256 over the length-prefixed domain and parts; 32 bytes."""
    return hashlib.sha256(length_prefixed(domain.encode(), *parts)).digest()


class DigestStream:
    """The digest of one long byte string that arrives in pieces (a payload).

    It is SHA-256(length_prefixed(domain) || data || len(data) as 8 bytes big-endian). The length
    stands behind the data because it is not known before the data has passed; it still fixes where
    the data ends, so no two inputs collide. A domain uses this form or that of `digest`, not both.
    """

    def __init__(self, domain: str) -> None:
        self._hash = hashlib.sha256(length_prefixed(domain.encode()))
        self._byte_count = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next piece, in order."""
        self._hash.update(data)
        self._byte_count += memoryview(data).nbytes

    def digest(self) -> bytes:
        """The digest of all pieces so far; 32 bytes. More may follow."""
        ending = self._hash.copy()
        ending.update(self._byte_count.to_bytes(8, "big"))
        return ending.digest()


def hmac_sha256(key: bytes, domain: str, *parts: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) over the length-prefixed domain and parts; 32 bytes."""
    return hmac.digest(key, length_prefixed(domain.encode(), *parts), "sha256")


def hmac_sha256_each(key: bytes, messages: Iterable[bytes]) -> bytes:
    """HMAC-SHA256 of every message, end to end, 32 bytes each.

    Args:
        key: The key.
        messages: Each is what `length_prefixed` makes, the domain first: as in `hmac_sha256`.
    """
    return b"".join(hmac.digest(key, message, "sha256") for message in messages)


def hkdf(secret: bytes, domain: str, *parts: bytes, length: int = KEY_BYTES) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt; info is the length-prefixed domain and parts."""
    info = length_prefixed(domain.encode(), *parts)
    return HKDF(hashes.SHA256(), length, None, info).derive(secret)


def hkdf_extract(secret: bytes) -> bytes:
    """The first half of `hkdf` (RFC 5869, section 2.2), for a secret that much is derived from."""
    return hmac.digest(bytes(DIGEST_BYTES), secret, "sha256")


def hkdf_expand(extracted: bytes, domain: str, *parts: bytes) -> bytes:
    """The second half (section 2.3): together they are `hkdf`, of 32 bytes."""
    info = length_prefixed(domain.encode(), *parts)
    return hmac.digest(extracted, info + b"\x01", "sha256")


def generate_ed25519() -> bytes:
    """A fresh Ed25519 private key (RFC 8032 seed) from the operating system; 32 bytes."""
    return get_random_bytes(KEY_BYTES)


def ed25519_public(private: bytes) -> bytes:
    """The public key of a 32-byte Ed25519 private key; 32 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def ed25519_sign(private: bytes, message: bytes) -> bytes:
    """The deterministic Ed25519 signature (RFC 8032); 64 bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(message)


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Check an Ed25519 signature.

    Raises:
        Rejected: `bad-signature`, also when the key or the signature has a wrong length.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise Rejected("bad-signature", "expected a signature by the named key") from error


def generate_x25519() -> bytes:
    """A fresh X25519 private key from the operating system; 32 bytes."""
    return get_random_bytes(KEY_BYTES)


def x25519_public(private: bytes) -> bytes:
    """The public key of a 32-byte X25519 private key; 32 bytes."""
    return _agreement_key(private).public_key().public_bytes_raw()


def x25519_agree(private: bytes, public: bytes) -> bytes:
    """The X25519 shared secret (RFC 7748); 32 bytes, to be fed to `hkdf` and nothing else.

    Raises:
        Rejected: `public-key-length`, or `small-order-key` when the result would be all zero.
    """
    return x25519_agreeing(private)(public)


def x25519_agreeing(private: bytes) -> Callable[[bytes], bytes]:
    """As `x25519_agree` with many public keys: loading the private one costs an agreement more."""
    key = _agreement_key(private)

    def agree(public: bytes) -> bytes:
        if len(public) != KEY_BYTES:
            raise Rejected("public-key-length", f"expected {KEY_BYTES} bytes, got {len(public)}")
        try:
            return key.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError as error:
            raise Rejected("small-order-key", "expected an X25519 key of large order") from error

    return agree


def wrap_private_bytes(suite: WrapSuite) -> int:
    """How many random bytes are a private wrap key of this suite: 96 or 32.

    Raises:
        Refused: `unknown-wrap-suite`.
    """
    if suite not in _WRAP_PRIVATE_BYTES:
        raise Refused("unknown-wrap-suite", f"expected one of {sorted(_WRAP_PRIVATE_BYTES)}")
    return _WRAP_PRIVATE_BYTES[suite]


def generate_wrap_key(suite: WrapSuite) -> bytes:
    """A fresh private wrap key of the suite from the operating system."""
    return get_random_bytes(wrap_private_bytes(suite))


def wrap_public(suite: WrapSuite, private: bytes) -> bytes:
    """The public wrap key: ML-KEM-768 encapsulation key || X25519 key (1216 bytes), or X25519.

    Raises:
        Refused: `unknown-wrap-suite`.
        Rejected: `wrap-key-length`.
    """
    key = _wrap_private_key(suite, private)
    if isinstance(key, X25519PrivateKey):
        return key.public_key().public_bytes_raw()
    mlkem_key = MLKEM768PrivateKey.from_seed_bytes(private[:_MLKEM_SEED_BYTES])
    return mlkem_key.public_key().public_bytes_raw() + x25519_public(private[_MLKEM_SEED_BYTES:])


def hpke_wrap(suite: WrapSuite, public: bytes, info: bytes, plaintext: bytes) -> bytes:
    """HPKE base mode (RFC 9180), HKDF-SHA256 and AES-256-GCM: encapsulation || ciphertext.

    Longer than the plaintext by 16 bytes and the encapsulation: 1120, or 32 for `x25519`.

    Raises:
        Rejected: `bad-wrap-key` when the public key does not parse or is of small order.
        Refused: `unknown-wrap-suite`.
    """
    wrap_private_bytes(suite)  # refuses an unknown suite
    try:
        return _HPKE_SUITES[suite].encrypt(plaintext, _wrap_public_key(suite, public), info=info)
    except ValueError as error:
        raise Rejected("bad-wrap-key", f"expected a public wrap key of {suite}") from error


class WrapOpener:
    """A private wrap key made ready: expanding one from its bytes takes longer than an opening.

    Its repr shows nothing. Threads may share it.

    Args:
        suite: The key's suite.
        private: The key, as `wrap_private_bytes` says.

    Raises:
        Rejected: `wrap-key-length`.
        Refused: `unknown-wrap-suite`.
    """

    __slots__ = ("_key", "_suite")

    def __init__(self, suite: WrapSuite, private: bytes) -> None:
        self._key = _wrap_private_key(suite, private)
        self._suite = _HPKE_SUITES[suite]

    def unwrap(self, info: bytes, wrapped: bytes) -> bytes:
        """Open what `hpke_wrap` made for this key under the same info.

        Raises:
            Rejected: `bad-wrap` when made for another key or info, or changed.
        """
        try:
            return self._suite.decrypt(wrapped, self._key, info=info)
        except (InvalidTag, ValueError) as error:
            raise Rejected("bad-wrap", "expected a wrap made for this key and this info") from error


def hpke_unwrap(suite: WrapSuite, private: bytes, info: bytes, wrapped: bytes) -> bytes:
    """Open a single wrap; who opens many keeps a `WrapOpener`.

    Raises:
        Rejected: `bad-wrap` when made for another key or info, or changed; `wrap-key-length`.
        Refused: `unknown-wrap-suite`.
    """
    return WrapOpener(suite, private).unwrap(info, wrapped)


def _agreement_key(private: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(private)


def _wrap_private_key(
    suite: WrapSuite, private: bytes
) -> hpke.MLKEM768X25519PrivateKey | X25519PrivateKey:
    if len(private) != wrap_private_bytes(suite):
        raise Rejected("wrap-key-length", f"expected {wrap_private_bytes(suite)} bytes for {suite}")
    if suite == "x25519":
        return _agreement_key(private)
    mlkem_key = MLKEM768PrivateKey.from_seed_bytes(private[:_MLKEM_SEED_BYTES])
    return hpke.MLKEM768X25519PrivateKey(mlkem_key, _agreement_key(private[_MLKEM_SEED_BYTES:]))


def _wrap_public_key(
    suite: WrapSuite, public: bytes
) -> hpke.MLKEM768X25519PublicKey | X25519PublicKey:
    if suite == "x25519":
        return X25519PublicKey.from_public_bytes(public)
    mlkem_key = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_BYTES])
    x25519_key = X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_BYTES:])
    return hpke.MLKEM768X25519PublicKey(mlkem_key, x25519_key)
