"""What the tests of error feedback share: an update, a round of one client, and its residual."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.client.compressed import SIZE, SPARSE
from tests.client.stage import Stage

from blindsum_client.client import Client
from blindsum_client.residual import Residual, read_residual
from blindsum_client.round import Round
from blindsum_client.update import Update
from blindsum_rules.sparsity import positions

Floats = npt.NDArray[np.float64]
RECORDS = 600
CHANGE: Floats = np.cos(np.arange(SIZE)) / 4


def update(values: Floats = CHANGE) -> Update:
    return Update({"weight": values}, records=RECORDS)


def newest(client: Client) -> Round:
    return next(iter(client.rounds()))


def travelled(stage: Stage, number: int) -> npt.NDArray[np.int64]:
    """The coordinates that travelled in a round of the stage."""
    staged = stage.rounds[number]
    assert staged.model is not None
    return positions(SPARSE, staged.model, staged.spec.digest)


def stored(folder: Path) -> Residual:
    residual = read_residual(folder / "residual.bin", SIZE)
    assert residual is not None
    return residual


def contribute(client: Client, values: Floats = CHANGE) -> Round:
    round_ = newest(client)
    client.contribute(round_, client.encode(round_, update(values)))
    return round_
