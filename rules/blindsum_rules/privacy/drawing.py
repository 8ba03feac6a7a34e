"""Draws from an alias table: one AES-256-CTR word each, in pieces that stay in the cache.

Draw number i reads keystream bytes 8i to 8i + 7 as a little-endian word: the low c bits name a
column, the next 63 - c are compared, the top bit is the sign. Its further 64 bits, for the rare
tie, are the word at byte 2^60 + 8i of the same keystream, which no first word ever reaches.

Time does not depend on what is drawn, but for two things: which lines of the table are in the
cache, and a tie, less than one draw in 2^42. Both can be seen on the client's own machine only.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused
from blindsum_crypto.keystream import AES_BLOCK_BYTES, Keystream, Room, keystream
from blindsum_rules.privacy.alias_table import AliasTable

MAX_DRAWS: Final = 1 << 40
"""Draws from one key; far below 2^57, where first words would reach the further ones."""

_CHUNK_DRAWS: Final = 1 << 13
_WORD_BYTES: Final = 8
_FURTHER_OFFSET: Final = 1 << 60
_SIGN_SHIFT: Final = 63
_UNSIGNED: Final = np.int64((1 << _SIGN_SHIFT) - 1)

_Integers = npt.NDArray[np.int64]


def draw(table: AliasTable, count: int, key: bytes) -> _Integers:
    """Independent draws of a symmetric law, each exactly as the table weighs it.

    Args:
        table: The law.
        count: How many, 0 to 2^40.
        key: 32 secret bytes from `Randomness`; one key has one use.

    Returns:
        int64, shape (count,), fresh; every value is within +-`table.largest`.

    Raises:
        Refused: `noise-count`; `keystream-key-length`.
    """
    if not 0 <= count <= MAX_DRAWS:
        raise Refused("noise-count", f"expected 0 to 2^40 draws, got {count}")
    stream = Keystream(key)
    room = Room(_CHUNK_DRAWS * _WORD_BYTES)
    drawn = np.empty(count, np.int64)
    for start in range(0, count, _CHUNK_DRAWS):
        chunk = drawn[start : start + _CHUNK_DRAWS]
        # Both machines' byte orders read the stream alike; values below 2^63 compare as int64 do.
        words = stream.read_into(room, chunk.nbytes).view("<i8").astype(np.int64, copy=False)
        _draw_chunk(table, words, chunk, key, start)
    return drawn


def _draw_chunk(
    table: AliasTable, words: _Integers, chunk: _Integers, key: bytes, start: int
) -> None:
    """Turn words into draws; four arrays of 64 KiB and the table are touched, all in the cache.

    Column and alias lie in the same low bits, so compare bits and column of a word, and threshold
    and alias of a table's word, are compared and exchanged as one number of 63 bits each.
    """
    columns = 1 << table.column_bits
    column_mask = np.int64(columns - 1)
    chosen = words & column_mask
    # "wrap" spares a check of every index, and each is below the table's length by its mask.
    entries = np.take(table.words.view(np.int64), chosen, mode="wrap")
    np.bitwise_and(words, _UNSIGNED, out=chosen)
    difference = np.bitwise_xor(chosen, entries, out=chunk)
    chosen -= entries
    chosen >>= _SIGN_SHIFT  # all ones where the word is below the table's, so that the column stays
    if int(difference.min()) < columns:
        _decide_ties(table, np.flatnonzero(difference < columns), words, chosen, key, start)
    difference &= chosen
    difference ^= entries
    difference &= column_mask
    sign = np.right_shift(words, _SIGN_SHIFT, out=chosen)  # 0, or -1: then -x is ~x + 1
    chunk ^= sign
    chunk -= sign


def _decide_ties(
    table: AliasTable,
    places: npt.NDArray[np.intp],
    words: _Integers,
    chosen: _Integers,
    key: bytes,
    start: int,
) -> None:
    """Set the choice anew where all compare bits are the threshold's; hardly ever called."""
    for place in places.tolist():
        block, odd = divmod(start + place, AES_BLOCK_BYTES // _WORD_BYTES)
        stream = keystream(key, AES_BLOCK_BYTES, _FURTHER_OFFSET + block * AES_BLOCK_BYTES)
        further = int(stream.view("<u8")[odd])
        column = int(words[place]) & ((1 << table.column_bits) - 1)
        chosen[place] = -1 if further < int(table.low_thresholds[column]) else 0
