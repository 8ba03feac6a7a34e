"""Encode: from what a client trained to the integers that it seals.

This is the only step between a client's data and what a seal takes. The integers stay with the
caller: this package never writes them down, save for what a study with error feedback declares
(`error_feedback.py`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_client.update import Update
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.randomness import Randomness
from blindsum_rules.codec import encoding, units
from blindsum_rules.codec.unit_sum import UnitBatch
from blindsum_rules.codec.units import UnitReport
from blindsum_rules.manifest import Manifest, StudyKind
from blindsum_rules.model import Model
from blindsum_rules.privacy.adaptive_clipping import CLIP_NORM, clip_norm_of, trained_layout
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.study_plan import privacy_policy, study_codec
from blindsum_rules.sparsity import positions

_MATRIX: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class RoundBasis:
    """What the integers of a round may depend on beside a client's data: public, and verified.

    Attributes:
        round_id: The round's id, 32 bytes.
        model: The model that the round starts from, float32, shape (the layout's size,).
    """

    round_id: bytes
    model: Model


def encode_update(
    update: Update, basis: RoundBasis, manifest: Manifest, randomness: Randomness
) -> npt.NDArray[np.int64]:
    """Lay the arrays into one vector, and make of it what the client seals; see `encode_flat`.

    Args:
        update: The change, in the study's layout. In a private study of the unit client it is the
            one unit, and its number of records counts for nothing. An adaptive clip norm may stand
            in it and counts for nothing either.
        basis: The round that it is for.
        manifest: The verified manifest, with layout and codec.
        randomness: For rounding and noise, fresh for every call.

    Returns:
        int64, shape (manifest.vector_length,).

    Raises:
        Refused: `units-expected`, when the study hides records or patients.
        Rejected: `layout`, when a name or a shape is not the study's; `non-finite-update`, in a
            study without noise.
    """
    layout, arrays = trained_layout(manifest), dict(update.arrays)
    if layout is not manifest.layout:
        # The clip norm is a value of the model that nobody trains: whoever subtracts whole models
        # has a change of it, and what travels in its place is the count.
        arrays.pop(CLIP_NORM, None)
    flat = layout.flatten(arrays)
    return encode_flat(flat, update.records, basis, manifest, randomness)


def encode_flat(
    flat: npt.NDArray[np.float64],
    records: int,
    basis: RoundBasis,
    manifest: Manifest,
    randomness: Randomness,
) -> npt.NDArray[np.int64]:
    """Take what travels of one vector, clip it, round it once; weight it, or add noise to it.

    Args:
        flat: float64, shape (the size of `trained_layout`,).
        records: Records that it was trained on; >= 1.
        basis: The round that it is for.
        manifest: The verified manifest.
        randomness: For rounding and noise, fresh for every call.

    Returns:
        int64, shape (manifest.vector_length,).

    Raises:
        Refused: `units-expected`.
        Rejected: `non-finite-update`, in a study without noise, wherever the value stands: whether
            a broken update is noticed must not hang on what was drawn.
    """
    if manifest.privacy is None:
        if not np.isfinite(flat).all():
            raise Rejected("non-finite-update", "expected finite values only")
        travels = flat[travelling(basis, manifest)]
        return encoding.encode(travels, records, manifest.weighted_codec, randomness)
    if manifest.privacy.unit is not Unit.CLIENT:
        raise Refused(
            "units-expected",
            f"expected one row for every {manifest.privacy.unit} (`encode_units`): an update is "
            "the work of all of them, and nothing bounds what one of them did to it",
        )
    return _encode_rows([flat[np.newaxis]], basis, manifest, randomness)[0]


def encode_units(
    batches: Iterable[UnitBatch], basis: RoundBasis, manifest: Manifest, randomness: Randomness
) -> tuple[npt.NDArray[np.int64], UnitReport]:
    """Clip what travels of every unit, sum it exactly, round once, and add a share of noise.

    What stays behind of a unit is left out before the unit is clipped, so the clip norm bounds what
    is summed, whoever chose the coordinates and however.

    Args:
        batches: Units as rows of the flat order of `trained_layout`, as
            `blindsum_client.adapters.torch_records.record_gradients` makes them.
        basis: The round that they are for.
        manifest: The verified manifest of a private study.
        randomness: For rounding and noise, fresh for every call.

    Returns:
        int64, shape (manifest.vector_length,); and counts for this client's eyes alone.

    Raises:
        Refused: `not-private`, in a study without differential privacy; `study-kind`, in one of
            statistics; `update-expected`, where the client itself is the unit.
        Rejected: `unit-batch`, when the rows have another length or kind.
    """
    if manifest.kind is not StudyKind.MODEL:
        raise Refused("study-kind", "expected a study that trains a model, got statistics")
    if privacy_policy(manifest).unit is Unit.CLIENT:
        raise Refused(
            "update-expected",
            "expected one update (`encode`): here the whole client is the unit, and of several "
            "rows it would send the first",
        )
    return _encode_rows(batches, basis, manifest, randomness)


def _encode_rows(
    batches: Iterable[UnitBatch], basis: RoundBasis, manifest: Manifest, randomness: Randomness
) -> tuple[npt.NDArray[np.int64], UnitReport]:
    codec = study_codec(manifest, clip_norm_of(manifest, basis.model))
    taken = _taken(batches, travelling(basis, manifest), trained_layout(manifest).size)
    return units.encode_units(taken, codec, randomness)


def travelling(basis: RoundBasis, manifest: Manifest) -> npt.NDArray[np.int64] | slice:
    """What to index a vector with for the coordinates that travel in a round."""
    if manifest.sparsity is None:
        return slice(None)
    return positions(manifest.sparsity, basis.model, basis.round_id)


def _taken(
    batches: Iterable[UnitBatch], travels: npt.NDArray[np.int64] | slice, size: int
) -> Iterator[UnitBatch]:
    """Of one batch at a time what travels; without sparsity nothing is copied."""
    for batch in batches:
        if not isinstance(batch, np.ndarray):
            raise Rejected("unit-batch", f"expected numpy arrays, got {type(batch).__name__}")
        if batch.ndim != _MATRIX or batch.shape[1] != size:
            raise Rejected(
                "unit-batch", f"expected units as rows of {size} values, got shape {batch.shape}"
            )
        yield batch[:, travels]
