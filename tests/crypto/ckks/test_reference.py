"""The common reference: public, uniform, another for every round, chunk and prime."""

import numpy as np
from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF

from blindsum_crypto.ckks.parameters import RING_SETS
from blindsum_crypto.ckks.reference import reference, references
from blindsum_crypto.primitives import length_prefixed

RING = RING_SETS["A"]
PRIME = RING.primes[0]


def test_a_reference_is_the_keystream_under_hkdf_of_round_chunk_and_prime() -> None:
    info = length_prefixed(
        b"blindsum/v1/ckks-reference", (7).to_bytes(8, "big"), PRIME.to_bytes(8, "big")
    )
    key = bytes(HKDF(b"r" * 32, 32, b"", SHA256, 1, info))
    stream = AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=0).encrypt(bytes(8 * 5_000))
    words = (int.from_bytes(stream[at : at + 8], "little") for at in range(0, len(stream), 8))
    plain = [word % 2**60 for word in words if word % 2**60 < PRIME][: RING.degree]
    assert reference(b"r" * 32, 7, PRIME, RING).tolist() == plain


def test_references_of_rounds_chunks_and_primes_share_nothing() -> None:
    b = RING_SETS["B"]
    drawn = [
        reference(round_id, chunk, prime, ring)
        for round_id in (b"r" * 32, b"s" * 32)
        for chunk in (0, 1)
        for ring in (RING, b)
        for prime in ring.primes
    ]
    for place, one in enumerate(drawn):
        for other in drawn[:place]:
            assert np.intersect1d(one, other).size <= 2  # 52-bit words meet by chance once in 2^28


def test_references_of_consecutive_chunks_are_the_single_ones() -> None:
    rows = references(b"r" * 32, range(3, 6), PRIME, RING)
    assert rows.shape == (3, 4096)
    for row, chunk in zip(rows, range(3, 6), strict=True):
        assert np.array_equal(row, reference(b"r" * 32, chunk, PRIME, RING))
