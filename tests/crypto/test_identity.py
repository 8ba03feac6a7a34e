"""Key pairs: signing, wrapping, agreement; no private key in any repr."""

from itertools import product

import pytest

from blindsum_crypto.errors import Rejected
from blindsum_crypto.identity import (
    AgreementKey,
    Identity,
    WrapKey,
    fingerprint,
    verify_signature,
)
from blindsum_crypto.primitives import ed25519_verify, hpke_wrap
from blindsum_crypto.randomness import SeededRandomness

P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]

NEUTRAL = b"\x01" + bytes(31)
ANY_MESSAGE = NEUTRAL + bytes(32)  # R is the neutral point, s is zero


def edwards_add(left: Point, right: Point) -> Point:
    (x1, y1), (x2, y2) = left, right
    cross = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + cross, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - cross, -1, P)
    return x % P, y % P


def points_of(y: int) -> list[Point]:
    """Both points of -x^2 + y^2 = 1 + D x^2 y^2 with this y."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    root = pow(square, (P + 3) // 8, P)
    if root * root % P != square:
        root = root * pow(2, (P - 1) // 4, P) % P
    return [(root, y), (-root % P, y)] if root * root % P == square else []


def small_order_encodings() -> set[bytes]:
    """Every encoding, canonical or not, of the points whose eightfold is the neutral point."""
    encodings = set()
    i = pow(2, (P - 1) // 4, P)
    # On points of order 8, x^2 = -y^2 (their double has y = 0), so 1 - 2 y^2 - D y^4 = 0.
    candidates = {0, 1, P - 1}
    for inner, outer in product((1, -1), repeat=2):
        half = (-1 + inner * pow_root(1 + D, i)) * pow(D, -1, P) % P
        candidates.add(outer * pow_root(half, i) % P)
    for y in candidates:
        for point in points_of(y):
            eightfold = point
            for _ in range(3):
                eightfold = edwards_add(eightfold, eightfold)
            if eightfold == (0, 1):
                encodings |= {
                    (number | sign << 255).to_bytes(32, "little")
                    for number in (y, y + P)
                    if number < 2**255
                    for sign in (0, 1)
                }
    return encodings


def pow_root(square: int, i: int) -> int:
    root = pow(square % P, (P + 3) // 8, P)
    return root if root * root % P == square % P else root * i % P


def test_an_identity_signs_and_its_public_key_verifies(randomness: SeededRandomness) -> None:
    identity = Identity.generate(randomness)
    verify_signature(identity.public, b"message", identity.sign(b"message"))
    with pytest.raises(Rejected) as caught:
        verify_signature(identity.public, b"massage", identity.sign(b"message"))
    assert caught.value.rule == "bad-signature"


def test_the_default_is_the_hybrid_wrap(randomness: SeededRandomness) -> None:
    key = WrapKey.generate(randomness=randomness)
    assert key.suite == "mlkem768x25519"
    assert key.unwrap(b"info", hpke_wrap(key.suite, key.public, b"info", b"seed")) == b"seed"


def test_both_ends_agree(randomness: SeededRandomness) -> None:
    one, other = AgreementKey.generate(randomness), AgreementKey.generate(randomness)
    assert one.agree(other.public) == other.agree(one.public)


def test_no_repr_shows_a_private_key(randomness: SeededRandomness) -> None:
    keys = (
        Identity.generate(randomness),
        WrapKey.generate("x25519", randomness),
        AgreementKey.generate(randomness),
    )
    for key in keys:
        for shown in (repr(key), str(key), f"{key}"):
            assert repr(key.private)[2:-1] not in shown
            assert key.private.hex() not in shown


def test_without_an_argument_keys_come_from_the_system() -> None:
    assert Identity.generate().public != Identity.generate().public


def test_the_fingerprint_is_ten_groups_of_four_hex_digits() -> None:
    groups = fingerprint(bytes(32)).split(" ")
    assert [len(group) for group in groups] == [4] * 10
    assert int("".join(groups), 16) >= 0
    assert fingerprint(bytes(32)) != fingerprint(bytes(31) + b"\x01")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_private_key_of_a_wrong_length_is_rejected(length: int) -> None:
    for kind in (Identity, AgreementKey):
        with pytest.raises(Rejected) as caught:
            kind(bytes(length))
        assert caught.value.rule == "private-key-length"


def test_every_encoding_of_every_small_order_point_is_rejected_as_a_key() -> None:
    encodings = small_order_encodings()
    assert len(encodings) == 14
    for public in encodings:
        with pytest.raises(Rejected) as caught:
            verify_signature(public, b"message", ANY_MESSAGE)
        assert caught.value.rule == "small-order-key"


def test_without_that_check_one_signature_would_fit_every_message() -> None:
    for message in (b"endorse this", b"endorse that"):
        ed25519_verify(NEUTRAL, message, ANY_MESSAGE)
