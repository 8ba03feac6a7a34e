"""A torch module's state to an update and back: what is sent, and what stays at the site by rule.

    >>> import torch
    >>> module = torch.nn.Linear(3, 1)
    >>> round_model = initial_model(module)  # in a study: round.model
    >>> left = load_into(module, round_model)  # ... then train ...
    >>> update = from_module(round_model, module, records=200).update
    >>> list(update.arrays)
    ['weight', 'bias']

What a layout holds, by rule:

* Parameters that train (`requires_grad`). Frozen ones are the same at every site by other means.
* A shared parameter once, under its first name (tied weights); its other names follow.
* Floating-point buffers (a batch norm's running means and variances) only if the layout names
  them, as `layout_of(module, buffers=True)` does. They are statistics of the records: their mean
  over sites goes through the seal like everything else, but no clipping of gradients bounds them,
  so a study with differential privacy refuses them (`torch_records.check_record_module`).
* Integer buffers never (`num_batches_tracked` tells how much a client trained). They stay at the
  site, listed in `left_out`; a layout that names one is refused.

Torch is imported by whoever made the module: this file loads without it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, SupportsIndex

import numpy as np
import numpy.typing as npt

from blindsum_client.adapters.numpy_arrays import (
    check_arrays,
    check_names,
    from_arrays,
    layout_of_arrays,
)
from blindsum_client.adapters.torch_state import is_tensor, once_each, second_names, state_of
from blindsum_client.update import Update
from blindsum_crypto.errors import Refused
from blindsum_rules.model import Layout

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class StateChange:
    """The update of a torch model, and what of its state is not in it.

    Attributes:
        update: The change, in the layout's order.
        left_out: Names of the state that stay at the site: integer buffers, second names of shared
            tensors, and what was asked to be left out.
    """

    update: Update
    left_out: tuple[str, ...]


def layout_of(module: torch.nn.Module, *, buffers: bool = False) -> Layout:
    """The layout of a study that trains this module: names and shapes, in the state's order.

    Args:
        module: With values: neither lazy nor on the meta device.
        buffers: Whether floating-point buffers belong to it; not with differential privacy.

    Raises:
        Refused: `module-without-values`; `no-parameters`, when nothing trains; `integer-array`,
            when a parameter that trains is complex.
    """
    return layout_of_arrays(_own_state(module, buffers=buffers))


def initial_model(
    module: torch.nn.Module, *, buffers: bool = False
) -> dict[str, npt.NDArray[np.float32]]:
    """The model of version 0, for `blindsum study create --initial-model`.

        np.savez("initial.npz", **initial_model(module))

    Args:
        module: Whose values the study begins with; it is left as it is.
        buffers: As in `layout_of`.

    Returns:
        Copies, float32, in the order of `layout_of`.

    Raises:
        Refused: as `layout_of`.
    """
    state = _own_state(module, buffers=buffers)
    arrays = check_arrays(state, layout_of_arrays(state))
    return {name: np.array(values, np.float32) for name, values in arrays.items()}


def from_state_dict(
    before: Mapping[str, object],
    after: Mapping[str, object],
    *,
    records: SupportsIndex,
    layout: Layout | None = None,
    leave_out: Collection[str] = (),
) -> StateChange:
    """Make the update of a training from state dicts: after less before.

        from_state_dict(round.model, module.state_dict(), records=200).update

    Args:
        before: `round.model`, or a copied state dict of the start. (`state_dict()` itself does not
            copy: training would change it too.)
        after: `module.state_dict()` after training; neither is changed, and tensors of any device
            come out as arrays.
        records: How many records it was trained on; >= 1.
        layout: The study's layout, unless `before` is the round's model, which has it.
        leave_out: Names of floating-point state that is not in the layout and is meant not to be:
            frozen parameters and running statistics, which a state dict does not tell from others.

    Returns:
        The change and what was left out of it.

    Raises:
        Rejected: `layout`, when an array is missing, not in the layout or has another shape;
            `records`.
        Refused: `integer-array`, when the layout names an integer buffer; `tied-array`, when it
            names a shared tensor twice; `left-out-of-layout`, when `leave_out` names an array of
            the layout.
    """
    study = layout_of_arrays(before) if layout is None else layout
    named = [array.name for array in study.arrays]
    needed = sorted(set(leave_out) & set(named))
    if needed:
        raise Refused(
            "left-out-of-layout", f"expected every array of the layout, got none of {needed}"
        )
    tied = second_names(after, named)
    left_out = tuple(
        name
        for name, value in after.items()
        if name in tied or name in leave_out or (name not in named and not _is_continuous(value))
    )
    update = from_arrays(
        {name: values for name, values in before.items() if name not in left_out},
        {name: values for name, values in after.items() if name not in left_out},
        records=records,
        layout=study,
    )
    return StateChange(update, left_out)


def from_module(
    before: Mapping[str, object], module: torch.nn.Module, *, records: SupportsIndex
) -> StateChange:
    """Make the update of a module that was trained in place: its state less the round's model.

    Frozen parameters and floating-point buffers that the layout does not name are left out; a
    parameter that trained and is not in the layout is an error. A module of fewer bits than float32
    rounds the round's model when it is loaded, and that rounding is part of the change.

    Args:
        before: `round.model`, whose names are the study's layout.
        module: The trained module, left as it is.
        records: How many records it was trained on; >= 1.

    Returns:
        The change and what was left out of it.

    Raises:
        Rejected, Refused: as `from_state_dict`; `module-without-values`.
    """
    state = state_of(module)
    fixed = {name for name, tensor in state.items() if not tensor.requires_grad}
    return from_state_dict(before, state, records=records, leave_out=fixed - set(before))


def load_into(
    module: torch.nn.Module, model: Mapping[str, npt.NDArray[np.floating]]
) -> tuple[str, ...]:
    """Put a round's model into a module, all of it or nothing.

        load_into(module, round.model)

    Values are copied into the tensors that are there: kind of number, device, `requires_grad`,
    gradients and the training flag stay. An optimiser made before keeps its momentum of the round
    before; make a fresh one each round.

    Args:
        module: What to train; all its parameters that train must be named.
        model: Named arrays of the study's layout.

    Returns:
        Names of the module's state that the model does not set and that stayed: frozen parameters
        and buffers.

    Raises:
        Rejected: `layout`, when a parameter that trains is missing, a name is not the module's or
            a shape differs.
        Refused: `integer-array`, when the model names an integer buffer or an array is not of
            floating-point numbers; `tied-array`; `module-without-values`.
    """
    # torch is no dependency of the client; whoever has a module has it.
    import torch  # noqa: PLC0415

    state = state_of(module)
    tied = second_names(state, model)
    needed = {name for name, tensor in state.items() if tensor.requires_grad} - tied
    known = {name: tensor for name, tensor in state.items() if name in model or name in needed}
    check_names(set(model), set(known))
    arrays = check_arrays(model, layout_of_arrays(known))
    for name, values in arrays.items():
        # A copy, because torch takes no negative strides, foreign byte orders or read-only arrays.
        copied = np.array(values, values.dtype.newbyteorder("="))
        known[name].detach().copy_(torch.from_numpy(copied))
    return tuple(name for name in state if name not in model and name not in tied)


def _own_state(module: torch.nn.Module, *, buffers: bool) -> dict[str, torch.Tensor]:
    """What of a module's state a layout holds by rule."""
    state = once_each(state_of(module))
    buffer_names = {name for name, _ in module.named_buffers(remove_duplicate=False)}
    own = {
        name: tensor
        for name, tensor in state.items()
        if tensor.requires_grad or (buffers and name in buffer_names and tensor.is_floating_point())
    }
    if not any(tensor.requires_grad for tensor in own.values()):
        raise Refused("no-parameters", "expected a module with a parameter that trains")
    return own


def _is_continuous(value: object) -> bool:
    """Whether a value of a state dict is of real or complex numbers, and so no counter or flag."""
    if is_tensor(value):
        return value.is_floating_point() or value.is_complex()
    return np.issubdtype(np.asarray(value).dtype, np.inexact)
