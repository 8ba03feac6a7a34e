"""Ring keys: from custody leaves to the one key that fits a sum. Custodians run this, numpy alone.

A client's key is s = sum over parts T of expand(leaf_T), uniform and fresh per round; keys stay in
the transformed (NTT) domain, where they are uniform just as well, so that nobody who adds keys
needs a transform. A key is uint64, shape (primes, degree).
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from blindsum_crypto import domains
from blindsum_crypto.ckks.modular import Words, add
from blindsum_crypto.ckks.parameters import RingSet
from blindsum_crypto.ckks.uniform import room_for, uniform
from blindsum_crypto.custody import CustodySeeds, leaf
from blindsum_crypto.errors import Rejected
from blindsum_crypto.packing import pack_words, unpack_words
from blindsum_crypto.primitives import hmac_sha256

_WORD_LIMIT: Final = 1 << 64


def zero_key(ring: RingSet) -> Words:
    """The key of nobody: zeros, shape (primes, degree)."""
    return np.zeros((len(ring.primes), ring.degree), np.uint64)


def expand(leaf_bytes: bytes, ring: RingSet) -> Words:
    """One leaf as a ring key, uniform modulo every prime.

    Each prime has a keystream key of its own, HMAC-SHA256(leaf, domain, prime as 8 bytes
    big-endian), so that no residue of one prime depends on how many words another passed over.

    Args:
        leaf_bytes: A 32-byte leaf under the label `ckks-key`.
        ring: The ring.

    Returns:
        uint64, shape (primes, degree).
    """
    return sum_of_leaves((leaf_bytes,), ring)


def add_key(total: Words, key: Words, ring: RingSet) -> None:
    """Add a key into `total`, in place, modulo every prime."""
    for row, addend, prime in zip(total, key, ring.primes, strict=True):
        row[:] = add(row, addend, prime)


def sum_of_leaves(leaves: Iterable[bytes], ring: RingSet) -> Words:
    """The sum of the expanded leaves; one key of memory however many leaves there are.

    Residues are added as they are, and reduced only before a word could overflow: every 15 keys in
    set A, every 4,095 in set B.
    """
    total = zero_key(ring)
    room = room_for(ring.degree)
    before_reduction = _WORD_LIMIT // max(ring.primes) - 1
    added = 0
    for leaf_bytes in leaves:
        if added == before_reduction:
            _reduce(total, ring)
            added = 0
        for row, prime in zip(total, ring.primes, strict=True):
            drawn = uniform(_stream_key(leaf_bytes, prime), prime, ring.degree, room)
            np.add(row, drawn, out=row)
        added += 1
    _reduce(total, ring)
    return total


def _stream_key(leaf_bytes: bytes, prime: int) -> bytes:
    return hmac_sha256(leaf_bytes, domains.CKKS_KEY, prime.to_bytes(8, "big"))


def _reduce(total: Words, ring: RingSet) -> None:
    for row, prime in zip(total, ring.primes, strict=True):
        np.remainder(row, np.uint64(prime), out=row)


def client_key(seeds: CustodySeeds, round_id: bytes, client: str, ring: RingSet) -> Words:
    """The client's own key of this round, from its seeds of all parts."""
    labels = (leaf(seed, round_id, client, domains.LABEL_CKKS_KEY) for seed in seeds.values())
    return sum_of_leaves(labels, ring)


def encode_key(key: Words, ring: RingSet) -> bytes:
    """A key as bytes: its residues prime after prime, packed; 30,720 (A) or 53,248 bytes (B)."""
    return pack_words(key.reshape(-1), ring.word_bits)


def decode_key(encoded: bytes, ring: RingSet) -> Words:
    """Read what `encode_key` wrote.

    Raises:
        Rejected: `part-length`, or `word-out-of-range` when a residue is not below its prime.
    """
    key = zero_key(ring)
    expected = key.size * ring.word_bits // 8
    if len(encoded) != expected:
        raise Rejected("part-length", f"expected {expected} bytes, got {len(encoded)}")
    key[:] = unpack_words(encoded, key.size, ring.word_bits).reshape(key.shape)
    check_residues(key, ring)
    return key


def check_residues(words: Words, ring: RingSet) -> None:
    """Check that every residue is below its prime; shape (primes, degree).

    Raises:
        Rejected: `word-out-of-range`.
    """
    for row, prime in zip(words, ring.primes, strict=True):
        if int(row.max()) >= prime:
            raise Rejected("word-out-of-range", "expected every word to be below its prime")
