"""Units as a site keeps them: rows of a .npy, or the arrays of an .npz with units in front."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Rejected

_BATCH_VALUES: Final = 1 << 20
_NO_NAME: Final = ""
_MATRIX: Final = 2

_Floats = npt.NDArray[np.floating]
_Batch = npt.NDArray[np.float32] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, repr=False)
class UnitsFile:
    """The units of a file; `repr` shows none of them, nor how many they are.

    Attributes:
        path: The file.
        arrays: By name, units in front; or one matrix under no name, rows in the model's flat
            order.
    """

    path: Path
    arrays: Mapping[str, _Floats]

    def batches(self, model: Mapping[str, npt.NDArray[np.float32]]) -> Iterator[_Batch]:
        """Batches of rows in the flat order of a round's model, about 8 MiB each.

        Args:
            model: `Round.model`.

        Raises:
            Rejected: `layout`, when names or shapes are not the model's; `units-file`, when the
                arrays hold different numbers of units.
        """
        size = sum(values.size for values in model.values())
        pieces = self._pieces(model, size)
        units = len(pieces[0])
        if any(len(piece) != units for piece in pieces):
            raise Rejected("units-file", f"{self.path}: expected as many units in every array")
        kind = np.result_type(np.float32, *(piece.dtype for piece in pieces))
        together = max(1, _BATCH_VALUES // size)
        for start in range(0, units, together):
            taken = [piece[start : start + together] for piece in pieces]
            rows = [piece.reshape(len(piece), -1) for piece in taken]
            yield np.concatenate(rows, axis=1, dtype=kind)

    def _pieces(self, model: Mapping[str, npt.NDArray[np.float32]], size: int) -> list[_Floats]:
        if set(self.arrays) == {_NO_NAME}:
            rows = self.arrays[_NO_NAME]
            if rows.ndim != _MATRIX or rows.shape[1] != size:
                raise Rejected("layout", f"{self.path}: expected rows of the model's {size} values")
            return [rows]
        if set(self.arrays) != set(model):
            raise Rejected("layout", f"{self.path}: expected the arrays {sorted(model)}")
        for name, values in model.items():
            if not self.arrays[name].ndim or self.arrays[name].shape[1:] != values.shape:
                raise Rejected(
                    "layout", f"{self.path}: {name}: expected units of shape {values.shape}"
                )
        return [self.arrays[name] for name in model]


def read_units(path: Path) -> UnitsFile:
    """Open a file of units; a .npy stays on the disk and is read as it is needed.

    Values that are not finite pass: such a unit adds zero, and whether one is there is private.

    Raises:
        Rejected: `units-file`, when it is neither a .npy nor an .npz, or not of floats of 16, 32
            or 64 bits.
    """
    try:
        arrays = dict(_arrays(path))
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise Rejected("units-file", f"{path}: expected a .npy or an .npz of arrays") from error
    if not arrays or not all(_is_float(values.dtype) for values in arrays.values()):
        raise Rejected("units-file", f"{path}: expected arrays of floats of 16, 32 or 64 bits")
    return UnitsFile(path, arrays)


def _arrays(path: Path) -> Iterator[tuple[str, _Floats]]:
    if zipfile.is_zipfile(path):
        with np.load(path, allow_pickle=False) as archive:
            yield from ((name, archive[name]) for name in archive.files)
    else:
        yield _NO_NAME, np.lib.format.open_memmap(path, mode="r")


def _is_float(kind: np.dtype) -> bool:
    return np.issubdtype(kind, np.floating) and kind.itemsize <= np.dtype(np.float64).itemsize
