"""Values in words: integers modulo 2^b with the zeros behind them, to the wire and back.

Everything here works on one chunk while it is in the cache, or on a whole vector chunk by chunk.
"""

from typing import Final

import numpy as np

from blindsum_crypto.errors import Aborted, Refused
from blindsum_crypto.masking.masks import chunk_slices
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_crypto.packing import pack_chunk, packed_bytes
from blindsum_crypto.seal import Accumulator, Integers


def narrow(values: Integers, coordinate_bound: int, words: Accumulator) -> None:
    """A chunk of the vector modulo 2^word; behind the vector's end come zeros.

    Args:
        values: int64, shape (n,), n may be 0.
        coordinate_bound: The largest |value| that is allowed.
        words: Where they go, shape (n + zeros,).

    Raises:
        Refused: `coordinate-bound`.
    """
    if _exceeds(values, coordinate_bound):
        raise Refused(
            "coordinate-bound", f"expected every |value| to be at most {coordinate_bound}"
        )
    # Narrowing is the reduction modulo 2^word.
    np.copyto(words[: len(values)], values, casting="unsafe")
    words[len(values) :] = 0


def to_bytes(words: Accumulator, parameters: MaskingParameters) -> bytes:
    """A chunk reduced modulo 2^b and packed to exactly b bits a word; the words stay."""
    packed = np.empty(packed_bytes(words.size, parameters.value_bits), np.uint8)
    pack_chunk(words.copy(), parameters.value_bits, packed)
    return packed.tobytes()


class Gates:
    """The gates of one opening: what its chunks say, in any order and from any thread.

    Attributes:
        sent_values: Values of the vector and the zeros behind it.

    Args:
        parameters: The round's parameters.
        vector_length: Values of the vector.
        sum_bound: The largest |value| that may come out.
    """

    def __init__(self, parameters: MaskingParameters, vector_length: int, sum_bound: int) -> None:
        self.sent_values: Final = parameters.sent_values(vector_length)
        self._parameters = parameters
        self._sum_bound = sum_bound
        self._values: Integers = np.empty(vector_length, np.int64)
        self._is_padding_zero = True
        self._is_in_range = True

    def take(self, start: int, words: Accumulator) -> None:
        """Look at the unmasked words of one chunk, which are lost, and keep their integers.

        Args:
            start: Where the chunk begins.
            words: The chunk.
        """
        # Modulo 2^b into -2^(b-1)..2^(b-1)-1: the lowest b bits moved up and down with their sign.
        shift = words.dtype.type(8 * words.itemsize - self._parameters.value_bits)
        words <<= shift
        signed = words.view(f"i{words.itemsize}")
        signed >>= signed.dtype.type(shift)
        within = self._values[start : start + len(words)]
        if signed[len(within) :].any():
            self._is_padding_zero = False
        if _exceeds(signed[: len(within)], self._sum_bound):
            self._is_in_range = False
        within[:] = signed[: len(within)]

    def opened(self) -> Integers:
        """What came out, once every chunk was taken: int64, shape (vector_length,).

        Raises:
            Aborted: `padding-gate`, when the zeros behind the vector are none; `range-gate`.
        """
        if not self._is_padding_zero:
            raise Aborted("padding-gate", "expected zeros behind the end of the vector")
        if not self._is_in_range:
            raise Aborted("range-gate", "expected every sum within its bound")
        return self._values


def opened(
    words: Accumulator, parameters: MaskingParameters, vector_length: int, sum_bound: int
) -> Integers:
    """Unmasked words through the gates, and the integers behind them; the words stay.

    Args:
        words: Everything sent, without masks.
        parameters: The round's parameters.
        vector_length: Values of the vector.
        sum_bound: The largest |value| that may come out.

    Returns:
        int64, shape (vector_length,).

    Raises:
        Aborted: `padding-gate`, `range-gate`.
    """
    gates = Gates(parameters, vector_length, sum_bound)
    for chunk in chunk_slices(len(words)):
        gates.take(chunk.start, words[chunk].copy())
    return gates.opened()


def _exceeds(values: Integers, bound: int) -> bool:
    return values.size > 0 and (int(values.max()) > bound or int(values.min()) < -bound)
