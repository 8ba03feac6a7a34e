"""A model as people keep it: an .npz of named arrays, in the order of the file."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Rejected
from blindsum_rules.model import Layout, Model, NamedArray

Arrays = dict[str, npt.NDArray[np.floating]]
"""Named floating-point arrays: a model, or the change of one."""


def read_arrays(path: Path) -> Arrays:
    """Read named arrays, in the order of the file.

    Args:
        path: An .npz of floating-point arrays, as `numpy.savez` writes it.

    Raises:
        Rejected: `model-file`, when it is no such file, is empty, or an array is not of finite
            floating-point numbers.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise Rejected("model-file", f"{path}: expected an .npz of named arrays") from error
    if not arrays:
        raise Rejected("model-file", f"{path}: expected at least one named array")
    for name, values in arrays.items():
        if not (np.issubdtype(values.dtype, np.floating) and np.isfinite(values).all()):
            raise Rejected("model-file", f"{path}: {name}: expected finite floating-point values")
    return arrays


def read_model(path: Path) -> tuple[Layout, Model]:
    """Read the initial model of a study.

    Args:
        path: An .npz of floating-point arrays; their order in the file is the layout's order.

    Raises:
        Rejected: `model-file`.
    """
    arrays = read_arrays(path)
    layout = Layout(tuple(NamedArray(name, values.shape) for name, values in arrays.items()))
    return layout, layout.flatten(arrays).astype(np.float32)


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[np.floating]]) -> None:
    """Write named arrays as .npz, in their order; `read_arrays` and `numpy.load` read it."""
    # Not numpy.savez: there a name is a keyword, and a model may have an array called "file".
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)
