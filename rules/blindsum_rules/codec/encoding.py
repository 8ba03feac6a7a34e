"""From a client's update to integers, and from the opened sum to the mean update.

A client sends the weighted vector v = (w*u, C_w*w) with w = min(n, n_max)/n_max: the weight travels
hidden, as one appended coordinate. v is laid on an integer grid 2^12 times finer than what is
sent, checked there exactly, and rounded once, stochastically (docs/specification.md, 9).

The update is read twice, for its norm and for its integers, in pieces that stay in the cache: no
second vector is made of it, and only integers are written.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.randomness import ExpandedRandomness, Randomness
from blindsum_rules.codec.grid import GRID_MARGIN, GridNorm
from blindsum_rules.codec.parameters import FINE_BITS, Codec
from blindsum_rules.codec.rounding import CHUNK_VALUES, round_piece

Floats = npt.NDArray[np.float64] | npt.NDArray[np.float32]
"""An update, shape (d,); float32 is taken as the float64 that it equals."""

_FLOAT_TYPES = (np.dtype(np.float64), np.dtype(np.float32))


def clip(update: Floats, codec: Codec) -> npt.NDArray[np.float64]:
    """Scale an update to an L2 norm of at most C, in float64.

    Args:
        update: float64 or float32, shape (d,).
        codec: The study's codec.

    Returns:
        A fresh array, float64, shape (d,): the update, or the update times C over its norm.

    Raises:
        Rejected: `update-shape`, when it is not one flat vector of floats; `non-finite-update`,
            when it holds a NaN or an infinity: nobody can know what was meant.
    """
    clipped = np.empty(update.shape, np.float64)
    _Clipping.of(update, codec).apply(update, clipped)
    return clipped


def encode(
    update: Floats, records: int, codec: Codec, randomness: Randomness
) -> npt.NDArray[np.int64]:
    """Make the integers that a client seals.

    Args:
        update: float64 or float32, shape (d,): the trained model less the model of the round.
        records: Records that it was trained on; >= 1. Above `weight_cap` they count as the cap.
        codec: The study's codec.
        randomness: Fresh for every call; 32 bytes are drawn, the key of a keystream that serves
            this vector's rounding alone.

    Returns:
        int64, shape (d + 1,); every value is within +-`codec.coordinate_bound`.

    Raises:
        Refused: `records`, when there are none.
        Rejected: `update-shape`, `non-finite-update`; `joint-norm`, if the vector on the grid is
            longer than the codec allows.
    """
    if records < 1:
        raise Refused("records", f"expected at least 1 record, got {records}")
    weight = min(records, codec.weight_cap) / codec.weight_cap
    weighted = _Weighted(update, _Clipping.of(update, codec), weight, codec)
    return weighted.rounded(ExpandedRandomness(randomness))


def decode(aggregate: npt.NDArray[np.int64], codec: Codec) -> tuple[npt.NDArray[np.float64], float]:
    """Read the opened sum.

    Deterministic: elementwise float64 operations only, so that every client computes the same.

    Args:
        aggregate: int64, shape (d + 1,): the sum of what the clients of U sent.
        codec: The study's codec.

    Returns:
        The weighted mean update sum(w*u)/sum(w), float64, shape (d,), and the total weight in
        records, n_max*sum(w). A sum of weights of zero or less gives zeros and 0.0.
    """
    weight_level = int(aggregate[-1])
    size = aggregate.size - 1
    if weight_level <= 0:
        return np.zeros(size, dtype=np.float64), 0.0
    mean = aggregate[:-1].astype(np.float64) * (codec.weight_scale / weight_level)
    level = codec.joint_norm / codec.levels
    total = weight_level * level / codec.weight_scale * codec.weight_cap
    return mean, total


@dataclass(frozen=True, slots=True)
class _Clipping:
    """What an update is multiplied by.

    Attributes:
        largest: Its largest absolute value.
        room: C over the norm of the update over `largest`; None for one that is within C.
    """

    largest: float
    room: float | None

    @classmethod
    def of(cls, update: Floats, codec: Codec) -> "_Clipping":
        """Measure an update."""
        if update.ndim != 1 or update.dtype not in _FLOAT_TYPES:
            raise Rejected(
                "update-shape",
                "expected one flat vector of float64 or float32, got "
                f"{update.dtype} of shape {update.shape}",
            )
        # A NaN or an infinity anywhere shows in one of the two.
        largest = max(float(update.max(initial=0.0)), -float(update.min(initial=0.0)))
        if not math.isfinite(largest):
            raise Rejected("non-finite-update", "expected finite values only")
        if largest == 0.0:
            return cls(largest, None)
        # Every sum is pairwise within its piece, and the sums are added exactly: whatever d is, a
        # norm is off by less than 2^-46 of it.
        relative_norm = math.sqrt(math.fsum(_squares(update, largest)))
        if relative_norm <= codec.clip_norm / largest:
            return cls(largest, None)
        return cls(largest, codec.clip_norm / relative_norm)

    def apply(self, update: Floats, clipped: npt.NDArray[np.float64]) -> None:
        """Clip a part of the update to where it goes, of the same shape."""
        if self.room is None:
            clipped[:] = update
        else:
            np.divide(update, self.largest, out=clipped, dtype=np.float64)
            clipped *= self.room


def _squares(update: Floats, largest: float) -> Iterator[float]:
    """The sum of squares of every piece.

    Relative to the largest value no square overflows, so 1e300 is clipped and not made infinite.
    """
    room = np.empty(min(CHUNK_VALUES, update.size))
    for start in range(0, update.size, CHUNK_VALUES):
        piece = update[start : start + CHUNK_VALUES]
        relative = np.divide(piece, largest, out=room[: piece.size], dtype=np.float64)
        relative *= relative
        yield float(np.add.reduce(relative))


@dataclass(frozen=True, slots=True)
class _Weighted:
    """The weighted vector v: the clipped update times its weight, and the weight behind it."""

    update: Floats
    clipping: _Clipping
    weight: float
    codec: Codec

    def rounded(self, randomness: Randomness) -> npt.NDArray[np.int64]:
        """The vector on the grid, its norm checked, and rounded; 2 bytes a coordinate are drawn."""
        sent = np.empty(self.update.size + 1, np.int64)
        room = np.empty(min(CHUNK_VALUES, sent.size))
        norm = GridNorm(self.codec.levels << FINE_BITS)
        for start in range(0, sent.size, CHUNK_VALUES):
            piece = sent[start : start + CHUNK_VALUES]
            piece[:] = self._on_the_grid(start, room[: piece.size])  # truncates towards zero
            norm.add(piece)
            round_piece(piece, randomness, piece)
        if not norm.is_within:
            raise Rejected("joint-norm", "expected a vector within the codec's joint norm")
        return sent

    def _on_the_grid(
        self, start: int, stretched: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """A piece of the vector in fine steps, not yet whole ones."""
        codec = self.codec
        of_update = self.update[start : start + stretched.size]
        self.clipping.apply(of_update, stretched[: of_update.size])
        if of_update.size < stretched.size:
            stretched[-1] = codec.weight_scale
        stretched *= self.weight
        stretched /= codec.joint_norm
        stretched *= (codec.levels << FINE_BITS) * GRID_MARGIN
        return stretched
