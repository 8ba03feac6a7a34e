"""The aggregator's half of masking before the opening: add masked chunks that it cannot open.

numpy alone and no key: an auditor recomputes a sealed sum with this file. An accumulator is one
word a value, shape (values,), and counts modulo 2^word, of which only the lowest b bits matter.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.masking.disputes import disputing
from blindsum_crypto.masking.pairs import ENTRY_BYTES
from blindsum_crypto.masking.parameters import CHUNK_VALUES, MaskingParameters
from blindsum_crypto.masking.values import to_bytes
from blindsum_crypto.packing import packed_bytes, unpack_narrow
from blindsum_crypto.seal import Accumulator, SealedMember


class MaskingSumming:
    """Sums of masked chunks of one round; see `blindsum_crypto.seal.SumSeal`.

    Args:
        parameters: The round's parameters.
        vector_length: Values of the vector.
        cohort: Everybody invited, ascending.

    Raises:
        Refused: `vector-length`.
    """

    def __init__(
        self, parameters: MaskingParameters, vector_length: int, cohort: Sequence[str]
    ) -> None:
        self._parameters = parameters
        self._cohort = cohort
        self._sent_values = parameters.sent_values(vector_length)
        self._chunks = parameters.chunks(vector_length)

    @property
    def payload_bytes(self) -> int:
        """The exact length of every payload of the round."""
        return packed_bytes(self._sent_values, self._parameters.value_bits)

    @property
    def chunk_bytes(self) -> int:
        """The exact length of every chunk but the last: 8,192 bytes for every bit of a value."""
        return self._parameters.chunk_bytes

    @property
    def pair_table_bytes(self) -> int:
        """The exact length of every pair table: 64 bytes for every peer."""
        return ENTRY_BYTES * (len(self._cohort) - 1)

    def disputing(self, members: Iterable[SealedMember]) -> frozenset[str]:
        """Who is left out before the freeze, so that no two of the others dispute.

        Raises:
            Rejected: `pair-table-length`.
        """
        return disputing(self._cohort, members)

    def zero(self) -> Accumulator:
        """An empty accumulator: one word a value, shape (values,)."""
        return np.zeros(self._sent_values, self._parameters.word_type)

    def check_chunk(self, chunk_index: int, chunk: bytes | memoryview) -> None:
        """Check the length of one packed chunk; every word of b bits is in range.

        Raises:
            Rejected: `payload-length`, `padding-bits` when bits behind the last value are not zero.
            Refused: `chunk-index`.
        """
        self.words(chunk_index, chunk)

    def add(self, accumulator: Accumulator, chunk_index: int, chunk: bytes | memoryview) -> None:
        """Check one packed chunk and add it, in place.

        Raises:
            Rejected: `payload-length`, `padding-bits`; the accumulator is then unchanged.
            Refused: `chunk-index`, `accumulator-shape`.
        """
        self._combine(accumulator, chunk_index, chunk, np.add)

    def subtract(
        self, accumulator: Accumulator, chunk_index: int, chunk: bytes | memoryview
    ) -> None:
        """Take one packed chunk out again, in place; raises as `add` does."""
        self._combine(accumulator, chunk_index, chunk, np.subtract)

    def sealed_chunks(self, accumulator: Accumulator) -> Iterator[bytes]:
        """The packed chunks of the sealed sum, in order: the leaves of its Merkle tree.

        Raises:
            Refused: `accumulator-shape`.
        """
        self._check_accumulator(accumulator)
        starts = range(0, self._sent_values, CHUNK_VALUES)
        return (to_bytes(accumulator[at : at + CHUNK_VALUES], self._parameters) for at in starts)

    def load_sum(self, packed: bytes) -> Accumulator:
        """The accumulator whose `sealed_chunks`, end to end, are these bytes.

        Raises:
            Rejected: `payload-length`, `padding-bits`.
        """
        accumulator = self.zero()
        for index, chunk in enumerate(self.packed_chunks(packed)):
            self.add(accumulator, index, chunk)
        return accumulator

    def packed_chunks(self, payload: bytes) -> list[memoryview]:
        """The packed chunks of a whole payload, in order.

        Raises:
            Rejected: `payload-length`.
        """
        if len(payload) != self.payload_bytes:
            raise Rejected(
                "payload-length", f"expected {self.payload_bytes} bytes, got {len(payload)}"
            )
        starts = range(0, self.payload_bytes, self.chunk_bytes)
        return [memoryview(payload)[start : start + self.chunk_bytes] for start in starts]

    def words(self, chunk_index: int, chunk: bytes | memoryview) -> Accumulator:
        """The words of one packed chunk, which may be a view of it.

        Raises:
            Rejected: `payload-length`, `padding-bits`.
            Refused: `chunk-index`.
        """
        if not 0 <= chunk_index < self._chunks:
            raise Refused("chunk-index", f"expected 0 to {self._chunks - 1}, got {chunk_index}")
        count = min(CHUNK_VALUES, self._sent_values - chunk_index * CHUNK_VALUES)
        bits = self._parameters.value_bits
        expected = packed_bytes(count, bits)
        if len(chunk) != expected:
            raise Rejected("payload-length", f"expected {expected} bytes, got {len(chunk)}")
        return unpack_narrow(chunk, count, bits, self._parameters.word_type)

    def _combine(
        self,
        accumulator: Accumulator,
        chunk_index: int,
        chunk: bytes | memoryview,
        combine: Callable[..., Accumulator],
    ) -> None:
        self._check_accumulator(accumulator)
        words = self.words(chunk_index, chunk)
        start = chunk_index * CHUNK_VALUES
        row = accumulator[start : start + len(words)]
        combine(row, words, out=row)

    def _check_accumulator(self, accumulator: Accumulator) -> None:
        expected = (self._sent_values,)
        if accumulator.shape != expected or accumulator.dtype != self._parameters.word_type:
            raise Refused(
                "accumulator-shape", f"expected {self._parameters.word_type} of shape {expected}"
            )
