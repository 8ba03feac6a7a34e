"""The codec's numbers, fixed by the manifest: clip norm, levels, weights."""

import math
from dataclasses import dataclass
from typing import Final

from blindsum_crypto.errors import Refused

MAX_LEVELS: Final = 1 << 18
"""Largest L: 2^12 fine steps, L levels and 2^20 coordinates stay exact in int64."""

FINE_BITS: Final = 12
"""The integer grid is 2^12 times finer than what is sent; one stochastic rounding removes it."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How an update becomes integers.

    Attributes:
        clip_norm: C, the L2 norm to which a client's update is clipped; > 0.
        levels: L, the level that the joint norm maps to; 1 to 2^18.
        weight_cap: n_max, records above which a client's weight no longer grows; >= 1.
        weight_scale: C_w, the appended weight coordinate of a client with n_max records; > 0,
            in the unit of `clip_norm`.
    """

    clip_norm: float
    levels: int
    weight_cap: int
    weight_scale: float

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        for name, value in (("clip_norm", self.clip_norm), ("weight_scale", self.weight_scale)):
            if not (math.isfinite(value) and value > 0):
                raise Refused("codec", f"{name}: expected a finite number above 0")
        if not 1 <= self.levels <= MAX_LEVELS:
            raise Refused("codec", f"levels: expected 1 to {MAX_LEVELS}, got {self.levels}")
        if self.weight_cap < 1:
            raise Refused("codec", f"weight_cap: expected at least 1, got {self.weight_cap}")

    @property
    def joint_norm(self) -> float:
        """Largest L2 norm of a weighted update with its weight coordinate: sqrt(C^2 + C_w^2)."""
        return math.hypot(self.clip_norm, self.weight_scale)

    @property
    def coordinate_bound(self) -> int:
        """X, the largest absolute integer that one client can send: L + 1 after rounding."""
        return self.levels + 1

    def field_bits(self, clients: int) -> int:
        """Bits w of a signed field that holds the sum of `clients` contributions."""
        return math.ceil(math.log2(2 * clients * self.coordinate_bound + 1))
