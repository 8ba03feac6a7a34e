"""Keystreams: FIPS 197, one library against the other, and reading in pieces."""

import numpy as np
import pytest
from Crypto.Cipher import AES
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.errors import Refused
from blindsum_crypto.keystream import Keystream, Room, keystream


@given(st.binary(min_size=32, max_size=32), st.integers(0, 3000), st.integers(0, 1 << 40))
def test_the_keystream_agrees_between_the_libraries(key: bytes, count: int, block: int) -> None:
    other = AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=block)
    expected = other.encrypt(bytes(count))
    assert keystream(key, count, 16 * block).tobytes() == expected


def test_the_keystream_gives_the_answer_of_fips_197() -> None:
    # AES-256 of the all-zero block under the key 00 01 .. 1f is not in FIPS 197, whose block is
    # 00112233..ff; the counter block reaches it, since CTR encrypts its counter.
    key, block = bytes(range(32)), int("00112233445566778899aabbccddeeff", 16)
    stream = keystream(key, 16, 16 * block)
    assert stream.tobytes().hex() == "8ea2b7ca516745bfeafc49904b496089"


def test_a_keystream_can_be_made_in_chunks() -> None:
    whole = keystream(b"k" * 32, 1000)
    assert np.array_equal(keystream(b"k" * 32, 1000 - 512, 512), whole[512:])


@pytest.mark.parametrize(
    ("key_bytes", "offset", "rule"),
    [(16, 0, "keystream-key-length"), (32, 8, "keystream-offset"), (32, -16, "keystream-offset")],
)
def test_a_short_key_or_a_crooked_offset_is_refused(key_bytes: int, offset: int, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        keystream(bytes(key_bytes), 16, offset)
    assert caught.value.rule == rule


def test_a_stream_that_is_read_in_pieces_is_the_whole_stream() -> None:
    stream, room = Keystream(b"k" * 32, 32), Room(256)
    pieces = [stream.read_into(room, count).copy() for count in (256, 16, 5)]
    assert np.array_equal(np.concatenate(pieces), keystream(b"k" * 32, 277, 32))


def test_two_streams_may_share_a_room() -> None:
    room = Room(64)
    first, second = Keystream(b"a" * 32), Keystream(b"b" * 32)
    first.read_into(room, 64)
    assert np.array_equal(second.read_into(room, 64), keystream(b"b" * 32, 64))


def test_more_bytes_than_the_room_holds_are_refused() -> None:
    with pytest.raises(Refused) as caught:
        Keystream(b"k" * 32).read_into(Room(16), 17)
    assert caught.value.rule == "keystream-room"


def test_a_keystream_shows_no_key() -> None:
    assert "6b6b" not in repr(Keystream(b"k" * 32))
    assert "kkkk" not in repr(Keystream(b"k" * 32))
