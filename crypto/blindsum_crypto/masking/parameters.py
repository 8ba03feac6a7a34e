"""Masking parameters: how many bits a value has, and how many clients may share masks.

A value is an integer modulo 2^b, with b the bits of the signed sum, computed in words of 16, 32 or
64 bits and packed to exactly b bits on the wire. Behind the vector stand ceil(128 / b) zeros: a
field that the sum fills leaves no range to check, so the opening checks the zeros.

The graph of pairs is complete: every two survivors share a mask, so no choice of dropouts isolates
anybody, and nothing is assumed about corrupt clients. A sparse graph (Bell et al., CCS 2020) needs
such an assumption, and custodians that check degrees; hence the limit on the cohort.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from blindsum_crypto.errors import Refused
from blindsum_crypto.packing import MAX_WORD_BITS, MIN_WORD_BITS, largest_field, packed_bytes
from blindsum_crypto.seal import sum_bound

MAX_CLIENTS: Final = 1_000
CHUNK_VALUES: Final = 1 << 16  # 128 to 512 KiB of words: masks are made and added in the cache
ZERO_BITS: Final = 128
_WORD_TYPES: Final = (np.dtype(np.uint16), np.dtype(np.uint32), np.dtype(np.uint64))


@dataclass(frozen=True, slots=True)
class MaskingParameters:
    """What a spec fixes for a round.

    Attributes:
        value_bits: b, bits of the signed sum of one coordinate, 8 to 64.

    Raises:
        Refused: `value-bits`.
    """

    value_bits: int

    def __post_init__(self) -> None:
        if not MIN_WORD_BITS <= self.value_bits <= MAX_WORD_BITS:
            raise Refused(
                "value-bits",
                f"expected {MIN_WORD_BITS} to {MAX_WORD_BITS} bits, got {self.value_bits}",
            )

    @property
    def word_type(self) -> np.dtype[np.unsignedinteger[Any]]:
        """The narrowest word that holds a value: uint16, uint32 or uint64."""
        return next(one for one in _WORD_TYPES if 8 * one.itemsize >= self.value_bits)

    @property
    def zeros(self) -> int:
        """How many zeros stand behind the vector: ceil(128 / b)."""
        return -(-ZERO_BITS // self.value_bits)

    @property
    def chunk_bytes(self) -> int:
        """Bytes of every packed chunk but the last."""
        return packed_bytes(CHUNK_VALUES, self.value_bits)

    def sent_values(self, vector_length: int) -> int:
        """Values of a payload: the vector and its zeros.

        Raises:
            Refused: `vector-length` below 1.
        """
        if vector_length < 1:
            raise Refused("vector-length", f"expected 1 or more values, got {vector_length}")
        return vector_length + self.zeros

    def chunks(self, vector_length: int) -> int:
        """Chunks of a payload; the last may be shorter."""
        return -(-self.sent_values(vector_length) // CHUNK_VALUES)

    def payload_bytes(self, vector_length: int) -> int:
        """The exact length of every payload of a vector of this length."""
        return packed_bytes(self.sent_values(vector_length), self.value_bits)

    def check_sum(
        self, clients: int, coordinate_bound: int, round_bound: int | None = None
    ) -> None:
        """Check that this many clients with |value| <= coordinate_bound can be summed exactly.

        Args:
            clients: How many.
            coordinate_bound: The largest |value| of one client.
            round_bound: The largest |sum| that the round comes to, where that is less than clients
                times coordinate bound: independent noise seldom adds up (`sum_bound`).

        Raises:
            Refused: `client-count` below 1, `masking-cohort` above 1,000, `coordinate-bound` below
                0, `field-overflow` when the sum could leave the b bits.
        """
        if clients < 1:
            raise Refused("client-count", f"expected 1 or more clients, got {clients}")
        check_cohort(clients)
        if coordinate_bound < 0:
            raise Refused("coordinate-bound", "expected a bound of 0 or more")
        largest = largest_field(self.value_bits)
        if sum_bound(clients, coordinate_bound, round_bound) > largest:
            raise Refused("field-overflow", f"expected every sum to stay within {largest}")


def check_cohort(clients: int) -> None:
    """Check that so many clients may share masks.

    Raises:
        Refused: `masking-cohort`, with the reason and the alternative.
    """
    if clients > MAX_CLIENTS:
        raise Refused(
            "masking-cohort",
            f"expected at most {MAX_CLIENTS} clients under the seal masking, where every two share "
            f'a mask, got {clients}: seals = ["ckks"] has no such limit and is recommended here; '
            "else split the study into groups, whose sums are then visible one by one",
        )


def plan(vector_length: int, clients: int, field_bits: int) -> MaskingParameters:
    """The parameters for sums of so many bits: exactly as many, and at least 8.

    Args:
        vector_length: Values of the vector, 1 or more.
        clients: The most clients that may be summed, 1 to 1,000.
        field_bits: Bits of the signed sum of one coordinate, at most 64.

    Raises:
        Refused: `vector-length`, `client-count`, `masking-cohort`, `value-bits`.
    """
    if clients < 1:
        raise Refused("client-count", f"expected 1 or more clients, got {clients}")
    check_cohort(clients)
    parameters = MaskingParameters(max(field_bits, MIN_WORD_BITS))
    parameters.sent_values(vector_length)
    return parameters
