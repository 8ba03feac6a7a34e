"""Encode: from a client's update to the integers that it seals.

This is the only step between what a client trained and what a seal takes. The integers stay with
the caller: this package never writes them down.
"""

import numpy as np
import numpy.typing as npt

from blindsum_client.update import Update
from blindsum_crypto.randomness import Randomness
from blindsum_rules.codec import encoding
from blindsum_rules.manifest import Manifest


def encode_update(
    update: Update, manifest: Manifest, randomness: Randomness
) -> npt.NDArray[np.int64]:
    """Lay the arrays into one vector, weight it, clip it, round it once.

    Args:
        update: The change, in the study's layout.
        manifest: The verified manifest, with layout and codec.
        randomness: For the stochastic rounding, fresh for every call.

    Returns:
        int64, shape (manifest.vector_length,).

    Raises:
        Rejected: `layout`, when a name or a shape is not the study's; `non-finite-update`.
    """
    flat = manifest.layout.flatten(update.arrays)
    return encoding.encode(flat, update.records, manifest.codec, randomness)
