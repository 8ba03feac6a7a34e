"""The one stochastic rounding between the fine grid and what a client sends."""

from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.randomness import Randomness
from blindsum_rules.codec.parameters import FINE_BITS

CHUNK_VALUES: Final = 1 << 15
"""Values that are worked on at once: 256 KiB as int64, and they stay in the cache."""

_Integers = npt.NDArray[np.int64]


def round_stochastically(
    grid: _Integers, randomness: Randomness, fine_bits: int = FINE_BITS
) -> _Integers:
    """One rounding of every coordinate: up with the probability of its fine bits.

    No retries and no condition on the result, so the law is exactly a coin a coordinate: S becomes
    (S + theta) >> b with b random bits theta. For any S and q, (S + q + theta) >> b is more than
    that by (q + theta') >> b with theta' = (S + theta) mod 2^b, which is as uniform as theta: two
    neighbours differ by exactly a stochastic rounding of what sets them apart.

    Args:
        grid: int64, shape (n,), within +-2^62.
        randomness: Fresh for every call; 2 bytes a coordinate are drawn, whatever the values. For
            a long vector an `ExpandedRandomness`, as every codec has it.
        fine_bits: b, 1 to 16; the grid is 2^b times finer than the result.

    Returns:
        int64, shape (n,), fresh: each within one of `grid` over 2^b.
    """
    rounded = np.empty_like(grid)
    for start in range(0, grid.size, CHUNK_VALUES):
        within = slice(start, start + CHUNK_VALUES)
        round_piece(grid[within], randomness, rounded[within], fine_bits)
    return rounded


def round_piece(
    grid: _Integers, randomness: Randomness, rounded: _Integers, fine_bits: int = FINE_BITS
) -> None:
    """Round a piece as `round_stochastically` does, and draw for it.

    Args:
        grid: int64, shape (n,), within +-2^62.
        randomness: 2 bytes a coordinate are drawn: the low b bits of a little-endian word.
        rounded: Where it goes, shape (n,); it may be `grid`.
        fine_bits: b, 1 to 16.
    """
    theta = np.frombuffer(randomness.bytes(2 * grid.size), dtype="<u2")
    np.add(grid, theta & np.uint16((1 << fine_bits) - 1), out=rounded)
    rounded >>= fine_bits
