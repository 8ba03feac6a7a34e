"""Masks: keystreams added to and subtracted from words, in pieces that stay in the cache.

PRG(key) is the AES-256-CTR keystream read as little-endian words; since 2^b divides 2^word, a sum
of masks modulo 2^word is right modulo 2^b as well.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from blindsum_crypto.keystream import Keystream, Room
from blindsum_crypto.masking.parameters import CHUNK_VALUES
from blindsum_crypto.seal import Accumulator

_STREAMS_AT_ONCE: Final = 1_024  # about 1 KB each, whatever the vector's length


def apply_masks(words: Accumulator, plus: Sequence[bytes], minus: Sequence[bytes]) -> None:
    """Add the masks of some keys to all words and subtract those of others, in place.

    Memory: one chunk and 1,024 open streams. Traffic for every 1,024 keys: the words once in and
    once out, everything else inside the cache.

    Args:
        words: uint16, uint32 or uint64, shape (n,).
        plus: Keys of 32 bytes, one use each.
        minus: Keys of 32 bytes, one use each.
    """
    room = Room(CHUNK_VALUES * words.itemsize)
    signed = [(key, np.add) for key in plus] + [(key, np.subtract) for key in minus]
    for start in range(0, len(signed), _STREAMS_AT_ONCE):
        batch = signed[start : start + _STREAMS_AT_ONCE]
        _apply(words, [(Keystream(key), combine) for key, combine in batch], room)


def _apply(
    words: Accumulator,
    streams: Sequence[tuple[Keystream, Callable[..., Accumulator]]],
    room: Room,
) -> None:
    little_endian = words.dtype.newbyteorder("<")
    for start in range(0, len(words), CHUNK_VALUES):
        chunk = words[start : start + CHUNK_VALUES]
        for stream, combine in streams:
            mask = stream.read_into(room, chunk.nbytes).view(little_endian)
            combine(chunk, mask, out=chunk)
