"""A client's private contribution: units clipped, summed exactly, rounded once, and noise added.

A unit is what is protected: a record's gradient, a patient's, or the client's whole update, which
is one unit. Nothing here fails, stops, repeats or draws more because of a value: a unit
that is not finite adds zero and its client's noise stays, so that whether a client takes part says
nothing about a record. No float meets the noise, and no weight enters: denominators are public.

A site asks at set-up whether it holds more units than the codec's B (`UnitCodec.check_units`); in a
round the first B are taken and the rest left out, which its own report says. A refusal in a round
would tell how many records a site holds. Privacy does not hang on B, which only keeps the sum
inside its field; but leaving out is fair to zero-out and replace-one only, where every unit keeps
its place. A site beyond B from which a unit is *removed* lets the next one in: two units change.
The order of the units must therefore not follow from their values, and a site beyond B can claim no
add-or-remove relation.

How long all this takes shows how many units there are, to the client's own machine and to whoever
sees when it answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Rejected
from blindsum_crypto.randomness import ExpandedRandomness, Randomness
from blindsum_rules.codec.rounding import round_stochastically
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.unit_sum import UnitBatch, add_units
from blindsum_rules.privacy.noise import draw_noise

_KEY_BYTES: Final = 32
_MATRIX: Final = 2


@dataclass(frozen=True, slots=True)
class UnitReport:
    """What a client may see of its own units, and nobody else: counts, never sent.

    They are exact and without noise, so sending, logging or refusing by one of them would be a
    release of its own.

    Attributes:
        units: Units that were summed, those that are not finite among them; at most B.
        non_finite: Units of these that held a NaN or an infinity and added zero.
        clipped: Units of these that were longer than C.
        left_out: Units beyond B, which were not summed.
    """

    units: int
    non_finite: int
    clipped: int
    left_out: int

    @property
    def clipped_fraction(self) -> float:
        """Clipped units over finite ones, 0 to 1; 0.0 if there are none."""
        finite = self.units - self.non_finite
        return self.clipped / finite if finite else 0.0


def encode_units(
    batches: Iterable[UnitBatch], codec: UnitCodec, randomness: Randomness
) -> tuple[npt.NDArray[np.int64], UnitReport]:
    """Make the integers that a client seals in a private study.

    Args:
        batches: Units as rows, in an order that does not follow from their values: arrays of shape
            (units, `codec.unit_length`), float64 or float32, 0 units or more each. One is held at
            a time, and it may be changed once the next is asked for. How units are cut into batches
            changes nothing.
        codec: The study's private codec.
        randomness: Fresh for every call. Two keys of 32 bytes are drawn, whatever the units are:
            the noise's, and the rounding's.

    Returns:
        int64, shape (d,): the sum within +-`codec.coordinate_bound` plus this client's noise; and
        the report, which stays at the client.

    Raises:
        Rejected: `unit-batch`, when a batch has another shape or kind: the program is wrong, for
            the shape follows from the study's layout. `unit-norm`: a bug, see `unit_sum.py`.
    """
    total, report = sum_units(batches, codec)
    noisy = draw_noise(codec.share, codec.dimension, randomness.bytes(_KEY_BYTES))
    noisy += round_stochastically(total, ExpandedRandomness(randomness))
    return noisy, report


def sum_units(
    batches: Iterable[UnitBatch], codec: UnitCodec
) -> tuple[npt.NDArray[np.int64], UnitReport]:
    """The exact sum of the first B units on the fine grid, before any rounding or noise.

    Args:
        batches: As in `encode_units`.
        codec: The study's private codec.

    Returns:
        int64, shape (d,), within +-B*L*2^12, to be rounded and noised before anybody sees it; and
        the report.

    Raises:
        Rejected: `unit-batch`, `unit-norm`, as `encode_units`.
    """
    grid = codec.grid
    total = np.zeros(codec.dimension, np.int64)
    units = non_finite = clipped = left_out = 0
    for batch in batches:
        _check_batch(batch, codec.unit_length)
        taken = batch[: codec.units_per_client - units]
        odd, long = add_units(total, taken, grid)
        units += len(taken)
        non_finite += odd
        clipped += long
        left_out += len(batch) - len(taken)
    return total, UnitReport(units, non_finite, clipped, left_out)


def _check_batch(batch: UnitBatch, length: int) -> None:
    is_float = batch.dtype in (np.dtype(np.float64), np.dtype(np.float32))
    if not is_float or batch.ndim != _MATRIX or batch.shape[1] != length:
        raise Rejected(
            "unit-batch",
            f"expected float64 or float32 units as rows of {length} values, got {batch.dtype} "
            f"of shape {batch.shape}",
        )
