"""From the opened sum to the mean that moves the model."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_rules.codec.encoding import decode
from blindsum_rules.codec.exact_norm import sum_of_squares
from blindsum_rules.codec.parameters import Codec

LONGEST_MEAN: Final = 2.0
"""Clip norms that a mean update may have: one, and as much again for what rounding adds."""


def weighted_mean(aggregate: npt.NDArray[np.int64], codec: Codec) -> npt.NDArray[np.float64] | None:
    """The mean of weighted updates, or None when the sum of weights is zero or less.

    A mean longer than `LONGEST_MEAN` clip norms is scaled down to that. A weighted mean of clipped
    updates has at most one clip norm, and rounding adds about sqrt(n d) / 2 levels over the sum of
    the weights: little, unless every client has far fewer records than weight_cap. But a hostile
    client may choose its hidden weight so that the weights nearly cancel (threat T15), and the
    mean would then be as long as it likes.

    Args:
        aggregate: int64, shape (d + 1,): the opened sum.
        codec: The study's codec.

    Returns:
        float64, shape (d,), a fresh array.
    """
    mean_update, total_weight = decode(aggregate, codec)
    if total_weight <= 0.0:
        return None
    mean_update *= _shortening(aggregate, codec)
    return mean_update


def mean_of_units(
    aggregate: npt.NDArray[np.int64], clip_norm: float, levels: int, reference_units: int
) -> npt.NDArray[np.float64]:
    """The noisy sum of clipped units over a public number of units.

    Its length is limited by the field alone: noise may be longer than any mean of units, and a cut
    at some length would change what the noise promises nothing about, the mean.

    Args:
        aggregate: int64, shape (d,): the opened sum, noise included.
        clip_norm: C of the round; of units that are counted, the norm of both (`joint_norm`).
        levels: L, integers that C maps to.
        reference_units: What the sum is divided by; it is public, so it tells of nobody.

    Returns:
        float64, shape (d,), a fresh array.
    """
    return aggregate.astype(np.float64) * (clip_norm / (levels * reference_units))


def _shortening(aggregate: npt.NDArray[np.int64], codec: Codec) -> float:
    """What the mean is multiplied by: 1, or less for one that is too long.

    From the exact norm of the integers, so that it is the same number on every machine.
    """
    level = codec.weight_scale / int(aggregate[-1])
    norm = math.sqrt(sum_of_squares(aggregate[:-1])) * level
    longest = LONGEST_MEAN * codec.clip_norm
    return 1.0 if norm <= longest else longest / norm
