"""Keys at rest: encrypted under a passphrase, by scrypt and AES-256-GCM of pycryptodome.

What stands around it in a key file is `keystore.py`'s.
"""

from typing import Final

from Crypto.Cipher import AES
from Crypto.Cipher._mode_gcm import GcmMode
from Crypto.Protocol.KDF import scrypt
from Crypto.Random import get_random_bytes

from blindsum_crypto import domains
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.primitives import KEY_BYTES, length_prefixed

# Scrypt's costs are read from the key file, so they are bounded before any work is done.
_SCRYPT_COSTS: Final = bytes([15, 8, 1])  # log2 N, r, p: 32 MiB
_SCRYPT_LOG2_N_RANGE: Final = range(15, 19)  # up to 256 MiB
_SCRYPT_P_RANGE: Final = range(1, 5)
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_AT_REST_HEADER_BYTES: Final = len(_SCRYPT_COSTS) + _SALT_BYTES + _NONCE_BYTES


def encrypt_at_rest(passphrase: bytes, plaintext: bytes) -> bytes:
    """Encrypt a key for the disk: scrypt (N = 2^15, r = 8, p = 1), then AES-256-GCM.

    Returns:
        log2 N, r, p (one byte each) || salt (16) || nonce (12) || tag (16) || ciphertext; salt and
        nonce are fresh from the operating system.

    Raises:
        Refused: `empty-passphrase`.
    """
    if not passphrase:
        raise Refused("empty-passphrase", "expected a passphrase of at least one byte")
    header = _SCRYPT_COSTS + get_random_bytes(_SALT_BYTES + _NONCE_BYTES)
    ciphertext, tag = _at_rest_cipher(passphrase, header).encrypt_and_digest(plaintext)
    return header + tag + ciphertext


def decrypt_at_rest(passphrase: bytes, encrypted: bytes) -> bytes:
    """Open what `encrypt_at_rest` made.

    Raises:
        Rejected: `wrong-passphrase-or-damaged`, or `scrypt-costs` out of bounds (before any work).
    """
    header, rest = encrypted[:_AT_REST_HEADER_BYTES], encrypted[_AT_REST_HEADER_BYTES:]
    if len(rest) < _TAG_BYTES:
        raise Rejected("wrong-passphrase-or-damaged", "expected a header, a tag and a ciphertext")
    log2_n, r, p = header[:3]
    if log2_n not in _SCRYPT_LOG2_N_RANGE or r != _SCRYPT_COSTS[1] or p not in _SCRYPT_P_RANGE:
        raise Rejected("scrypt-costs", "expected log2 N in 15..18, r = 8 and p in 1..4")
    try:
        cipher = _at_rest_cipher(passphrase, header)
        return cipher.decrypt_and_verify(rest[_TAG_BYTES:], rest[:_TAG_BYTES])
    except ValueError as error:
        raise Rejected("wrong-passphrase-or-damaged", "expected bytes as written") from error


def _at_rest_cipher(passphrase: bytes, header: bytes) -> GcmMode:
    log2_n, r, p = header[:3]
    salt, nonce = header[3 : 3 + _SALT_BYTES], header[3 + _SALT_BYTES :]
    key = bytes(scrypt(passphrase, salt, KEY_BYTES, N=1 << log2_n, r=r, p=p))
    cipher = AES.new(key, AES.MODE_GCM, nonce=nonce, mac_len=_TAG_BYTES)
    cipher.update(length_prefixed(domains.KEY_FILE.encode(), header))
    return cipher
