"""The alias table of a noise law: integer weights that sum to 2^127, drawn from without any error.

Walker's alias method (Electronics Letters 10(8), 1974) with Vose's set-up (IEEE Transactions on
Software Engineering 17(9), 1991), in integers throughout. A table has n = 2^c columns of capacity
2^(127-c); column j gives j to its first T_j units and an alias to the others, so that every value k
owns exactly w_k units of all 2^127.

**One draw, exactly.** A uniform word of 64 bits is cut into c column bits, 63 - c compare bits and
one sign bit. T_j < 2^(127-c) has 127 - c = (63 - c) + 64 bits: the compare bits decide against the
high ones, and where they tie, which happens with probability 2^(c-63), 64 further bits decide
against the low ones. Column, compare and further bits together are 127 uniform bits, one for each
of the 2^127 units: the magnitude is k with probability w_k / 2^127, not nearly but exactly.

**The sign of zero.** The weights are those of |X|: P(0), and 2*P(k) for k > 0. A fair sign then
gives P(k) to k and to -k, while zero stays zero under both signs and keeps all of P(0).

**From a law to its weights.** Let x_k be the exact share of |X| = k of some non-negative terms, in
units of 2^-127, and X_k = x_0 + ... + x_k. Then w_k = round(X_k) - round(X_(k-1)), which sum to
2^127 with nothing left over. With e_k = round(X_k) - X_k, |e_k| <= 1/2, the error of w_k is e_k -
e_(k-1), at most 1/2 + (N - 1) for the N entries up to the last that has a weight, and at most 1/2
for all behind it. So the total variation distance to the terms' law is at most N/2 * 2^-127 <=
2^(c-128).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

TOTAL_BITS: Final = 127
"""The weights of a table sum to 2^127."""

LOW_BITS: Final = 64
"""Bits that decide a tie."""

_THRESHOLD_BYTES: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class AliasTable:
    """A law of magnitudes, ready to be drawn from. Public: it holds nothing that was drawn.

    Attributes:
        column_bits: c; the table has 2^c columns, 1 <= c <= 32.
        entries: N; every magnitude is below it, and N - 1 has a weight.
        words: uint64, shape (2^c,), read-only: (T_j >> 64) << c | alias of j.
        low_thresholds: uint64, shape (2^c,), read-only: T_j modulo 2^64.
    """

    column_bits: int
    entries: int
    words: npt.NDArray[np.uint64]
    low_thresholds: npt.NDArray[np.uint64]

    @property
    def largest(self) -> int:
        """The largest magnitude that can be drawn: a bound on every draw, not a likely one."""
        return self.entries - 1


def build_table(terms: Sequence[int]) -> AliasTable:
    """The table of a symmetric law on the integers.

    Args:
        terms: Terms proportional to P(0), P(1), P(2), ..., two or more, none negative, the sum
            positive; P(-k) = P(k) is understood.

    Returns:
        The table; its law is within 2^(c-128) of the terms' in total variation.
    """
    weights = _weights(terms)
    column_bits = (len(weights) - 1).bit_length()
    thresholds, aliases = _vose(weights, column_bits)
    stored = b"".join([one.to_bytes(_THRESHOLD_BYTES, "little") for one in thresholds])
    halves = np.frombuffer(stored, "<u8").reshape(-1, 2)
    low, high = halves[:, 0].astype(np.uint64), halves[:, 1].astype(np.uint64)
    words = high << np.uint64(column_bits) | np.array(aliases, np.uint64)
    words.flags.writeable = low.flags.writeable = False
    return AliasTable(column_bits, len(weights), words, low)


def _weights(terms: Sequence[int]) -> list[int]:
    """Integer weights of |X| that sum to 2^127, up to the last that is not zero."""
    total = 2 * sum(terms) - terms[0]
    weights = []
    share = rounded = 0
    for magnitude, term in enumerate(terms):
        share += 2 * term if magnitude else term
        before, rounded = rounded, ((share << TOTAL_BITS + 1) // total + 1) >> 1
        weights.append(rounded - before)
    while not weights[-1]:
        weights.pop()
    return weights


def _vose(weights: Sequence[int], column_bits: int) -> tuple[list[int], list[int]]:
    """Thresholds and aliases of all columns.

    Both worklists are stacks that begin in ascending order, which fixes the table word for word. In
    integers the columns that are left at the end are full to the unit; such a column has T = 0 and
    is its own alias, so that T always fits its bits.
    """
    columns, capacity = 1 << column_bits, 1 << TOTAL_BITS - column_bits
    left = [*weights, *[0] * (columns - len(weights))]
    thresholds, aliases = [0] * columns, list(range(columns))
    small = [column for column, units in enumerate(left) if units < capacity]
    large = [column for column, units in enumerate(left) if units >= capacity]
    while small:
        column, donor = small.pop(), large[-1]
        thresholds[column], aliases[column] = left[column], donor
        left[donor] -= capacity - left[column]
        if left[donor] < capacity:
            small.append(large.pop())
    return thresholds, aliases
