"""HPKE of docs/specification.md, section 3, from RFC 9180 (sections 4, 5.1) over pycryptodome.

Base mode with HKDF-SHA256 and AES-256-GCM, both wrap suites. The randomness of a wrap is an
argument, so that known answers stay what they are.
"""

import hashlib
import hmac
from typing import Final

from Crypto.Cipher import AES
from Crypto.Cipher._mode_gcm import GcmMode
from Crypto.Protocol.DH import import_x25519_private_key, import_x25519_public_key, key_agreement
from Crypto.PublicKey import MLKEM
from tests.independent.notation import Unaccepted

X25519: Final = "x25519"
HYBRID: Final = "mlkem768x25519"
KEMS: Final = {X25519: b"\x00\x20", HYBRID: b"\x64\x7a"}
ENCAPSULATIONS: Final = {X25519: 32, HYBRID: 1088 + 32}
XWING_LABEL: Final = b"\\.//^\\"


def agree(private: bytes, public: bytes) -> bytes:
    """X25519; a key of small order is refused."""
    try:
        return bytes(
            key_agreement(
                static_priv=import_x25519_private_key(private),
                static_pub=import_x25519_public_key(public),
                kdf=bytes,
            )
        )
    except ValueError:
        raise Unaccepted("small-order-key" if len(public) == 32 else "public-key-length") from None


def x25519_public(private: bytes) -> bytes:
    return bytes(import_x25519_private_key(private).public_key().export_key(format="raw"))


def wrap_public(suite: str, private: bytes) -> bytes:
    """The public wrap key of a private one."""
    if suite == X25519:
        return x25519_public(private)
    return bytes(_mlkem(private)._ek) + x25519_public(private[64:])


def wrap(suite: str, public: bytes, info: bytes, plain: bytes, randomness: bytes) -> bytes:
    """Encapsulation and ciphertext; randomness: 32 bytes of ML-KEM if it is in it, 32 of X25519."""
    ephemeral, point = randomness[-32:], x25519_public(randomness[-32:])
    shared = agree(ephemeral, public[-32:])
    if suite == X25519:
        encapsulation, secret = point, _dhkem(shared, point, public)
    else:
        key = MLKEM.construct(param_set=MLKEM.ML_KEM_768, ek=public[:-32])
        quantum, ciphertext = key._encaps(randomness[:32])
        encapsulation, secret = ciphertext + point, _xwing(quantum, shared, point, public[-32:])
    sealed, tag = _cipher(suite, secret, info).encrypt_and_digest(plain)
    return bytes(encapsulation + sealed + tag)


def unwrap(suite: str, private: bytes, info: bytes, wrapped: bytes) -> bytes:
    """What was wrapped; ValueError if it is not for this key and info."""
    length = ENCAPSULATIONS[suite]
    if len(wrapped) < length + 16:
        raise ValueError("too short")
    encapsulation, sealed, tag = wrapped[:length], wrapped[length:-16], wrapped[-16:]
    point, own = encapsulation[-32:], x25519_public(private[-32:])
    shared = agree(private[-32:], point)
    if suite == X25519:
        secret = _dhkem(shared, point, own)
    else:
        secret = _xwing(_mlkem(private)._decaps(encapsulation[:-32]), shared, point, own)
    return bytes(_cipher(suite, secret, info).decrypt_and_verify(sealed, tag))


def _mlkem(private: bytes) -> MLKEM.MLKEMKey:
    return MLKEM.construct(param_set=MLKEM.ML_KEM_768, seed=private[:64])


def _xwing(quantum: bytes, shared: bytes, point: bytes, public: bytes) -> bytes:
    return hashlib.sha3_256(quantum + shared + point + public + XWING_LABEL).digest()


def _dhkem(shared: bytes, point: bytes, public: bytes) -> bytes:
    suite = b"KEM" + KEMS[X25519]
    key = _extract(suite, b"", b"eae_prk", shared)
    return _expand(suite, key, b"shared_secret", point + public, 32)


def _cipher(suite_name: str, shared: bytes, info: bytes) -> GcmMode:
    suite = b"HPKE" + KEMS[suite_name] + b"\x00\x01\x00\x02"
    hashes = (_extract(suite, b"", b"psk_id_hash", b""), _extract(suite, b"", b"info_hash", info))
    context = b"\x00" + b"".join(hashes)
    secret = _extract(suite, shared, b"secret", b"")
    nonce = _expand(suite, secret, b"base_nonce", context, 12)
    return AES.new(_expand(suite, secret, b"key", context, 32), AES.MODE_GCM, nonce=nonce)


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label + material, "sha256")


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """LabeledExpand of at most one block."""
    text = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, text + b"\x01", "sha256")[:length]
