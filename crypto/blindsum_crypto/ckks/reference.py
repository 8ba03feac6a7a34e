"""The common reference a_j: public, the same for all clients of a round, and never sent.

Chunk j of the round has one uniform ring element a_j, in the transformed (NTT) domain. It depends
on the round id, so sealed vectors of two rounds share no reference and cannot be summed.
"""

import numpy as np

from blindsum_crypto import domains
from blindsum_crypto.ckks.modular import Words
from blindsum_crypto.ckks.parameters import RingSet
from blindsum_crypto.ckks.uniform import uniform
from blindsum_crypto.primitives import hkdf


def reference(round_id: bytes, chunk: int, prime: int, ring: RingSet) -> Words:
    """a_j modulo one prime.

    Args:
        round_id: 32 bytes.
        chunk: j, from 0.
        prime: One of the ring's primes.
        ring: The ring.

    Returns:
        uint64, shape (degree,), below prime: uniform from the keystream under
        HKDF(round id, domain, j as 8 bytes, prime as 8 bytes, both big-endian).
    """
    key = hkdf(round_id, domains.CKKS_REFERENCE, chunk.to_bytes(8, "big"), prime.to_bytes(8, "big"))
    return uniform(key, prime, ring.degree)


def references(round_id: bytes, chunks: range, prime: int, ring: RingSet) -> Words:
    """a_j of consecutive chunks modulo one prime: uint64, shape (len(chunks), degree)."""
    rows = np.empty((len(chunks), ring.degree), np.uint64)
    for row, chunk in zip(rows, chunks, strict=True):
        row[:] = reference(round_id, chunk, prime, ring)
    return rows
