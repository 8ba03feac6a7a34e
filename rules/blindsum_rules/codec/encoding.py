"""From a client's update to integers, and from the opened sum to the mean update.

A client sends the weighted vector v = (w*u, C_w*w) with w = min(n, n_max)/n_max: the weight travels
hidden, as one appended coordinate. v is laid on an integer grid 2^12 times finer than what is
sent, checked there exactly, and rounded once, stochastically (docs/specification.md, 9).
"""

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.randomness import Randomness
from blindsum_rules.codec.grid import GRID_MARGIN, sum_of_grid_squares
from blindsum_rules.codec.parameters import FINE_BITS, Codec
from blindsum_rules.codec.rounding import round_stochastically


def clip(update: npt.NDArray[np.float64], codec: Codec) -> npt.NDArray[np.float64]:
    """Scale an update to an L2 norm of at most C, in float64.

    Args:
        update: float64, shape (d,).
        codec: The study's codec.

    Returns:
        A fresh array, float64, shape (d,): the update, or the update times C over its norm.

    Raises:
        Rejected: `update-shape`, when it is not one flat float64 vector; `non-finite-update`,
            when it holds a NaN or an infinity: nobody can know what was meant.
    """
    if update.ndim != 1 or update.dtype != np.float64:
        raise Rejected(
            "update-shape",
            f"expected one flat float64 vector, got {update.dtype} of shape {update.shape}",
        )
    if not np.isfinite(update).all():
        raise Rejected("non-finite-update", "expected finite values only")
    largest = float(np.abs(update).max(initial=0.0))
    if largest == 0.0:
        return update.copy()
    # Relative to the largest value no square overflows, so 1e300 is clipped and not made infinite.
    relative = update / largest
    relative_norm = float(np.sqrt(np.dot(relative, relative)))
    if relative_norm <= codec.clip_norm / largest:
        return update.copy()
    return relative * (codec.clip_norm / relative_norm)


def encode(
    update: npt.NDArray[np.float64], records: int, codec: Codec, randomness: Randomness
) -> npt.NDArray[np.int64]:
    """Make the integers that a client seals.

    Args:
        update: float64, shape (d,): the trained model less the model of the round.
        records: Records that it was trained on; >= 1. Above `weight_cap` they count as the cap.
        codec: The study's codec.
        randomness: Fresh for every call; 2 bytes a coordinate are drawn.

    Returns:
        int64, shape (d + 1,); every value is within +-`codec.coordinate_bound`.

    Raises:
        Refused: `records`, when there are none.
        Rejected: `update-shape`, `non-finite-update`; `joint-norm`, if the vector on the grid is
            longer than the codec allows.
    """
    if records < 1:
        raise Refused("records", f"expected at least 1 record, got {records}")
    weight = min(records, codec.weight_cap) / codec.weight_cap
    weighted = np.append(clip(update, codec) * weight, codec.weight_scale * weight)
    grid = _to_grid(weighted, codec)
    return round_stochastically(grid, randomness)


def decode(aggregate: npt.NDArray[np.int64], codec: Codec) -> tuple[npt.NDArray[np.float64], float]:
    """Read the opened sum.

    Deterministic: elementwise float64 operations only, so that every client computes the same.

    Args:
        aggregate: int64, shape (d + 1,): the sum of what the clients of U sent.
        codec: The study's codec.

    Returns:
        The weighted mean update sum(w*u)/sum(w), float64, shape (d,), and the total weight in
        records, n_max*sum(w). A sum of weights of zero or less gives zeros and 0.0.
    """
    weight_level = int(aggregate[-1])
    size = aggregate.size - 1
    if weight_level <= 0:
        return np.zeros(size, dtype=np.float64), 0.0
    mean = aggregate[:-1].astype(np.float64) * (codec.weight_scale / weight_level)
    level = codec.joint_norm / codec.levels
    total = weight_level * level / codec.weight_scale * codec.weight_cap
    return mean, total


def _to_grid(weighted: npt.NDArray[np.float64], codec: Codec) -> npt.NDArray[np.int64]:
    """Truncate towards zero onto the fine grid, and check the norm in integers."""
    longest = codec.levels << FINE_BITS
    grid = np.trunc(weighted / codec.joint_norm * (longest * GRID_MARGIN)).astype(np.int64)
    if int(np.abs(grid).max()) > longest or sum_of_grid_squares(grid) > longest * longest:
        raise Rejected("joint-norm", "expected a vector within the codec's joint norm")
    return grid
