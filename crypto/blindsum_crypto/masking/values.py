"""Values in words: integers modulo 2^b with the zeros behind them, to the wire and back."""

import numpy as np

from blindsum_crypto.errors import Aborted, Refused
from blindsum_crypto.masking.parameters import CHUNK_VALUES, MaskingParameters
from blindsum_crypto.packing import pack_words
from blindsum_crypto.seal import Accumulator, Integers


def to_words(values: Integers, coordinate_bound: int, parameters: MaskingParameters) -> Accumulator:
    """The vector modulo 2^word, and the zeros behind it.

    Args:
        values: int64, shape (n,).
        coordinate_bound: The largest |value| that is allowed.
        parameters: The round's parameters.

    Returns:
        Words of the parameters' type, shape (n + zeros,).

    Raises:
        Refused: `coordinate-bound`.
    """
    words = np.zeros(parameters.sent_values(len(values)), parameters.word_type)
    # One chunk is checked and narrowed while it is in the cache: 8 bytes a value read once.
    for start in range(0, len(values), CHUNK_VALUES):
        chunk = values[start : start + CHUNK_VALUES]
        if int(chunk.max()) > coordinate_bound or int(chunk.min()) < -coordinate_bound:
            raise Refused(
                "coordinate-bound", f"expected every |value| to be at most {coordinate_bound}"
            )
        # Narrowing is the reduction modulo 2^word.
        np.copyto(words[start : start + len(chunk)], chunk, casting="unsafe")
    return words


def to_bytes(words: Accumulator, parameters: MaskingParameters) -> bytes:
    """Words reduced modulo 2^b and packed to exactly b bits each."""
    if parameters.value_bits < 8 * words.itemsize:
        words = words & words.dtype.type((1 << parameters.value_bits) - 1)
    return pack_words(words, parameters.value_bits)


def opened(
    words: Accumulator, parameters: MaskingParameters, vector_length: int, sum_bound: int
) -> Integers:
    """The gates of unmasked words, and the integers behind them.

    Args:
        words: Everything sent, without masks.
        parameters: The round's parameters.
        vector_length: Values of the vector.
        sum_bound: The largest |value| that may come out.

    Returns:
        int64, shape (vector_length,).

    Raises:
        Aborted: `padding-gate`, when the zeros behind the vector are none; `range-gate`.
    """
    shift = np.int64(64 - parameters.value_bits)
    # Modulo 2^b into -2^(b-1)..2^(b-1)-1: the lowest b bits moved up and down with their sign.
    values: Integers = words.astype(np.uint64).view(np.int64) << shift >> shift
    if values[vector_length:].any():
        raise Aborted("padding-gate", "expected zeros behind the end of the vector")
    values = values[:vector_length]
    if int(values.max()) > sum_bound or int(values.min()) < -sum_bound:
        raise Aborted("range-gate", "expected every sum within its bound")
    return values
