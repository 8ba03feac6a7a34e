"""Coefficient encoding: vectors of integers into ring coefficients and back, exactly.

Only additions are needed, so integers sit in coefficients and not in slots (Lattigo and HEaaN call
it coefficient-domain encoding): whole numbers throughout, no floating point anywhere. Chunk j holds
values j * p * N and following; the first N of them are field 0 of its N coefficients, the next N
field 1, and so on, so every field is one contiguous run of the vector.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blindsum_crypto.ckks.modular import Multiplier, Words, add, centred, residues
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.ckks.wide import recompose, unscale_wide
from blindsum_crypto.packing import pack_fields, unpack_fields

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Decoded:
    """What a block of coefficients decodes to; for the gates, never for an output.

    Attributes:
        fields: int64, shape (p, chunks, N).
        rest: int64, shape (chunks, N): zero where the fields fill the word.
        largest_residual: The largest distance of a coefficient from a multiple of Delta.
    """

    fields: Integers
    rest: Integers
    largest_residual: int


def fields_of(values: Integers, chunks: range, parameters: CkksParameters) -> Integers:
    """The fields of some chunks of a vector, zero behind its end: int64, shape (p, chunks, N)."""
    per_chunk = parameters.values_per_chunk
    block = np.zeros(len(chunks) * per_chunk, np.int64)
    piece = values[chunks.start * per_chunk : chunks.stop * per_chunk]
    block[: piece.size] = piece
    shaped = block.reshape(len(chunks), parameters.fields, parameters.ring.degree)
    return np.ascontiguousarray(shaped.swapaxes(0, 1))


def values_of(fields: Integers) -> Integers:
    """The inverse of `fields_of`, padding included: int64, one dimension."""
    return fields.swapaxes(0, 1).reshape(-1)


def encode(fields: Integers, errors: Integers, prime: int, parameters: CkksParameters) -> Words:
    """Delta * P + e modulo one prime.

    Args:
        fields: int64, shape (p, chunks, N), symmetric in w bits.
        errors: int64, shape (chunks, N).
        prime: One of the ring's primes.
        parameters: The round's parameters.

    Returns:
        uint64 below prime, shape (chunks, N).

    Raises:
        Refused: `field-range`.
    """
    if len(parameters.ring.primes) == 1:
        words = pack_fields(fields, parameters.field_bits)
        return residues((words << np.int64(parameters.scale_bits)) + errors, prime)
    total = residues(errors, prime)
    for index, row in enumerate(fields):
        shift = parameters.scale_bits + index * parameters.field_bits
        weight = np.array([pow(2, shift, prime)], np.uint64)
        reduced = np.remainder(row, np.int64(prime)).view(np.uint64)
        total = add(total, Multiplier.of(weight, prime).multiply(reduced), prime)
    return total


def decode(coefficients: list[Words], parameters: CkksParameters) -> Decoded:
    """Round coefficients to multiples of Delta and take the fields out.

    Args:
        coefficients: For every prime, uint64 below it, shape (chunks, N).
        parameters: The round's parameters.
    """
    ring, scale_bits = parameters.ring, parameters.scale_bits
    if len(ring.primes) > 1:
        wide = recompose(coefficients, ring.primes)
        fields, rest, largest_residual = unscale_wide(wide, parameters)
        return Decoded(fields, rest, largest_residual)
    signed = centred(coefficients[0], ring.primes[0])
    shift, half = np.int64(scale_bits), np.int64(1 << (scale_bits - 1))
    words = (signed + half) >> shift
    residual = signed - (words << shift)
    fields, rest = unpack_fields(words, parameters.field_bits, parameters.fields)
    return Decoded(fields, rest, int(np.abs(residual).max(initial=0)))
