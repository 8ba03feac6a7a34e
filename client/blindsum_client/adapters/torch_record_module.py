"""Which modules a study with unit `record` may train: nothing carries a record beyond its clip.

>>> import torch
>>> module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
>>> check_record_module(module)
Traceback (most recent call last):
...
blindsum_crypto.errors.Refused: batch-norm: expected ... got 1 (BatchNorm1d)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blindsum_crypto.errors import Refused

if TYPE_CHECKING:
    import torch


def check_record_module(module: torch.nn.Module) -> None:
    """Refuse a module that carries a record beyond what clipping its gradient bounds.

    Args:
        module: What a study with unit `record` (or `patient`) would train.

    Raises:
        Refused: `batch-norm`, in either mode: in training a record's output depends on its whole
            batch, in evaluation on statistics of records that nothing clipped. Group, layer and
            instance norm do without. `running-statistics`: an instance norm that keeps such
            statistics. `renormalised-embedding`: `max_norm` rewrites the rows that records look up.
    """
    from torch.nn import Embedding, EmbeddingBag  # noqa: PLC0415 - as in `load_into`
    from torch.nn.modules.batchnorm import _BatchNorm  # noqa: PLC0415
    from torch.nn.modules.instancenorm import _InstanceNorm  # noqa: PLC0415

    for name, part in module.named_modules():
        if isinstance(part, _BatchNorm):
            raise _refused("batch-norm", name, part, "a group, layer or instance norm")
        if isinstance(part, _InstanceNorm) and part.track_running_stats:
            raise _refused("running-statistics", name, part, "track_running_stats=False")
        if isinstance(part, Embedding | EmbeddingBag) and part.max_norm is not None:
            raise _refused("renormalised-embedding", name, part, "max_norm=None")


def check_without_dropout(module: torch.nn.Module) -> None:
    """Refuse a module whose gradients would differ each time they are computed.

    Dropout is no matter of privacy, for what it leaves out depends on no record. But it is drawn
    from a generator that nobody handed in, so that a client that is killed and computes again
    would get other gradients. In evaluation mode it does nothing and is not refused.

    Args:
        module: In the mode in which gradients are made.

    Raises:
        Refused: `dropout`, when a dropout layer is in training mode.
    """
    from torch.nn.modules.dropout import _DropoutNd  # noqa: PLC0415

    for name, part in module.named_modules():
        if isinstance(part, _DropoutNd) and part.training and part.p > 0:
            raise _refused("dropout", name, part, "module.eval() before gradients are made")


def _refused(rule: str, name: str, part: object, instead: str) -> Refused:
    place = f"{name} ({type(part).__name__})" if name else type(part).__name__
    return Refused(rule, f"expected {instead}, got {place}")
