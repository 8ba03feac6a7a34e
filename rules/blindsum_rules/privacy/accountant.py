"""From Renyi divergence to (epsilon, delta), and the exact integers that ledgers add.

At one fixed order the conversion is a straight line: epsilon = D + c(order, delta). So a ledger
that adds divergences at the plan's order needs no more than this file (docs/adr/0016).
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.curves import SMALLEST_INTEGER_ORDER, Orders, RenyiCurve

CHARGE_BITS: Final = 40
"""Ledgers count divergence in steps of 2^-40 nats, in integers: sums are then exact, in any order,
and what is freed leaves no rest, so that two ledgers of the same rounds agree to the last digit."""

_DENSE: Final = 256
_LARGEST_LOG2: Final = 16
_STEPS_A_DOUBLING: Final = 16

ORDERS: Final[Orders] = np.unique(
    np.concatenate(
        [
            np.arange(1.0 * SMALLEST_INTEGER_ORDER, _DENSE + 1),
            np.round(np.exp2(np.arange(8.0, _LARGEST_LOG2, 1 / _STEPS_A_DOUBLING))),
        ]
    )
)
"""Orders among which a plan chooses: 2 to 256, then 16 a doubling up to 2^16; integers, as Skellam
demands."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Renyi divergence at one order, as a ledger counts it.

    Attributes:
        order: a, an integer >= 2.
        steps: Divergence in units of 2^-40 nats; >= 0.

    Raises:
        Refused: `privacy-order`, `privacy-charge`.
    """

    order: int
    steps: int

    def __post_init__(self) -> None:
        if self.order < SMALLEST_INTEGER_ORDER:
            raise Refused("privacy-order", f"expected an order of 2 or more, got {self.order}")
        if self.steps < 0:
            raise Refused("privacy-charge", f"expected a charge of 0 or more, got {self.steps}")

    @property
    def divergence(self) -> float:
        """In nats."""
        return math.ldexp(self.steps, -CHARGE_BITS)

    def times(self, rounds: int) -> "Charge":
        """What so many rounds of this charge cost."""
        return Charge(self.order, self.steps * rounds)


def charge_of(curve: RenyiCurve, order: int) -> Charge:
    """What one round costs at an order, rounded up to a step.

    Raises:
        Refused: `privacy-order`.
    """
    divergence = float(curve.divergence(np.array([order], np.float64))[0])
    return Charge(order, math.ceil(math.ldexp(divergence, CHARGE_BITS)))


def epsilon_of(charge: Charge, delta: float) -> float:
    """The epsilon that a spent divergence stands for; 0 when nothing was spent.

    Args:
        charge: Sum of the charges of all rounds.
        delta: Above 0, below 1; failures already taken off (`conversion_delta`).
    """
    if charge.steps == 0:
        return 0.0
    return max(0.0, charge.divergence + float(_offsets(np.array([charge.order * 1.0]), delta)[0]))


def charge_within(order: int, epsilon: float, delta: float) -> Charge:
    """The most divergence at an order that stays within epsilon: `epsilon_of` turned round.

    Raises:
        Refused: `privacy-epsilon`, when the order's conversion alone costs more.
    """
    left = epsilon - float(_offsets(np.array([order * 1.0]), delta)[0])
    if left <= 0:
        raise Refused(
            "privacy-epsilon", f"expected an epsilon that order {order} can reach, got {epsilon:g}"
        )
    return Charge(order, math.floor(math.ldexp(left, CHARGE_BITS)))


def epsilons(orders: Orders, divergences: Orders, delta: float) -> Orders:
    """Epsilon at each order, float64, shape (k,).

    Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy" (2020),
    Proposition 12: D + ln(1 - 1/a) - ln(delta * a)/(a - 1).
    """
    return np.maximum(0.0, divergences + _offsets(orders, delta))


def best_order(curve: RenyiCurve, rounds: int, delta: float) -> tuple[int, float]:
    """The order of `ORDERS` that gives the smallest epsilon after so many rounds, and that epsilon.

    It is chosen from the plan alone, before there is data: a filter holds at an order that was
    fixed beforehand (Feldman and Zrnic, 2021).
    """
    converted = epsilons(ORDERS, rounds * curve.divergence(ORDERS), delta)
    best = int(np.argmin(converted))
    return int(ORDERS[best]), float(converted[best])


def _offsets(orders: Orders, delta: float) -> Orders:
    """What conversion adds to the divergence; below 0 for orders near 1/delta."""
    return np.log1p(-1 / orders) - np.log(delta * orders) / (orders - 1)
