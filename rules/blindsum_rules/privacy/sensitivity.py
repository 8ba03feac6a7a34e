"""How far one unit can move the integer sum, and the delta that rounding and sampler take.

Under equal rounding bits two neighbours differ by exactly a stochastic rounding of one vector of
norm L, or 2L when a unit is replaced (docs/specification.md, 9). How long such a rounding can be is
Proposition 22 of Kairouz, Liu and Steinke, "The Distributed Discrete Gaussian Mechanism" (2021).
"""

import math
from dataclasses import dataclass
from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.guarantee import Relation
from blindsum_rules.privacy.noise import TOTAL_VARIATION

ROUNDING_FAILURE_LOG2: Final = -60
"""log2 of beta, the chance a round that a rounded vector is longer than the bound."""

_SAMPLER_WEIGHT: Final = 1 << 23
_FIRM_LOG_FAILURE: Final = ROUNDING_FAILURE_LOG2 * math.log(2)


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How far apart the integer sums of two neighbours can be, before noise.

    Attributes:
        squared_l2: D2^2, the square of the L2 distance, in levels^2.
        l1: D1, the L1 distance, in levels.
    """

    squared_l2: float
    l1: float


def rounded_sensitivity(
    levels: int,
    dimension: int,
    relation: Relation = Relation.ZERO_OUT,
    log_failure: float = _FIRM_LOG_FAILURE,
) -> Sensitivity:
    """The sensitivity after stochastic rounding, except with probability beta.

    D2^2 = L^2 + d/4 + sqrt(2 ln 1/beta) * (L + sqrt(d)/2), and D1 = min(sqrt(d) * D2, D2^2): a
    vector of d coordinates, and one of integers.

    Args:
        levels: L, to which the clip norm maps; >= 1.
        dimension: d, coordinates; >= 1.
        relation: Replacing a unit puts 2L in place of L.
        log_failure: ln beta, at most 0; -60 ln 2 unless told.
    """
    norm = 2 * levels if relation is Relation.REPLACE_ONE else levels
    root = math.sqrt(dimension)
    slack = math.sqrt(-2 * log_failure) * (norm + root / 2)
    squared_l2 = norm * norm + dimension / 4 + slack
    return Sensitivity(squared_l2, min(root * math.sqrt(squared_l2), squared_l2))


def delta_of_failures(clients: int, dimension: int, rounds: int) -> float:
    """The delta that is gone before any accounting: beta a round, and what every draw may be off.

    T * 2^-60 + n * d * T * `TOTAL_VARIATION` * 2^23. A law that is tau off on both of two
    neighbours adds (1 + e^epsilon) * tau to delta: 2^23 covers every epsilon up to 15.9, and
    `failures_at` says what a larger one costs.
    """
    rounding = math.ldexp(rounds, ROUNDING_FAILURE_LOG2)
    return rounding + clients * dimension * rounds * TOTAL_VARIATION * _SAMPLER_WEIGHT


def failures_at(epsilon: float, clients: int, dimension: int, rounds: int) -> float:
    """The same at one epsilon, which may be above 15.9: T * 2^-60 + (1 + e^epsilon) * tau."""
    tau = clients * dimension * rounds * TOTAL_VARIATION
    # e^700 is nearly the largest float, and no promise at all long before.
    weight = 1 + math.exp(min(epsilon, 700.0))
    return math.ldexp(rounds, ROUNDING_FAILURE_LOG2) + tau * weight


def conversion_delta(delta: float, clients: int, dimension: int, rounds: int) -> float:
    """What is left of a promised delta to convert Renyi divergences with.

    Raises:
        Refused: `privacy-delta`, unless the promised delta is below 1 and above what failures take.
    """
    failures = delta_of_failures(clients, dimension, rounds)
    if not failures < delta < 1:
        raise Refused(
            "privacy-delta",
            f"expected a delta below 1 and above {failures:.2g}, which roundings and samplers "
            f"may take, got {delta:g}",
        )
    return delta - failures
