"""The state of a torch module by name: what trains, what is shared, what a checkpoint keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, TypeGuard

from blindsum_crypto.errors import Refused

if TYPE_CHECKING:
    import torch


def state_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Every tensor that a checkpoint keeps: the module's own, not copies, under all their names.

    Args:
        module: Any module; its state dict decides which buffers are kept and in which order.

    Raises:
        Refused: `module-without-values`, when it is lazy or on the meta device.
    """
    tensors: dict[str, torch.Tensor] = dict(module.named_buffers(remove_duplicate=False))
    tensors.update(module.named_parameters(remove_duplicate=False))
    state = {name: tensors[name] for name in module.state_dict(keep_vars=True) if name in tensors}
    empty = [name for name, tensor in state.items() if _has_no_values(tensor)]
    if empty:
        raise Refused(
            "module-without-values",
            f"expected a module that was run or initialised, got {empty} without values",
        )
    return state


def is_tensor(value: object) -> TypeGuard[torch.Tensor]:
    """Whether a value is a tensor of torch, told by what it can do: torch is not loaded for it."""
    return hasattr(value, "data_ptr") and hasattr(value, "is_floating_point")


def once_each(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state without second names of shared tensors."""
    first: dict[object, str] = {}
    for name, tensor in state.items():
        first.setdefault(_place(tensor), name)
    return {name: state[name] for name in first.values()}


def slots_of(module: torch.nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Every place that holds a parameter or buffer, once: a submodule under two names is one."""
    for prefix, part in module.named_modules():
        yield from part.named_parameters(prefix, recurse=False, remove_duplicate=False)
        yield from part.named_buffers(prefix, recurse=False, remove_duplicate=False)


def second_names(state: Mapping[str, object], named: Collection[str]) -> set[str]:
    """Names outside a layout whose tensor the layout names already.

    Args:
        state: A state dict; what is not a tensor of torch is shared with nothing.
        named: The layout's names.

    Raises:
        Refused: `tied-array`, when the layout names a shared tensor twice: it would be clipped and
            noised as two, and loaded as whichever comes last.
    """
    places: dict[object, str] = {}
    for name in named:
        value = state.get(name)
        if not is_tensor(value):
            continue
        other = places.setdefault(_place(value), name)
        if other != name:
            raise Refused(
                "tied-array", f"expected a shared tensor once in the layout, got {other} and {name}"
            )
    return {
        name
        for name, value in state.items()
        if name not in named and is_tensor(value) and _place(value) in places
    }


def _has_no_values(tensor: torch.Tensor) -> bool:
    # A lazy parameter has no shape to ask for: it is on no list of instances but its own kind's.
    return tensor.is_meta or hasattr(tensor, "materialize")


def _place(tensor: torch.Tensor) -> object:
    """Where a tensor's values lie; views of other shape or stride count as other tensors."""
    if tensor.numel() == 0:
        return id(tensor)  # an empty tensor lies nowhere
    return (tensor.device, tensor.data_ptr(), tensor.dtype, tensor.shape, tensor.stride())
