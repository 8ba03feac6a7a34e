"""The next model: a declared, deterministic function of the model and the aggregate."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.codec.mean import mean_of_units, weighted_mean
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.model import Model
from blindsum_rules.privacy.adaptive_clipping import (
    clip_norm_of,
    has_adaptive_clipping,
    joint_norm,
    next_clip_norm,
)
from blindsum_rules.privacy.study_plan import privacy_policy, study_codec
from blindsum_rules.sparsity import SparsityRule, positions
from blindsum_rules.statistics.answered import next_answered

_SMALLEST: Final = float(np.finfo(np.float32).tiny)

_SIGNS: Final[Mapping[str, float]] = {"fedavg": 1.0, "fedsgd": -1.0}

UPDATE_RULES: Final = frozenset(_SIGNS)
"""The declared functions; a manifest names one.

`fedavg` (McMahan et al. 2017) adds the mean of what clients changed; `fedsgd` takes a step against
the mean of their gradients. Both times the manifest's server learning rate.
"""


def next_model(
    manifest: Manifest, model: Model, aggregate: npt.NDArray[np.int64], round_id: bytes
) -> Model:
    """The model after a round: the model plus or minus the rate times the mean.

    Elementwise in float64 and cast once to float32, so that the aggregator, every client and the
    auditor compute the same bytes. A sum of weights of zero or less leaves the model unchanged,
    and so does a result that float32 cannot hold: spoiled rounds must not stop a study.

    Under sparsity the mean moves the coordinates that travelled. The others stay as they are where
    they were drawn, and become zero where they were pruned.

    An adaptive clip norm is the model's last value, and moves by the count in the aggregate's last
    place (`privacy/adaptive_clipping.py`).

    In a statistic study the model counts the answered queries, and `next_answered` moves it.

    What float32 could hold only as a subnormal becomes zero: a trainer may have told its thread
    to flush them (`torch.set_flush_denormal`), and would compute another model than the rest.

    Args:
        manifest: The study: update rule, rate, and how the sum became integers.
        model: float32, shape (d,): what the clients trained from.
        aggregate: int64, shape (manifest.vector_length,): the opened sum.
        round_id: The id of the round that was summed, 32 bytes.

    Returns:
        float32, shape (d,), a fresh array.

    Raises:
        Refused: `update-rule`, when the rule is unknown.
        Rejected: `aggregate-length`, when the aggregate does not fit the study.
    """
    if aggregate.shape != (manifest.vector_length,):
        raise Rejected(
            "aggregate-length",
            f"expected shape {(manifest.vector_length,)}, got {aggregate.shape}",
        )
    if manifest.kind is StudyKind.STATISTIC:
        return next_answered(manifest, model, aggregate)
    sign = _SIGNS.get(manifest.update_rule)
    if sign is None:
        raise Refused(
            "update-rule",
            f"expected one of {sorted(UPDATE_RULES)}, got {manifest.update_rule!r}",
        )
    mean = _mean(manifest, model, aggregate)
    if mean is None:
        return model.copy()
    moved = _moved(manifest, model, (sign * manifest.server_learning_rate) * mean, round_id)
    if has_adaptive_clipping(manifest):
        moved[-1] = _following_clip_norm(manifest, model, aggregate)
    # Compared before the cast: a value above the largest float32 would become an infinity.
    if not (np.abs(moved) <= np.finfo(np.float32).max).all():
        return model.copy()
    moved[np.abs(moved) < _SMALLEST] = 0.0
    return moved.astype(np.float32)


def _moved(
    manifest: Manifest, model: Model, step: npt.NDArray[np.float64], round_id: bytes
) -> npt.NDArray[np.float64]:
    """The model moved by what every travelling coordinate takes; a fresh array."""
    before, sparsity = model.astype(np.float64), manifest.sparsity
    if sparsity is None:
        return before + step
    travelled = positions(sparsity, model, round_id)
    after = np.zeros_like(before) if sparsity.rule is SparsityRule.PRUNE else before
    after[travelled] = before[travelled] + step
    return after


def _mean(
    manifest: Manifest, model: Model, aggregate: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64] | None:
    """What the clients sent, in the mean; None when the sum has no weight."""
    if manifest.codec is not None:
        return weighted_mean(aggregate, manifest.codec)
    if manifest.privacy is not None:
        policy = manifest.privacy
        norm = policy.clip_norm
        if has_adaptive_clipping(manifest):
            codec = study_codec(manifest, clip_norm_of(manifest, model))
            norm = joint_norm(codec.clip_norm, codec.levels, codec.count_steps)
        return mean_of_units(aggregate, norm, policy.levels, policy.reference_units)
    raise Refused("codec-or-privacy", "expected a study that names one of them")


def _following_clip_norm(
    manifest: Manifest, model: Model, aggregate: npt.NDArray[np.int64]
) -> float:
    codec = study_codec(manifest, clip_norm_of(manifest, model))
    policy, count = privacy_policy(manifest), int(aggregate[-1])
    return next_clip_norm(policy, codec.clip_norm, count, codec.count_steps)
