"""Named numpy arrays to an update: held against the study's layout by name, shape and kind.

    >>> import numpy as np
    >>> round_model = {"weight": np.zeros((1, 3), np.float32), "bias": np.zeros(1, np.float32)}
    >>> trained = {"bias": np.ones(1), "weight": np.full((1, 3), 0.5)}
    >>> update = from_arrays(round_model, trained, records=200)
    >>> list(update.arrays)
    ['weight', 'bias']

`Update.arrays` is the way back: named arrays in the layout's order.
"""

from collections.abc import Mapping
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from blindsum_client.update import Update, floating_array
from blindsum_crypto.errors import Rejected
from blindsum_rules.model import Layout, NamedArray


def from_arrays(
    before: Mapping[str, object],
    after: Mapping[str, object],
    *,
    records: SupportsIndex,
    layout: Layout | None = None,
) -> Update:
    """Make the update of a training: after less before, for every array of the layout.

    Args:
        before: The model that training started from: `round.model`.
        after: The trained model, under the same names, in any order.
        records: How many records it was trained on; >= 1.
        layout: The study's layout. `before` has it when it is the round's model, so it need not be
            given then.

    Returns:
        The change, float64 (a difference in float16 would lose what was trained), in the layout's
        order. Neither model is changed.

    Raises:
        Rejected: `layout`, when an array is missing, is not in the layout or has another shape,
            all of them named; `records`, when the count is not a whole number of at least 1.
        Refused: `integer-array`, when an array does not hold floating-point numbers.
    """
    study = layout_of_arrays(before) if layout is None else layout
    start, end = check_arrays(before, study), check_arrays(after, study)
    # A model that trained to infinity twice is a NaN here, and is refused by name at `encode`.
    with np.errstate(over="ignore", invalid="ignore"):
        changes = {name: np.subtract(end[name], start[name], dtype=np.float64) for name in start}
    return Update(changes, records)


def layout_of_arrays(arrays: Mapping[str, object]) -> Layout:
    """The layout that named arrays have, in their order.

    Raises:
        Refused: `integer-array`, when an array does not hold floating-point numbers.
    """
    return Layout(
        tuple(
            NamedArray(name, floating_array(name, values).shape) for name, values in arrays.items()
        )
    )


def check_arrays(
    arrays: Mapping[str, object], layout: Layout
) -> dict[str, npt.NDArray[np.floating]]:
    """Hold named arrays against a layout.

    Args:
        arrays: Numpy arrays of float16, float32 or float64, or torch tensors.
        layout: What they have to be.

    Returns:
        The arrays in the layout's order; not copied where they are numpy arrays.

    Raises:
        Rejected: `layout`, when an array is missing, is not in the layout or has another shape.
        Refused: `integer-array`, when an array does not hold floating-point numbers.
    """
    expected = {array.name: array.shape for array in layout.arrays}
    check_names(set(arrays), set(expected))
    found = {name: floating_array(name, arrays[name]) for name in expected}
    wrong = [
        f"{name}: expected {shape}, got {found[name].shape}"
        for name, shape in expected.items()
        if found[name].shape != shape
    ]
    if wrong:
        raise Rejected("layout", "expected the layout's shapes; " + "; ".join(wrong))
    return found


def check_names(found: set[str], expected: set[str]) -> None:
    """Hold names against those of a layout.

    Raises:
        Rejected: `layout`, with what is missing and what the layout does not know.
    """
    if found != expected:
        raise Rejected(
            "layout",
            f"expected the layout's {len(expected)} arrays, missing {sorted(expected - found)}, "
            f"unknown {sorted(found - expected)}",
        )
