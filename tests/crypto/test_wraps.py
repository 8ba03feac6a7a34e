"""HPKE wraps: a receiver written from RFC 9180 opens them, and nothing but the right key does."""

import hashlib
import hmac
from collections.abc import Callable
from typing import cast, get_args

import pytest
from Crypto.Cipher import AES
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.primitives import (
    WrapSuite,
    generate_wrap_key,
    hpke_unwrap,
    hpke_wrap,
    wrap_public,
    x25519_agree,
    x25519_public,
)

SUITES = get_args(WrapSuite)
INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")


def labeled_extract(suite: bytes, salt: bytes, label: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")


def labeled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    content = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, content + b"\x01", "sha256")[:length]


def x25519_secret(private: bytes, encapsulation: bytes) -> bytes:
    """DHKEM(X25519, HKDF-SHA256), RFC 9180 section 4.1."""
    suite = b"KEM" + (0x20).to_bytes(2, "big")
    extracted = labeled_extract(suite, b"", b"eae_prk", x25519_agree(private, encapsulation))
    context = encapsulation + x25519_public(private)
    return labeled_expand(suite, extracted, b"shared_secret", context, 32)


def hybrid_secret(private: bytes, encapsulation: bytes) -> bytes:
    """X-Wing, draft-connolly-cfrg-xwing-kem: SHA3-256 of secrets, context and label."""
    mlkem = MLKEM768PrivateKey.from_seed_bytes(private[:64]).decapsulate(encapsulation[:1088])
    ephemeral, static = encapsulation[1088:], private[64:]
    agreed = x25519_agree(static, ephemeral)
    content = mlkem + agreed + ephemeral + x25519_public(static) + rb"\./" + b"/^\\"
    return hashlib.sha3_256(content).digest()


def schedule(secret: bytes, kem: int, aead: int, key_bytes: int) -> tuple[bytes, bytes]:
    """Key and nonce of the base mode, RFC 9180 section 5.1, for the info of this file."""
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (kem, 1, aead))
    no_identity = labeled_extract(suite, b"", b"psk_id_hash", b"")
    context = b"\x00" + no_identity + labeled_extract(suite, b"", b"info_hash", INFO)
    extracted = labeled_extract(suite, secret, b"secret", b"")
    key = labeled_expand(suite, extracted, b"key", context, key_bytes)
    return key, labeled_expand(suite, extracted, b"base_nonce", context, 12)


def test_the_receiver_of_this_file_gives_the_answer_of_rfc_9180() -> None:
    # Appendix A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode.
    private = bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
    encapsulation = bytes.fromhex(
        "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
    )
    key, nonce = schedule(x25519_secret(private, encapsulation), 0x20, 1, 16)
    assert key.hex() == "4531685d41d65f03dc48f6b8302c05b0"
    assert nonce.hex() == "56d890e5accaaf011cff4b7d"


@pytest.mark.parametrize(
    ("suite", "kem", "encapsulation_bytes"),
    [("x25519", 0x20, 32), ("mlkem768x25519", 0x647A, 1120)],
)
def test_a_wrap_opens_for_a_receiver_written_from_the_standards(
    suite: WrapSuite, kem: int, encapsulation_bytes: int
) -> None:
    private = generate_wrap_key(suite)
    wrapped = hpke_wrap(
        suite, wrap_public(suite, private), INFO, b"thirty-two bytes of custody seed"
    )
    encapsulation, ciphertext = wrapped[:encapsulation_bytes], wrapped[encapsulation_bytes:]
    secret = (x25519_secret if suite == "x25519" else hybrid_secret)(private, encapsulation)
    key, nonce = schedule(secret, kem, 2, 32)
    opened = AES.new(key, AES.MODE_GCM, nonce=nonce).decrypt_and_verify(
        ciphertext[:-16], ciphertext[-16:]
    )
    assert opened == b"thirty-two bytes of custody seed"


@pytest.mark.parametrize("suite", SUITES)
def test_a_wrap_opens_under_its_key_and_info(suite: WrapSuite) -> None:
    private = generate_wrap_key(suite)
    wrapped = hpke_wrap(suite, wrap_public(suite, private), b"info", b"secret")
    assert hpke_unwrap(suite, private, b"info", wrapped) == b"secret"


@pytest.mark.parametrize("suite", SUITES)
def test_two_wraps_of_one_secret_differ(suite: WrapSuite) -> None:
    public = wrap_public(suite, generate_wrap_key(suite))
    assert hpke_wrap(suite, public, b"", b"secret") != hpke_wrap(suite, public, b"", b"secret")


@pytest.mark.parametrize("suite", SUITES)
def test_a_wrap_for_another_info_or_key_is_rejected(suite: WrapSuite) -> None:
    private = generate_wrap_key(suite)
    wrapped = hpke_wrap(suite, wrap_public(suite, private), b"info", b"secret")
    for key, info in ((private, b"inf"), (generate_wrap_key(suite), b"info")):
        with pytest.raises(Rejected) as caught:
            hpke_unwrap(suite, key, info, wrapped)
        assert caught.value.rule == "bad-wrap"


@pytest.mark.parametrize("suite", SUITES)
def test_a_wrap_with_any_flipped_byte_or_cut_off_is_rejected(suite: WrapSuite) -> None:
    private = generate_wrap_key(suite)
    wrapped = hpke_wrap(suite, wrap_public(suite, private), b"info", b"secret")
    damaged = [wrapped[:at] for at in (0, 1, 31, len(wrapped) - 1)]
    damaged += [
        wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
        for at in range(0, len(wrapped), 13)
    ]
    for attempt in damaged:
        with pytest.raises(Rejected) as caught:
            hpke_unwrap(suite, private, b"info", attempt)
        assert caught.value.rule == "bad-wrap"


@pytest.mark.parametrize("suite", SUITES)
def test_a_public_wrap_key_that_does_not_parse_is_rejected(suite: WrapSuite) -> None:
    public = wrap_public(suite, generate_wrap_key(suite))
    for attempt in (b"", public[:-1], public + b"\x00", bytes(len(public))):
        with pytest.raises(Rejected) as caught:
            hpke_wrap(suite, attempt, b"info", b"secret")
        assert caught.value.rule == "bad-wrap-key"


def test_a_private_wrap_key_of_another_suite_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        hpke_unwrap("mlkem768x25519", generate_wrap_key("x25519"), b"", b"")
    assert caught.value.rule == "wrap-key-length"


def test_an_unknown_suite_is_refused() -> None:
    unknown = cast("WrapSuite", "rot13")
    calls: list[Callable[[], bytes]] = [
        lambda: generate_wrap_key(unknown),
        lambda: wrap_public(unknown, bytes(32)),
        lambda: hpke_wrap(unknown, bytes(32), b"", b""),
        lambda: hpke_unwrap(unknown, bytes(32), b"", b""),
    ]
    for call in calls:
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.rule == "unknown-wrap-suite"
