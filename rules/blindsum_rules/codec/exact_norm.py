"""The exact sum of squares of integers, whatever their size: the same on every machine.

A float sum depends on its order, and so on the machine; what everybody must compute alike is
compared and scaled by a norm from integers.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

_LIMB_BITS: Final = 20
_LIMB_MASK: Final = (1 << _LIMB_BITS) - 1
_LIMBS: Final = 4  # 80 bits hold every |int64|
_CHUNK: Final = 1 << 16  # 2^16 products of 40 bits stay below 2^63; 2 MB of limbs in the cache


def sum_of_squares(values: npt.NDArray[np.int64]) -> int:
    """Sum of squares as a Python integer.

    Args:
        values: int64, shape (n,), any values.
    """
    total = 0
    for start in range(0, values.size, _CHUNK):
        # |-2^63| is 2^63 as an unsigned word.
        magnitudes = np.abs(values[start : start + _CHUNK]).view(np.uint64)
        limbs = [
            ((magnitudes >> np.uint64(_LIMB_BITS * place)) & np.uint64(_LIMB_MASK)).view(np.int64)
            for place in range(_LIMBS)
        ]
        for one in range(_LIMBS):
            for other in range(_LIMBS):
                product = int(np.dot(limbs[one], limbs[other]))
                total += product << (_LIMB_BITS * (one + other))
    return total
