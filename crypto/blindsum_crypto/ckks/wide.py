"""Coefficients of two primes: integers of up to 104 bits as two 64-bit limbs each.

A wide integer is (high, low), two uint64 arrays of one shape, in two's complement of 128 bits. This
is what set B needs to open; set A never comes here.
"""

import numpy as np
import numpy.typing as npt

from blindsum_crypto.ckks.modular import Multiplier, Words, subtract
from blindsum_crypto.ckks.parameters import CkksParameters

Integers = npt.NDArray[np.int64]
Wide = tuple[Words, Words]

_LIMB_BITS = 64
_LIMB_MASK = (1 << _LIMB_BITS) - 1
_HALF_BITS = np.uint64(32)
_HALF_MASK = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)


def recompose(coefficients: list[Words], primes: tuple[int, ...]) -> Wide:
    """The centred integer of each pair of residues, by the Chinese remainder theorem.

    Args:
        coefficients: Two arrays, uint64 below their primes, one shape.
        primes: The two primes q_1, q_2, each below 2^52.

    Returns:
        m = m_1 + q_1 * ((m_2 - m_1) / q_1 mod q_2), less q where it exceeds q/2 (Garner).
    """
    first, second = coefficients
    prime, other = primes
    inverse = np.array([pow(prime, -1, other)], np.uint64)
    difference = subtract(second, first % np.uint64(other), other)
    digits = Multiplier.of(inverse, other).multiply(difference)
    wide = add_wide(_product(digits, prime), (np.zeros_like(first), first))
    modulus = prime * other
    negative = _exceeds(wide, modulus // 2)
    correction = _limbs(-modulus)
    return add_wide(wide, (negative * correction[0], negative * correction[1]))


def unscale_wide(wide: Wide, parameters: CkksParameters) -> tuple[Integers, Integers, int]:
    """Round to multiples of Delta and take the fields out.

    Returns:
        Fields (p, ...), what is left above them (0 where they fill the word, else not 0), and the
        largest residual, as `coefficients.Decoded` explains them.
    """
    scale_bits, field_bits = parameters.scale_bits, parameters.field_bits
    half = 1 << (scale_bits - 1)
    raised = _add_constant(wide, half)
    residual = (raised[1] & np.uint64((1 << scale_bits) - 1)).view(np.int64) - np.int64(half)
    rest = _shift_right(raised, scale_bits)
    fields = np.empty((parameters.fields, *wide[1].shape), np.int64)
    extension = np.int64(_LIMB_BITS - field_bits)
    for row in fields:
        row[...] = (rest[1].view(np.int64) << extension) >> extension
        # Subtract the sign-extended field, then drop its bits.
        negated = np.negative(row)
        sign = (negated >> np.int64(_LIMB_BITS - 1)).view(np.uint64)
        rest = _shift_right(add_wide(rest, (sign, negated.view(np.uint64))), field_bits)
    left_over = (rest[0] | rest[1]).view(np.int64)
    return fields, left_over, int(np.abs(residual).max(initial=0))


def add_wide(left: Wide, right: Wide) -> Wide:
    """The sum modulo 2^128."""
    low = left[1] + right[1]
    carry = (low < right[1]).astype(np.uint64)
    return left[0] + right[0] + carry, low


def _add_constant(wide: Wide, constant: int) -> Wide:
    high, low = _limbs(constant)
    return add_wide(wide, (np.full_like(wide[0], high), np.full_like(wide[1], low)))


def _limbs(constant: int) -> tuple[np.uint64, np.uint64]:
    return np.uint64(constant >> _LIMB_BITS & _LIMB_MASK), np.uint64(constant & _LIMB_MASK)


def _shift_right(wide: Wide, bits: int) -> Wide:
    """Arithmetic shift by 1 to 63 bits."""
    down, up = np.uint64(bits), np.uint64(_LIMB_BITS - bits)
    high = (wide[0].view(np.int64) >> np.int64(bits)).view(np.uint64)
    return high, (wide[1] >> down) | (wide[0] << up)


def _exceeds(wide: Wide, bound: int) -> Words:
    """1 where a non-negative wide integer is above the bound, else 0."""
    high, low = _limbs(bound)
    above: npt.NDArray[np.bool_] = (wide[0] > high) | ((wide[0] == high) & (wide[1] > low))
    return above.astype(np.uint64)


def _product(words: Words, constant: int) -> Wide:
    """The product of words and a constant, all below 2^52: no cross term leaves 64 bits."""
    factor = np.uint64(constant)
    low_half, high_half = words & _HALF_MASK, words >> _HALF_BITS
    factor_low, factor_high = factor & _HALF_MASK, factor >> _HALF_BITS
    cross = high_half * factor_low + low_half * factor_high  # below 2^53
    low_product = low_half * factor_low
    low = low_product + (cross << _HALF_BITS)
    carry = (low < low_product).astype(np.uint64)
    return high_half * factor_high + (cross >> _HALF_BITS) + carry, low
