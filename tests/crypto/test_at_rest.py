"""Keys at rest: scrypt and AES-GCM of one library against the other; all damage is noticed."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from blindsum_crypto.at_rest import decrypt_at_rest, encrypt_at_rest
from blindsum_crypto.domains import KEY_FILE
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.primitives import length_prefixed

PASSPHRASE = b"correct horse battery staple"


def test_the_other_library_reads_what_was_encrypted_at_rest() -> None:
    encrypted = encrypt_at_rest(PASSPHRASE, b"private keys")
    header, tag, ciphertext = encrypted[:31], encrypted[31:47], encrypted[47:]
    log2_n, r, p = header[:3]
    key = Scrypt(salt=header[3:19], length=32, n=1 << log2_n, r=r, p=p).derive(PASSPHRASE)
    associated = length_prefixed(KEY_FILE.encode(), header)
    assert (log2_n, r, p) == (15, 8, 1)
    assert AESGCM(key).decrypt(header[19:], ciphertext + tag, associated) == b"private keys"


def test_what_was_encrypted_opens_with_the_passphrase_alone() -> None:
    encrypted = encrypt_at_rest(PASSPHRASE, b"private keys")
    assert decrypt_at_rest(PASSPHRASE, encrypted) == b"private keys"
    with pytest.raises(Rejected) as caught:
        decrypt_at_rest(PASSPHRASE + b".", encrypted)
    assert caught.value.rule == "wrong-passphrase-or-damaged"


def test_two_encryptions_of_one_key_share_neither_salt_nor_nonce() -> None:
    one, other = encrypt_at_rest(PASSPHRASE, b""), encrypt_at_rest(PASSPHRASE, b"")
    assert one[3:19] != other[3:19]
    assert one[19:31] != other[19:31]


@pytest.mark.parametrize("at", [3, 18, 19, 30, 31, 46, 47, 58])
def test_one_flipped_byte_is_noticed(at: int) -> None:
    encrypted = bytearray(encrypt_at_rest(PASSPHRASE, b"private keys"))
    encrypted[at] ^= 1
    with pytest.raises(Rejected) as caught:
        decrypt_at_rest(PASSPHRASE, bytes(encrypted))
    assert caught.value.rule == "wrong-passphrase-or-damaged"


@pytest.mark.parametrize(
    "costs", [(14, 8, 1), (19, 8, 1), (30, 8, 1), (15, 9, 1), (15, 8, 0), (15, 8, 5)]
)
def test_scrypt_costs_out_of_bounds_are_rejected_before_any_work(costs: tuple[int, ...]) -> None:
    encrypted = bytes(costs) + encrypt_at_rest(PASSPHRASE, b"")[3:]
    with pytest.raises(Rejected) as caught:
        decrypt_at_rest(PASSPHRASE, encrypted)
    assert caught.value.rule == "scrypt-costs"


@pytest.mark.parametrize("length", [0, 3, 31, 46])
def test_a_cut_off_file_is_rejected(length: int) -> None:
    with pytest.raises(Rejected) as caught:
        decrypt_at_rest(PASSPHRASE, encrypt_at_rest(PASSPHRASE, b"")[:length])
    assert caught.value.rule == "wrong-passphrase-or-damaged"


def test_an_empty_passphrase_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        encrypt_at_rest(b"", b"private keys")
    assert caught.value.rule == "empty-passphrase"
