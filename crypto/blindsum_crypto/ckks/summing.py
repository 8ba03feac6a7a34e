"""The aggregator's half of CKKS before the opening: add sealed chunks that it cannot open.

numpy alone, no transform and no key: an auditor recomputes a sealed sum with this file. An
accumulator is uint64, shape (chunks, words of a chunk), every word below its prime.

Measured (one core of a Xeon, process time, median of 15): 0.007 s per 2^20 coefficients in set A,
0.011 s in set B, checks and unpacking included.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from blindsum_crypto.ckks.keys import check_residues
from blindsum_crypto.ckks.modular import Words, add, subtract
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.packing import pack_words, unpack_words
from blindsum_crypto.seal import Accumulator, SealedMember


class CkksSumming:
    """Sums of sealed chunks of one round.

    Args:
        parameters: The round's parameters.
        vector_length: Values of the vector.

    Raises:
        Refused: `vector-length`.
    """

    def __init__(self, parameters: CkksParameters, vector_length: int) -> None:
        self._parameters = parameters
        self._ring = parameters.ring
        self._vector_length = vector_length
        self._chunks = parameters.chunks(vector_length)

    @property
    def payload_bytes(self) -> int:
        """The exact length of every payload of the round."""
        return self._chunks * self.chunk_bytes

    @property
    def chunk_bytes(self) -> int:
        """The exact length of every chunk of a payload: 30,720 (A) or 53,248 (B)."""
        return self._parameters.chunk_bytes

    def zero(self) -> Words:
        """An empty accumulator: uint64, shape (chunks, words of a chunk)."""
        return np.zeros((self._chunks, self._parameters.words_per_chunk), np.uint64)

    @property
    def pair_table_bytes(self) -> int:
        """This seal has no pairs: 0."""
        return 0

    def disputing(self, members: Iterable[SealedMember]) -> frozenset[str]:
        """Nobody: without pairs there is nothing to dispute.

        Raises:
            Rejected: `pair-table-length`, when somebody sent a table all the same.
        """
        if any(member.pair_table for member in members):
            raise Rejected("pair-table-length", "expected no pair table under a seal without pairs")
        return frozenset()

    def check_chunk(self, chunk_index: int, chunk: bytes | memoryview) -> None:
        """Check length and range of one packed chunk.

        Raises:
            Rejected: `payload-length`, or `word-out-of-range` when a word is not below its prime.
            Refused: `chunk-index`.
        """
        self._check_index(chunk_index)
        self._words(chunk)

    def add(self, accumulator: Accumulator, chunk_index: int, chunk: bytes | memoryview) -> None:
        """Check one packed chunk and add it, in place.

        Raises:
            Rejected: `payload-length`, `word-out-of-range`; the accumulator is then unchanged.
            Refused: `chunk-index`, `accumulator-shape`.
        """
        self._combine(accumulator, chunk_index, chunk, add)

    def subtract(
        self, accumulator: Accumulator, chunk_index: int, chunk: bytes | memoryview
    ) -> None:
        """Take one packed chunk out again, in place; raises as `add` does."""
        self._combine(accumulator, chunk_index, chunk, subtract)

    def sealed_chunks(self, accumulator: Accumulator) -> Iterator[bytes]:
        """The packed chunks of the sealed sum, in order: the leaves of its Merkle tree.

        Raises:
            Refused: `accumulator-shape`.
        """
        self._check_accumulator(accumulator)
        return (pack_words(row, self._ring.word_bits) for row in accumulator)

    def load_sum(self, packed: bytes) -> Words:
        """The accumulator whose `sealed_chunks`, end to end, are these bytes.

        Raises:
            Rejected: `payload-length`, `word-out-of-range`.
        """
        if len(packed) != self.payload_bytes:
            raise Rejected(
                "payload-length", f"expected {self.payload_bytes} bytes, got {len(packed)}"
            )
        accumulator = self.zero()
        view = memoryview(packed)
        for index, row in enumerate(accumulator):
            chunk = view[index * self.chunk_bytes : (index + 1) * self.chunk_bytes]
            row[:] = self._words(chunk).reshape(-1)
        return accumulator

    def _combine(
        self,
        accumulator: Accumulator,
        chunk_index: int,
        chunk: bytes | memoryview,
        combination: Callable[[Words, Words, int], Words],
    ) -> None:
        self._check_accumulator(accumulator)
        self._check_index(chunk_index)
        words = self._words(chunk)
        rows = accumulator[chunk_index].reshape(words.shape)  # a view: one row is contiguous
        for row, addend, prime in zip(rows, words, self._ring.primes, strict=True):
            row[:] = combination(row, addend, prime)

    def _words(self, chunk: bytes | memoryview) -> Words:
        if len(chunk) != self.chunk_bytes:
            raise Rejected("payload-length", f"expected {self.chunk_bytes} bytes, got {len(chunk)}")
        words = unpack_words(chunk, self._parameters.words_per_chunk, self._ring.word_bits)
        words = words.reshape(len(self._ring.primes), self._ring.degree)
        check_residues(words, self._ring)
        return words

    def _check_index(self, chunk_index: int) -> None:
        if not 0 <= chunk_index < self._chunks:
            raise Refused("chunk-index", f"expected 0 to {self._chunks - 1}, got {chunk_index}")

    def _check_accumulator(self, accumulator: Accumulator) -> None:
        expected = (self._chunks, self._parameters.words_per_chunk)
        if accumulator.shape != expected or accumulator.dtype != np.uint64:
            raise Refused("accumulator-shape", f"expected uint64 of shape {expected}")
