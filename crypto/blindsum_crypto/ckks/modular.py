"""Arithmetic modulo one prime below 2^61 on whole arrays: add, subtract, multiply by what is fixed.

Everything is uint64 and exact. A conditional subtraction is `minimum(r, r - q)`: when r < q the
difference wraps to a huge number, so the smaller one is the reduced one, without a branch.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

_HALF_BITS: Final = np.uint64(32)
_HALF_MASK: Final = np.uint64(0xFFFFFFFF)


def add(left: Words, right: Words, prime: int) -> Words:
    """Sum mod prime of two arrays below prime; fresh array, broadcast as numpy does."""
    total: Words = left + right
    reduced: Words = np.minimum(total, total - np.uint64(prime))
    return reduced


def subtract(left: Words, right: Words, prime: int) -> Words:
    """Difference mod prime of two arrays below prime; fresh array, broadcast as numpy does."""
    difference: Words = left - right
    reduced: Words = np.minimum(difference, difference + np.uint64(prime))
    return reduced


def residues(values: npt.NDArray[np.int64], prime: int) -> Words:
    """Signed integers with |value| < prime as residues: uint64 below prime, same shape."""
    wrapped: Words = values.view(np.uint64)
    reduced: Words = np.minimum(wrapped, wrapped + np.uint64(prime))
    return reduced


def centred(words: Words, prime: int) -> npt.NDArray[np.int64]:
    """Residues as the integers nearest to zero: int64 in -(q-1)/2..(q-1)/2, same shape."""
    shifted = words - np.uint64(prime)
    return np.where(words > np.uint64(prime // 2), shifted, words).view(np.int64)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Multiplier:
    """Products by one fixed vector mod prime, by Shoup's precomputed quotient.

    floor(factor * 2^64 / q) is kept beside the factor; then r = x * factor - high64(x * quotient) *
    q lies in 0..2q-1 for every 64-bit x (Harvey, "Faster arithmetic for number-theoretic
    transforms", 2014, section 3). One product is exact and needs no division; making the quotient
    takes one, so it pays only for a vector that is used again (a key, over all chunks).

    The repr shows nothing, since the factor may be a key.

    Attributes:
        factor: uint64 below prime, any shape that broadcasts with what is multiplied.
        quotient: floor(factor * 2^64 / prime), the same shape.
        prime: q, below 2^61.
    """

    factor: Words
    quotient: Words
    prime: int

    @classmethod
    def of(cls, factor: Words, prime: int) -> "Multiplier":
        """Precompute the quotient of a factor below prime."""
        return cls(factor, _shoup_quotient(factor, prime), prime)

    def multiply(self, words: Words) -> Words:
        """The product words * factor mod prime, for any uint64 words; fresh array."""
        estimate = _high_product(words, self.quotient)
        product = words * self.factor - estimate * np.uint64(self.prime)
        # In two steps: halves lose at most one unit of the estimate, so r may reach 3q - 1.
        product = np.minimum(product, product - np.uint64(self.prime))
        reduced: Words = np.minimum(product, product - np.uint64(self.prime))
        return reduced


def _high_product(left: Words, right: Words) -> Words:
    """floor(left * right / 2^64), exactly or one less, from 32-bit halves."""
    left_low, left_high = left & _HALF_MASK, left >> _HALF_BITS
    right_low, right_high = right & _HALF_MASK, right >> _HALF_BITS
    cross = left_high * right_low
    middle = left_low * right_high
    carry = ((cross & _HALF_MASK) + (middle & _HALF_MASK)) >> _HALF_BITS
    high: Words = left_high * right_high + (cross >> _HALF_BITS) + (middle >> _HALF_BITS) + carry
    return high


def _shoup_quotient(factor: Words, prime: int) -> Words:
    # Long division, 64 steps of one bit on the whole vector: no float, no Python loop over words.
    remainder, quotient = factor.copy(), np.zeros_like(factor)
    q = np.uint64(prime)
    for _ in range(64):
        remainder <<= np.uint64(1)
        quotient <<= np.uint64(1)
        over = remainder >= q
        quotient += over
        remainder -= over * q
    return quotient
