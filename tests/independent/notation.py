"""Sections 1 and 2 of docs/specification.md from the page alone: digests, keys, canonical bytes.

Everything of this folder but its tests is a second implementation of the masked round. It imports
nothing of the product and not its libraries either: hashlib, hmac and pycryptodome, no numpy.
"""

import hashlib
import hmac
import struct
from collections.abc import Mapping, Sequence
from typing import Final

from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF
from Crypto.PublicKey.ECC import EccKey
from Crypto.Signature import eddsa

PREFIX: Final = "blindsum/v1/"


class Unaccepted(Exception):  # noqa: N818 - refused, rejected or aborted: the page knows the rule
    """What does not hold, by the name of its rule."""


def u64be(number: int) -> bytes:
    return number.to_bytes(8, "big")


def lp(*parts: bytes | str) -> bytes:
    """Every part behind its length."""
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(u64be(len(part)) + part for part in raw)


def digest(domain: str, *parts: bytes | str) -> bytes:
    """H."""
    return hashlib.sha256(lp(PREFIX + domain, *parts)).digest()


def mac(key: bytes, domain: str, *parts: bytes | str) -> bytes:
    """MAC."""
    return hmac.digest(key, lp(PREFIX + domain, *parts), "sha256")


def kdf(secret: bytes, domain: str, *parts: bytes | str) -> bytes:
    """KDF."""
    return bytes(HKDF(secret, 32, b"", SHA256, 1, lp(PREFIX + domain, *parts)))


def stream_digest(domain: str, data: bytes) -> bytes:
    """HS."""
    return hashlib.sha256(lp(PREFIX + domain) + data + u64be(len(data))).digest()


def keystream(key: bytes, length: int) -> bytes:
    """The first bytes of KS."""
    return bytes(AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=0).encrypt(bytes(length)))


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree hash of RFC 6962, section 2.1."""
    if len(leaves) < 2:
        return hashlib.sha256(b"".join(b"\x00" + leaf for leaf in leaves)).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


class Message(bytes):
    """The bytes of a message inside another one: written even where they are none."""


Field = int | float | str | bytes | Sequence[int] | Sequence[str] | Sequence[bytes] | None


def message(fields: Mapping[int, Field]) -> Message:
    """The canonical bytes of a message, given its fields by number."""
    return Message(b"".join(_field(number, fields[number]) for number in sorted(fields)))


def _field(number: int, value: Field) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value) if value else b""
    if isinstance(value, float):
        return _varint(number << 3 | 1) + struct.pack("<d", value) if value else b""
    if isinstance(value, str | bytes):
        written = value or isinstance(value, Message)
        return _delimited(number, value) if written else b""
    numbers = b"".join(_varint(one) for one in value or () if isinstance(one, int))
    packed = _delimited(number, numbers) if numbers else b""
    texts = (one for one in value or () if isinstance(one, str | bytes))
    return packed + b"".join(_delimited(number, one) for one in texts)


def _delimited(number: int, value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(raw)) + raw


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def fields_of(data: bytes) -> dict[int, list[bytes]]:
    """The fields of canonical bytes by number, whole numbers as 8 bytes big-endian."""
    found: dict[int, list[bytes]] = {}
    while data:
        tag, data = _read_varint(data)
        length, data = (8, data) if tag & 7 == 1 else _read_varint(data)
        value, data = (u64be(length), data) if tag & 7 == 0 else (data[:length], data[length:])
        found.setdefault(tag >> 3, []).append(value)
    return found


def _read_varint(data: bytes) -> tuple[int, bytes]:
    size = next(place for place, byte in enumerate(data) if byte < 128) + 1
    return sum((byte & 127) << 7 * place for place, byte in enumerate(data[:size])), data[size:]


def sign(domain: str, body: bytes, signer: str, seed: bytes) -> Message:
    """A body in its `Signed` message."""
    signature = eddsa.new(_private(seed), "rfc8032").sign(lp(PREFIX + domain) + body)
    return message({1: body, 2: signer, 3: signature})


def verify(domain: str, signed: bytes, signers: Mapping[str, bytes]) -> bytes:
    """The body of a `Signed` message, if one of these names signed it."""
    parts = fields_of(signed)
    key = signers.get(parts[2][0].decode())
    if key is None:
        raise Unaccepted("unknown-signer")
    try:
        public = eddsa.import_public_key(key)
        eddsa.new(public, "rfc8032").verify(lp(PREFIX + domain) + parts[1][0], parts[3][0])
    except ValueError:
        raise Unaccepted("bad-signature") from None
    return parts[1][0]


def identity_of(seed: bytes) -> bytes:
    """The public Ed25519 key."""
    return bytes(_private(seed).public_key().export_key(format="raw"))


def _private(seed: bytes) -> EccKey:
    return eddsa.import_private_key(seed)
