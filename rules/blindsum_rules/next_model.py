"""The next model: a declared, deterministic function of the model and the aggregate."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.codec.encoding import decode
from blindsum_rules.codec.exact_norm import sum_of_squares
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.model import Model

LONGEST_MEAN: Final = 2.0
"""Clip norms that a mean update may have: one, and as much again for what rounding adds."""

_SMALLEST: Final = float(np.finfo(np.float32).tiny)

UPDATE_RULES: Final = frozenset({"fedavg"})
"""The declared functions; a manifest names one."""


def next_model(
    model: Model,
    aggregate: npt.NDArray[np.int64],
    manifest_codec: Codec,
    update_rule: str,
    learning_rate: float,
) -> Model:
    """Federated averaging (McMahan et al. 2017): the model plus the rate times the mean update.

    Elementwise in float64 and cast once to float32, so that the aggregator, every client and the
    auditor compute the same bytes. A sum of weights of zero or less leaves the model unchanged,
    and so does a result that float32 cannot hold: spoiled rounds must not stop a study.

    A mean longer than `LONGEST_MEAN` clip norms is scaled down to that. A weighted mean of clipped
    updates has at most one clip norm, and rounding adds about sqrt(n d) / 2 levels over the sum of
    the weights: little, unless every client has far fewer records than weight_cap. But a hostile
    client may choose its hidden weight so that the weights nearly cancel (threat T15), and the
    mean would then be as long as it likes.

    What float32 could hold only as a subnormal becomes zero: a trainer may have told its thread
    to flush them (`torch.set_flush_denormal`), and would compute another model than the rest.

    Args:
        model: float32, shape (d,): what the clients trained from.
        aggregate: int64, shape (d + 1,): the opened sum.
        manifest_codec: The manifest's codec.
        update_rule: `fedavg`.
        learning_rate: The manifest's server learning rate.

    Returns:
        float32, shape (d,), a fresh array.

    Raises:
        Refused: `update-rule`, when the rule is unknown.
        Rejected: `aggregate-length`, when the aggregate does not fit the model.
    """
    if update_rule not in UPDATE_RULES:
        raise Refused("update-rule", f"expected one of {sorted(UPDATE_RULES)}, got {update_rule!r}")
    if aggregate.shape != (model.size + 1,):
        raise Rejected(
            "aggregate-length", f"expected shape {(model.size + 1,)}, got {aggregate.shape}"
        )
    mean_update, total_weight = decode(aggregate, manifest_codec)
    if total_weight <= 0.0:
        return model.copy()
    mean_update *= _shortening(aggregate, manifest_codec)
    moved = model.astype(np.float64) + learning_rate * mean_update
    # Compared before the cast: a value above the largest float32 would become an infinity.
    if not (np.abs(moved) <= np.finfo(np.float32).max).all():
        return model.copy()
    moved[np.abs(moved) < _SMALLEST] = 0.0
    return moved.astype(np.float32)


def _shortening(aggregate: npt.NDArray[np.int64], codec: Codec) -> float:
    """What the mean is multiplied by: 1, or less for one that is too long.

    From the exact norm of the integers, so that it is the same number on every machine.
    """
    level = codec.weight_scale / int(aggregate[-1])
    norm = math.sqrt(sum_of_squares(aggregate[:-1])) * level
    longest = LONGEST_MEAN * codec.clip_norm
    return 1.0 if norm <= longest else longest / norm
