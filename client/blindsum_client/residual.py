"""The residual on the disk: what a round began with, and what it left, for this client alone."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_client.durable import write_durably
from blindsum_crypto.errors import Rejected

_Floats = npt.NDArray[np.float64]

_STORED: Final = np.dtype("<f8")


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """What a client remembers of the last round that it encoded for.

    Attributes:
        round_number: Which round.
        round_id: Its id, 32 bytes.
        model_version: The version of the model that it started from.
        starting: What the round's update was added to: float64, shape (the layout's size,), in the
            unit of the update.
        whole: The update and `starting`, once a contribution is about to be sealed.
        left: What was not sent of `whole`.
    """

    round_number: int
    round_id: bytes
    model_version: int
    starting: _Floats
    whole: _Floats | None = None
    left: _Floats | None = None

    def __repr__(self) -> str:
        """Show the round, never a value."""
        return f"Residual(round_number={self.round_number})"


def write_residual(file: Path, residual: Residual) -> None:
    """Replace the file, whole and on the disk, readable by its owner alone."""
    header = {
        "round_number": residual.round_number,
        "round_id": residual.round_id.hex(),
        "model_version": residual.model_version,
    }
    vectors = [residual.starting]
    if residual.whole is not None and residual.left is not None:
        vectors += [residual.whole, residual.left]
    stored = [vector.astype(_STORED, copy=False).tobytes() for vector in vectors]
    write_durably(file, b"\n".join([json.dumps(header).encode(), b"".join(stored)]))


def read_residual(file: Path, size: int) -> Residual | None:
    """What was written, or None when nothing was.

    Args:
        file: Where it lies.
        size: Values of a vector.

    Raises:
        Rejected: `damaged-residual`, when it is not what was written.
    """
    if not file.exists():
        return None
    header, _, stored = file.read_bytes().partition(b"\n")
    try:
        fields = json.loads(header)
        number, version = int(fields["round_number"]), int(fields["model_version"])
        round_id = bytes.fromhex(fields["round_id"])
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(file) from error
    if len(stored) not in (_STORED.itemsize * size, 3 * _STORED.itemsize * size):
        raise _damaged(file)
    vectors = np.frombuffer(stored, _STORED).astype(np.float64).reshape(-1, size)
    return Residual(number, round_id, version, *vectors)


def _damaged(file: Path) -> Rejected:
    return Rejected("damaged-residual", f"expected {file} as it was written")
