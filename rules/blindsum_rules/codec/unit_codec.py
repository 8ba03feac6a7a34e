"""The private codec's numbers: clip norm, levels, most units of a client, and its noise share."""

import math
from dataclasses import dataclass
from typing import Self

from blindsum_crypto.errors import Refused
from blindsum_rules.codec.parameters import MAX_LEVELS
from blindsum_rules.codec.unit_sum import UnitGrid
from blindsum_rules.privacy.noise import NoiseLaw
from blindsum_rules.privacy.plan import Plan
from blindsum_rules.privacy.setting import MAX_DIMENSION, MAX_UNITS


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCodec:
    """How the units of one client become the integers that it sends.

    Within these ranges nothing overflows: a unit's value on the fine grid is within 2^12 * 2^18,
    the sum of 2^30 units within 2^60, and with theta and a share of noise still below 2^61.

    Attributes:
        clip_norm: C, the L2 norm to which every unit is clipped; finite, > 0.
        dimension: d, coordinates that are sent; 1 to 2^28, and 2 or more with a count.
        levels: L, integers that C maps to, or the norm of C and the count; 1 to 2^18.
        units_per_client: B, the most units that one client's contribution holds; 1 to 2^30.
        share: The law of the noise that this client adds to every coordinate.
        count_steps: K, fine steps of a unit's count, which is the last coordinate; 0 where units
            are not counted, else below 2^12*L (`privacy/adaptive_clipping.py`).

    Raises:
        Refused: `unit-codec`, when a number is outside of its range.
    """

    clip_norm: float
    dimension: int
    levels: int
    units_per_client: int
    share: NoiseLaw
    count_steps: int = 0

    def __post_init__(self) -> None:
        """Refuse what could overflow, and what cannot be meant."""
        if not (math.isfinite(self.clip_norm) and self.clip_norm > 0):
            raise Refused("unit-codec", "clip_norm: expected a finite number above 0")
        _check_range("dimension", self.dimension, MAX_DIMENSION)
        _check_range("levels", self.levels, MAX_LEVELS)
        _check_range("units_per_client", self.units_per_client, MAX_UNITS)
        if self.count_steps:
            _check_range("dimension", self.dimension - 1, MAX_DIMENSION)
            _check_range("count_steps", self.count_steps, self.grid.longest - 1)

    @classmethod
    def of_plan(cls, plan: Plan, clip_norm: float, count_steps: int = 0) -> Self:
        """The codec of a plan; its field holds what all clients send (`Plan`, `privacy-field`).

        Args:
            plan: What the manifest of a private study fixes.
            clip_norm: C, in the unit of the gradients; the plan itself knows multiples of it only.
            count_steps: K where units are counted.

        Raises:
            Refused: `unit-codec`, when the clip norm is not finite and above 0, or the count
                leaves nothing.
        """
        return cls(
            clip_norm=clip_norm,
            dimension=plan.setting.dimension,
            levels=plan.levels,
            units_per_client=plan.setting.units_per_client,
            share=plan.share,
            count_steps=count_steps,
        )

    @property
    def grid(self) -> UnitGrid:
        """Where units come to lie."""
        return UnitGrid(self.clip_norm, self.levels, count_steps=self.count_steps)

    @property
    def unit_length(self) -> int:
        """Values of a unit: all that is sent but the count."""
        return self.dimension - (1 if self.count_steps else 0)

    @property
    def coordinate_bound(self) -> int:
        """X, which no absolute integer exceeds before noise; what a plan's field is made for."""
        return self.units_per_client * self.levels + 1

    def check_units(self, units: int) -> None:
        """Refuse a client that holds more units than its contribution may: at set-up, never later.

        How many units a site holds is asked once, when it joins, and B is public. A round asks
        nobody: its sum takes the first B units and leaves the rest out (`units.py` says why).

        Args:
            units: How many units the client holds; 0 or more.

        Raises:
            Refused: `units-per-client`.
        """
        if units > self.units_per_client:
            raise Refused(
                "units-per-client",
                f"expected {self.units_per_client} units a client at the most; a site with more is "
                "left out of the study, or the manifest allows more",
            )


def _check_range(name: str, value: int, most: int) -> None:
    if type(value) is not int or not 1 <= value <= most:
        raise Refused("unit-codec", f"{name}: expected 1 to {most}, an int, got {value!r}")
