"""The error of the CKKS seal: SEAL's centred binomial, 21 + 21 coin flips a coefficient."""

from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.ckks.parameters import ERROR_BITS, ERROR_BOUND
from blindsum_crypto.keystream import keystream

_WORD_BYTES: Final = 8
_FLIPS: Final = np.uint64((1 << ERROR_BITS) - 1)


def centred_binomial(key: bytes, count: int, offset: int = 0) -> npt.NDArray[np.int64]:
    """Errors number offset, offset + 1, ... of a stream.

    SEAL subtracts the weight of 21 flips from that of 21 others. A flip turned over is as fair as
    before, so the weight of all 42, less 21, has the same law.

    Args:
        key: 32 bytes, fresh for every seal.
        count: How many errors.
        offset: Where in the stream to begin, an even number.

    Returns:
        int64, shape (count,), in -21..21, variance 10.5; one keystream word (8 bytes) each.

    Raises:
        Refused: `keystream-offset` when the offset is odd.
    """
    words = keystream(key, count * _WORD_BYTES, offset * _WORD_BYTES).view("<u8")
    errors: npt.NDArray[np.int64] = np.bitwise_count(words & _FLIPS).astype(np.int64)
    errors -= ERROR_BOUND
    return errors
