"""Uniform residues from a keystream: how leaves become ring keys and round ids become references.

The AES-256-CTR keystream (zero IV) is read as little-endian uint64 words, each masked to the bits
of the prime; words not below the prime are passed over, so what remains is exactly uniform.
"""

from typing import Final

import numpy as np

from blindsum_crypto.ckks.modular import Words
from blindsum_crypto.keystream import AES_BLOCK_BYTES, keystream

_WORD_BYTES: Final = 8
_SPARE_WORDS: Final = 16  # both rings pass over fewer than one word in 2^30: one read suffices


def uniform(key: bytes, prime: int, count: int) -> Words:
    """The first `count` residues that the keystream of this key holds.

    Args:
        key: 32 bytes, of one use.
        prime: The modulus, below 2^64.
        count: How many residues.

    Returns:
        uint64, shape (count,), each below prime; a function of key, prime and count alone, and a
        shorter draw is the beginning of a longer one.
    """
    mask = np.uint64((1 << prime.bit_length()) - 1)
    found = np.empty(0, np.uint64)
    offset = 0
    while found.size < count:
        byte_count = (count - found.size + _SPARE_WORDS) * _WORD_BYTES
        byte_count += -byte_count % AES_BLOCK_BYTES
        words = keystream(key, byte_count, offset).view("<u8") & mask
        found = np.concatenate([found, words[words < prime]])
        offset += byte_count
    return found[:count]
