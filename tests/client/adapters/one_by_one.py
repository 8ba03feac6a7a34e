"""The reference for gradients of records: a plain loop of autograd, no vmap, no functional call."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def one_by_one(
    module: torch.nn.Module, loss: Loss, records: torch.Tensor, targets: torch.Tensor
) -> npt.NDArray[np.floating]:
    """What autograd says, a record after the other: no vmap, no functional call."""
    parameters = [value for _, value in module.named_parameters() if value.requires_grad]
    rows = []
    for index in range(len(records)):
        value = loss(module(records[index : index + 1]), targets[index : index + 1])
        parts = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
        rows.append(torch.cat([part.ravel() for part in parts]))
    return torch.stack(rows).numpy()
