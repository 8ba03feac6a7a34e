"""What an epsilon means: whose data, under which relation, against how many colluders.

A number alone is no promise. Every epsilon of this package is carried by a `Guarantee`.
"""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """Whose contribution is protected: the one that is clipped to the norm C."""

    RECORD = "record"
    PATIENT = "patient"
    CLIENT = "client"


class Relation(StrEnum):
    """Which two data sets must look alike.

    `ZERO_OUT` replaces what one unit adds, its count included where units are counted, by zeros and
    leaves its client's noise share in place; for records with a public denominator, at a site of no
    more than it may sum, that is adding or removing one. `REPLACE_ONE` puts another unit in its
    place: the vectors then differ by up to 2C.
    """

    ZERO_OUT = "zero-out"
    REPLACE_ONE = "replace-one"


@dataclass(frozen=True, slots=True)
class Guarantee:
    """(epsilon, delta)-differential privacy, with everything that it depends on.

    It is computational: it holds against whoever breaks neither a seal nor a generator.

    Attributes:
        epsilon: >= 0.
        delta: The whole of it, failures of rounding and sampler included; above 0, and 1 where
            nothing is promised.
        unit: Whose contribution is protected.
        relation: Which data sets are neighbours.
        colluders: Organisations that may pool what they know, their own noise above all; >= 1.
    """

    epsilon: float
    delta: float
    unit: Unit
    relation: Relation
    colluders: int

    @property
    def plain(self) -> dict[str, float | int | str]:
        """All of it as plain values, for JSON: whoever prints an epsilon prints the rest."""
        return {
            "epsilon": self.epsilon,
            "delta": self.delta,
            "unit": self.unit.value,
            "relation": self.relation.value,
            "colluders": self.colluders,
        }

    def __str__(self) -> str:
        return (
            f"epsilon {self.epsilon:.4g} at delta {self.delta:g}, {self.relation} of one "
            f"{self.unit}, against {self.colluders} colluding organisation(s)"
        )
