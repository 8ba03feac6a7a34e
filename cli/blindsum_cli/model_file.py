"""A model as people keep it: an .npz of named arrays, in the order of the file."""

from pathlib import Path

import numpy as np

from blindsum_crypto.errors import Rejected
from blindsum_rules.model import Layout, Model, NamedArray


def read_model(path: Path) -> tuple[Layout, Model]:
    """Read the initial model of a study.

    Args:
        path: An .npz of floating-point arrays; their order in the file is the layout's order.

    Raises:
        Rejected: `model-file`, when an array is not of finite floating-point numbers.
    """
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    for name, values in arrays.items():
        if not (np.issubdtype(values.dtype, np.floating) and np.isfinite(values).all()):
            raise Rejected("model-file", f"{name}: expected finite floating-point values")
    layout = Layout(tuple(NamedArray(name, values.shape) for name, values in arrays.items()))
    return layout, layout.flatten(arrays).astype(np.float32)


def write_model(path: Path, layout: Layout, model: Model) -> None:
    """Write a model as .npz with the layout's names and order."""
    np.savez(path, allow_pickle=False, **layout.unflatten(model))
