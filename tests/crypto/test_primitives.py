"""Hashes, signatures and agreement: published vectors, and one library against the other."""

import hashlib
import hmac
from itertools import pairwise

import pytest
from Crypto.Hash import HMAC, SHA256
from Crypto.Protocol.DH import import_x25519_private_key, import_x25519_public_key, key_agreement
from Crypto.Protocol.KDF import HKDF as OTHER_HKDF
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto import primitives
from blindsum_crypto.errors import Rejected

DOMAIN = "blindsum/v1/payload"

# RFC 8032, section 7.1, tests 1 and 2: private, public, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]

# RFC 7748, section 6.1.
ALICE = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
ALICE_PUBLIC = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
BOB = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
BOB_PUBLIC = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
AGREED = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")

SMALL_ORDER_X25519 = [
    "00" * 32,
    "01" + "00" * 31,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ec" + "ff" * 30 + "7f",
    "ed" + "ff" * 30 + "7f",
    "ee" + "ff" * 30 + "7f",
]


def test_length_prefixes_are_eight_bytes_big_endian() -> None:
    assert primitives.length_prefixed(b"ab", b"") == b"\x00" * 7 + b"\x02ab" + b"\x00" * 8


@given(st.lists(st.binary(max_size=20), max_size=5), st.lists(st.binary(max_size=20), max_size=5))
def test_two_different_lists_never_join_to_the_same_bytes(
    left: list[bytes], right: list[bytes]
) -> None:
    same = primitives.length_prefixed(*left) == primitives.length_prefixed(*right)
    assert same == (left == right)


def test_a_digest_is_sha_256_over_the_prefixed_domain_and_parts() -> None:
    content = primitives.length_prefixed(DOMAIN.encode(), b"one", b"two")
    assert primitives.digest(DOMAIN, b"one", b"two") == hashlib.sha256(content).digest()
    assert primitives.digest(DOMAIN, b"one", b"two") == SHA256.new(content).digest()
    assert primitives.digest(DOMAIN, b"onet", b"wo") != primitives.digest(DOMAIN, b"one", b"two")


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_a_streamed_digest_does_not_depend_on_how_the_data_is_cut(
    data: bytes, cuts: list[int]
) -> None:
    stream = primitives.DigestStream(DOMAIN)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, stop in pairwise(edges):
        stream.update(memoryview(data)[start:stop])
    prefix = primitives.length_prefixed(DOMAIN.encode())
    expected = hashlib.sha256(prefix + data + len(data).to_bytes(8, "big")).digest()
    assert stream.digest() == expected
    assert stream.digest() == expected, "asking twice changes nothing"


def test_a_streamed_digest_differs_from_the_digest_of_the_same_bytes() -> None:
    stream = primitives.DigestStream(DOMAIN)
    stream.update(b"data")
    assert stream.digest() != primitives.digest(DOMAIN, b"data")


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_hmac_agrees_between_the_libraries(key: bytes, part: bytes) -> None:
    content = primitives.length_prefixed(DOMAIN.encode(), part)
    other = HMAC.new(key, content, SHA256).digest()
    assert hmac.compare_digest(primitives.hmac_sha256(key, DOMAIN, part), other)


def test_the_hkdf_beneath_gives_the_answers_of_rfc_5869() -> None:
    secret, sha256 = b"\x0b" * 22, hashes.SHA256()
    info = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")
    case_1 = HKDF(sha256, 42, bytes(range(13)), info).derive(secret)
    case_3 = HKDF(sha256, 42, None, b"").derive(secret)
    assert case_1.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    assert case_3.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


@given(st.binary(min_size=1, max_size=64), st.binary(max_size=64), st.integers(1, 200))
def test_hkdf_agrees_between_the_libraries(secret: bytes, part: bytes, length: int) -> None:
    info = primitives.length_prefixed(DOMAIN.encode(), part)
    other = OTHER_HKDF(secret, length, b"", SHA256, 1, info)
    assert primitives.hkdf(secret, DOMAIN, part, length=length) == other


@given(secret=st.binary(min_size=1, max_size=80), part=st.binary(max_size=40))
def test_the_two_halves_of_hkdf_are_hkdf(secret: bytes, part: bytes) -> None:
    halves = primitives.hkdf_expand(primitives.hkdf_extract(secret), DOMAIN, part)
    assert halves == primitives.hkdf(secret, DOMAIN, part)


@pytest.mark.parametrize(("private", "public", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_rfc_8032(
    private: str, public: str, message: str, signature: str
) -> None:
    key, text = bytes.fromhex(private), bytes.fromhex(message)
    assert primitives.ed25519_public(key).hex() == public
    assert primitives.ed25519_sign(key, text).hex() == signature
    primitives.ed25519_verify(bytes.fromhex(public), text, bytes.fromhex(signature))


@given(st.binary(max_size=100))
def test_signatures_agree_between_the_libraries(message: bytes) -> None:
    private = bytes.fromhex(RFC_8032[0][0])
    other = eddsa.new(eddsa.import_private_key(private), "rfc8032")
    signature = primitives.ed25519_sign(private, message)
    assert other.sign(message) == signature
    public = ECC.construct(curve="Ed25519", seed=private).public_key()
    eddsa.new(public, "rfc8032").verify(message, signature)


@pytest.mark.parametrize("bit", [0, 100, 255, 256, 400, 511])
def test_a_signature_with_one_flipped_bit_is_rejected(bit: int) -> None:
    private = primitives.generate_ed25519()
    signature = bytearray(primitives.ed25519_sign(private, b"message"))
    signature[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Rejected) as caught:
        primitives.ed25519_verify(primitives.ed25519_public(private), b"message", bytes(signature))
    assert caught.value.rule == "bad-signature"


@pytest.mark.parametrize(("key_bytes", "signature_bytes"), [(31, 64), (32, 63), (0, 0), (33, 65)])
def test_a_key_or_signature_of_a_wrong_length_is_a_bad_signature(
    key_bytes: int, signature_bytes: int
) -> None:
    with pytest.raises(Rejected) as caught:
        primitives.ed25519_verify(b"\x09" * key_bytes, b"", bytes(signature_bytes))
    assert caught.value.rule == "bad-signature"


def test_agreement_gives_the_answer_of_rfc_7748() -> None:
    assert primitives.x25519_public(ALICE) == ALICE_PUBLIC
    assert primitives.x25519_agree(ALICE, BOB_PUBLIC) == AGREED
    assert primitives.x25519_agree(BOB, ALICE_PUBLIC) == AGREED


def test_agreement_agrees_between_the_libraries() -> None:
    private, peer = primitives.generate_x25519(), primitives.generate_x25519()
    public = primitives.x25519_public(peer)
    other = key_agreement(
        static_priv=import_x25519_private_key(private),
        static_pub=import_x25519_public_key(public),
        kdf=bytes,
    )
    assert primitives.x25519_agree(private, public) == other


@pytest.mark.parametrize("public", SMALL_ORDER_X25519)
def test_a_small_order_agreement_key_is_rejected(public: str) -> None:
    with pytest.raises(Rejected) as caught:
        primitives.x25519_agree(ALICE, bytes.fromhex(public))
    assert caught.value.rule == "small-order-key"


def test_an_agreement_key_of_a_wrong_length_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        primitives.x25519_agree(ALICE, BOB_PUBLIC + b"\x00")
    assert caught.value.rule == "public-key-length"
