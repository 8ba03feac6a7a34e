"""A client's update before the codec: the change that its training made, as named arrays."""

import contextlib
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, Self, SupportsIndex, cast, runtime_checkable

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused, Rejected


@runtime_checkable
class _Tensor(Protocol):
    """What this file needs of a torch tensor."""

    def detach(self) -> Self: ...

    def cpu(self) -> Self: ...

    def double(self) -> Self: ...

    def is_floating_point(self) -> bool: ...

    def numpy(self) -> npt.NDArray[Any]: ...


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Update:
    """What a client contributes: trained minus start, for every array of the study's layout.

    Attributes:
        arrays: Name to floating-point array of the change.
        records: How many records it was trained on; >= 1. It travels only inside the seal.
    """

    arrays: Mapping[str, npt.NDArray[np.floating[Any]]]
    records: int

    def __init__(self, changes: Mapping[str, object], records: SupportsIndex) -> None:
        """Take numpy arrays, Python numbers or the tensors of a torch `state_dict`.

        Tensors are recognised by what they can do, so that torch is never loaded for a client that
        does not use it.

        Args:
            changes: Name to change; every floating-point type, any shape that the layout declares.
            records: How many records the change was trained on; >= 1.

        Raises:
            Refused: `integer-array`, when an array does not hold floating-point numbers.
            Rejected: `records`, when the count is not a whole number of at least 1.
        """
        count = _count(records)
        arrays = {name: floating_array(name, change) for name, change in changes.items()}
        object.__setattr__(self, "arrays", MappingProxyType(arrays))
        object.__setattr__(self, "records", count)

    def __repr__(self) -> str:
        """Show the names; neither a value nor the number of records, which nobody else may see."""
        return f"Update(arrays={sorted(self.arrays)})"


def _count(records: SupportsIndex) -> int:
    count = 0
    if not isinstance(records, bool):
        with contextlib.suppress(TypeError):  # a float, which no type checker was asked about
            count = operator.index(records)
    if count < 1:
        raise Rejected("records", "expected a whole number of records, at least 1")
    return count


def floating_array(name: str, change: object) -> npt.NDArray[np.floating[Any]]:
    """A numpy array, number or torch tensor as a floating-point array.

    Args:
        name: What to call it in an error.
        change: The values; a tensor leaves its gradient and its device behind, and comes as
            float64.

    Returns:
        The array itself where it is one already; its kind of floating point is kept.

    Raises:
        Refused: `integer-array`, when it does not hold floating-point numbers.
    """
    values = np.asarray(_from_tensor(change))
    if not np.issubdtype(values.dtype, np.floating):
        # A batch-norm counter tells how much a client trained, no clipping applies to it, and a
        # rounded mean of counters means nothing.
        raise Refused(
            "integer-array",
            f"{name}: expected a change in floating point, got {values.dtype}; counters and other "
            "integer buffers are not part of an update, so leave them out of the study's layout",
        )
    return values


def _from_tensor(change: object) -> npt.ArrayLike:
    """A tensor's values as an array; anything else as it is."""
    if not isinstance(change, _Tensor):
        return cast(npt.ArrayLike, change)
    tensor = change.detach().cpu()
    # numpy has no bfloat16, so floating tensors go through float64; others are refused above.
    return (tensor.double() if tensor.is_floating_point() else tensor).numpy()
