"""The one stochastic rounding between the fine grid and what a client sends."""

from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.randomness import Randomness
from blindsum_rules.codec.parameters import FINE_BITS

_CHUNK_VALUES: Final = 1 << 15


def round_stochastically(
    grid: npt.NDArray[np.int64], randomness: Randomness, fine_bits: int = FINE_BITS
) -> npt.NDArray[np.int64]:
    """One rounding of every coordinate: up with the probability of its fine bits.

    No retries and no condition on the result, so the law is exactly a coin a coordinate: S becomes
    (S + theta) >> b with b random bits theta. For any S and q, (S + q + theta) >> b is more than
    that by (q + theta') >> b with theta' = (S + theta) mod 2^b, which is as uniform as theta: two
    neighbours differ by exactly a stochastic rounding of what sets them apart.

    Args:
        grid: int64, shape (n,), within +-2^62.
        randomness: Fresh for every call; 2 bytes a coordinate are drawn, whatever the values.
        fine_bits: b, 1 to 16; the grid is 2^b times finer than the result.

    Returns:
        int64, shape (n,), fresh: each within one of `grid` over 2^b.
    """
    rounded = np.empty_like(grid)
    mask = np.uint16((1 << fine_bits) - 1)
    # In pieces of 256 KiB, so that theta and the sum stay in the cache until they are shifted.
    for start in range(0, grid.size, _CHUNK_VALUES):
        piece = rounded[start : start + _CHUNK_VALUES]
        theta = np.frombuffer(randomness.bytes(2 * piece.size), dtype="<u2") & mask
        np.add(grid[start : start + _CHUNK_VALUES], theta, out=piece)
        piece >>= fine_bits
    return rounded
