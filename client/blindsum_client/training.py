"""Training: what a client brings to a round, as a function of the round's model.

A trainer answers with an `Update`, or, in a study whose unit is the record or the patient, with
units: an iterable of batches, one row for every unit, as
`blindsum_client.adapters.torch_records.record_gradients` and `adapters.patients` make them.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from blindsum_client.round import Round
from blindsum_client.update import Update
from blindsum_rules.codec.unit_sum import UnitBatch

Answer = Update | Iterable[UnitBatch]
"""What a trainer returns."""

Trainer = Callable[[dict[str, npt.NDArray[np.float32]], Round], Answer]
"""Whatever trains: a function of the round's model and the round."""


def problem_of(answer: object, round_: Round) -> str | None:
    """Say what is wrong with the kind of a trainer's answer; None if nothing is.

    Nothing is drawn from an iterable: what its batches are is seen when they are encoded.

    Returns:
        A sentence of what was expected, and the type that came: never a value.
    """
    if round_.unit is None:
        if isinstance(answer, Update):
            return None
        return f"expected blindsum_client.Update(changes, records), got {type(answer).__name__}"
    one_value = isinstance(answer, Update | np.ndarray | Mapping | str | bytes)
    if isinstance(answer, Iterable) and not one_value:
        return None
    return (
        f"expected an iterable of batches, arrays with one row for every {round_.unit}: the study "
        f"hides every {round_.unit}, and nothing else bounds what one of them did; got "
        f"{type(answer).__name__}"
    )
