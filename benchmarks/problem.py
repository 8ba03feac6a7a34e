"""The problem that every seal and every peer solves here: clients with vectors of some levels."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.parameters import Codec

COORDINATE_BOUND: Final = 2047
"""Signed 12-bit levels: ten clients' sums then take 16 bits."""

CODEC: Final = Codec(clip_norm=1.0, levels=COORDINATE_BOUND - 1, weight_cap=1000, weight_scale=0.25)
_RECORDS: Final = 800


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """So many clients, each with its own vector over the whole range of levels.

    Attributes:
        clients: How many, 2 or more.
        levels: int64, shape (clients, values), every |level| at most the codec's bound.
        update: float32, shape (values,): what a client has before the codec.
        codec: How it becomes levels.
    """

    clients: int
    levels: npt.NDArray[np.int64]
    update: npt.NDArray[np.float32]
    codec: Codec = CODEC

    @classmethod
    def of(cls, values: int, clients: int, codec: Codec = CODEC) -> "Problem":
        """The same vectors for the same numbers, every time; levels of 16 bits at most."""
        drawn = SeededRandomness(b"benchmarks/problem")
        shape = (clients, values)
        words = np.frombuffer(drawn.bytes(2 * clients * values), "<u2").reshape(shape)
        bound = codec.coordinate_bound
        levels = words.astype(np.int64) % (2 * bound + 1) - bound
        return cls(clients, levels, (levels[0] / bound).astype(np.float32), codec)

    @property
    def values(self) -> int:
        """Values of a vector."""
        return int(self.levels.shape[1])

    @property
    def field_bits(self) -> int:
        """Bits of the signed sum of one coordinate."""
        return self.codec.field_bits(self.clients)

    @property
    def coordinate_bound(self) -> int:
        """The largest |level|."""
        return self.codec.coordinate_bound

    @property
    def total(self) -> npt.NDArray[np.int64]:
        """The sum that has to come out, int64, shape (values,)."""
        total: npt.NDArray[np.int64] = self.levels.sum(axis=0)
        return total

    @property
    def records(self) -> int:
        """Records that the client says it trained on."""
        return _RECORDS

    def names(self) -> tuple[str, ...]:
        """The clients' ids, ascending."""
        return tuple(map(self.name, range(self.clients)))

    @staticmethod
    def name(place: int) -> str:
        """The id of one client; ids sort as places do."""
        return f"client-{place:04d}"
