"""Vectors to measure with. What they hold changes no time and no length."""

import numpy as np
import numpy.typing as npt

from blindsum_crypto.randomness import SystemRandomness

_LARGEST = np.float32(1 << 15)


def update(values: int) -> npt.NDArray[np.float32]:
    """A client's update: float32, shape (values,), fresh, of an L2 norm below 1."""
    drawn = np.frombuffer(SystemRandomness().bytes(2 * values), "<i2").astype(np.float32)
    drawn /= _LARGEST * np.float32(np.sqrt(values))
    return drawn
