"""A wrap key that is kept ready opens what the key opens, and shows nothing of itself."""

from concurrent.futures import ThreadPoolExecutor
from typing import cast, get_args

import pytest

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.identity import WrapKey
from blindsum_crypto.primitives import (
    WrapOpener,
    WrapSuite,
    generate_wrap_key,
    hpke_unwrap,
    hpke_wrap,
    wrap_public,
)
from blindsum_crypto.randomness import SeededRandomness

SUITES = get_args(WrapSuite)


@pytest.mark.parametrize("suite", SUITES)
def test_one_opener_opens_many_wraps_as_the_key_does_each(suite: WrapSuite) -> None:
    private = generate_wrap_key(suite)
    opener = WrapOpener(suite, private)
    for number in range(5):
        info, plaintext = f"info {number}".encode(), bytes([number]) * 96
        wrapped = hpke_wrap(suite, wrap_public(suite, private), info, plaintext)
        assert opener.unwrap(info, wrapped) == plaintext
        assert hpke_unwrap(suite, private, info, wrapped) == plaintext


@pytest.mark.parametrize("suite", SUITES)
def test_an_opener_rejects_what_is_not_its_own_and_goes_on(suite: WrapSuite) -> None:
    key = WrapKey.generate(suite)
    other = WrapKey.generate(suite)
    true = hpke_wrap(suite, key.public, b"info", b"seeds")
    foreign = hpke_wrap(suite, other.public, b"info", b"seeds")
    mauled = true[:-1] + bytes([true[-1] ^ 1])
    for info, wrapped in ((b"info", foreign), (b"other", true), (b"info", mauled), (b"info", b"")):
        with pytest.raises(Rejected) as caught:
            key.unwrap(info, wrapped)
        assert caught.value.rule == "bad-wrap"
        assert key.unwrap(b"info", true) == b"seeds"


def test_threads_may_share_an_opener() -> None:
    key = WrapKey.generate()
    wraps = [hpke_wrap(key.suite, key.public, b"info", bytes([one]) * 96) for one in range(64)]
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda wrapped: key.unwrap(b"info", wrapped), wraps))
    assert opened == [bytes([one]) * 96 for one in range(64)]


def test_a_key_of_a_wrong_length_or_suite_makes_no_opener() -> None:
    with pytest.raises(Rejected) as caught:
        WrapOpener("mlkem768x25519", bytes(32))
    assert caught.value.rule == "wrap-key-length"
    with pytest.raises(Refused) as refused:
        WrapOpener(cast(WrapSuite, "rot13"), bytes(32))
    assert refused.value.rule == "unknown-wrap-suite"


@pytest.mark.parametrize("suite", SUITES)
def test_neither_opener_nor_key_shows_the_private_key(suite: WrapSuite) -> None:
    key = WrapKey.generate(suite, SeededRandomness(b"shown"))
    for shown in (repr(key), repr(WrapOpener(suite, key.private))):
        assert key.private[:8].hex() not in shown
        assert repr(key.private[:8])[2:-1] not in shown
    assert key == WrapKey(suite, key.private)
    assert hash(key) == hash(WrapKey(suite, key.private))
