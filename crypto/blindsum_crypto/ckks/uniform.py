"""Uniform residues from a keystream: how leaves become ring keys and round ids become references.

The AES-256-CTR keystream (zero IV) is read as little-endian uint64 words, each masked to the bits
of the prime; words not below the prime are passed over, so what remains is exactly uniform.
"""

from typing import Final

import numpy as np

from blindsum_crypto.ckks.modular import Words
from blindsum_crypto.keystream import AES_BLOCK_BYTES, Keystream, Room

_WORD_BYTES: Final = 8
_SPARE_WORDS: Final = 16  # both rings pass over fewer than one word in 2^30: one read suffices


def uniform(key: bytes, prime: int, count: int, room: Room | None = None) -> Words:
    """The first `count` residues that the keystream of this key holds.

    Args:
        key: 32 bytes, of one use.
        prime: The modulus, below 2^64.
        count: How many residues.
        room: Memory of `room_for(count)` to read the keystream into, for who draws many times and
            keeps none; what is returned stands in it until it is used again.

    Returns:
        uint64, shape (count,), each below prime; a function of key, prime and count alone, and a
        shorter draw is the beginning of a longer one.
    """
    space = room_for(count) if room is None else room
    stream = Keystream(key)
    found = np.empty(0, np.uint64)
    while True:
        words: Words = stream.read_into(space, _stream_bytes(count - found.size)).view("<u8")
        words &= np.uint64((1 << prime.bit_length()) - 1)
        if not found.size and int(words[:count].max(initial=0)) < prime:
            return words[:count]  # no word is passed over: almost always so
        found = np.concatenate([found, words[words < prime]])
        if found.size >= count:
            return found[:count]


def room_for(count: int) -> Room:
    """Memory for drawing so many residues at once."""
    return Room(_stream_bytes(count))


def _stream_bytes(count: int) -> int:
    byte_count = (count + _SPARE_WORDS) * _WORD_BYTES
    return byte_count + -byte_count % AES_BLOCK_BYTES
