"""Renyi divergence of one noisy sum as a function of the order: Skellam, discrete Gaussians.

Each curve bounds D_a between two neighbours' sums for every order a that its theorem covers;
T rounds add up. The continuous Gaussian stands here to compare with: no noise is drawn from it.
"""

import math
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.sensitivity import Sensitivity

SMALLEST_INTEGER_ORDER: Final = 2

Orders = npt.NDArray[np.float64]
"""Orders a, or one divergence for each: float64, shape (k,)."""

_SMALLEST_DEVIATION: Final = 0.5  # Kairouz, Liu and Steinke prove their sum for sigma >= 1/2
_TERMS: Final = 1_000


class RenyiCurve(Protocol):
    """A bound on the Renyi divergence of one round."""

    def divergence(self, orders: Orders) -> Orders:
        """D_a for each order, in nats.

        Raises:
            Refused: `privacy-order`, for an order that the theorem does not cover.
        """
        ...  # pragma: no cover


@dataclass(frozen=True, slots=True)
class SkellamCurve:
    """The sum of Skellam shares, itself Skellam.

    Agarwal, Kairouz and Liu, "The Skellam Mechanism" (2021), for integers a >= 2:
    a*D2^2/(2mu) + min{((2a-1)*D2^2 + 6*D1)/(4mu^2), 3*D1/(2mu)}.

    Attributes:
        sensitivity: D2 and D1.
        variance: mu of the sum of the shares that no adversary knows, in levels^2; above 0.
    """

    sensitivity: Sensitivity
    variance: float

    def divergence(self, orders: Orders) -> Orders:
        """See `RenyiCurve`; the orders are integers from 2 on."""
        _check_orders(
            bool((orders >= SMALLEST_INTEGER_ORDER).all() and (orders == np.floor(orders)).all())
        )
        squared, l1, mu = self.sensitivity.squared_l2, self.sensitivity.l1, self.variance
        near_gaussian = ((2 * orders - 1) * squared + 6 * l1) / (4 * mu * mu)
        return orders * squared / (2 * mu) + np.minimum(near_gaussian, 3 * l1 / (2 * mu))


@dataclass(frozen=True, slots=True)
class DiscreteGaussianSumCurve:
    """The sum of n discrete Gaussian shares, which is nearly one, by the distance tau.

    Kairouz, Liu and Steinke (2021), Proposition 14, for a > 1 and shares of sigma >= 1/2.

    Attributes:
        sensitivity: D2 and D1.
        dimension: d, coordinates; tau counts for each.
        shares: n, shares that no adversary knows; >= 1.
        share_variance: sigma^2 of one share, in levels^2; at least 1/4.
    """

    sensitivity: Sensitivity
    dimension: int
    shares: int
    share_variance: float

    def __post_init__(self) -> None:
        """Refuse what the proposition does not cover."""
        if self.shares < 1 or self.share_variance < _SMALLEST_DEVIATION**2:
            raise Refused("privacy-share", "expected shares with a deviation of 1/2 level or more")

    def divergence(self, orders: Orders) -> Orders:
        """See `RenyiCurve`; any order above 1."""
        _check_orders(bool((orders > 1).all()))
        variance = self.shares * self.share_variance
        ratio = self.sensitivity.squared_l2 / variance
        l1_ratio = self.sensitivity.l1 / math.sqrt(variance)
        tau, d = self._distance(), self.dimension
        by_distance = orders / 2 * ratio + tau * d
        by_norms = orders / 2 * (ratio + 2 * l1_ratio * tau + tau * tau * d)
        by_triangle = orders / 2 * (math.sqrt(ratio) + tau * math.sqrt(d)) ** 2
        return np.minimum(np.minimum(by_distance, by_norms), by_triangle)

    def _distance(self) -> float:
        """Tau = 10 * sum over k < n of exp(-2 pi^2 sigma^2 k/(k+1)).

        The terms fall, so the first left out bounds every other that is.
        """
        exponent = -2 * math.pi**2 * self.share_variance
        summed = min(self.shares - 1, _TERMS)
        counts = np.arange(1.0, summed + 2)
        terms = np.exp(exponent * counts / (counts + 1))
        rest = (self.shares - 1 - summed) * float(terms[-1])
        return 10 * (float(terms[:-1].sum()) + rest)


@dataclass(frozen=True, slots=True)
class GaussianCurve:
    """The continuous Gaussian, a*D2^2/(2 sigma^2): what integer noise is compared with.

    Attributes:
        noise_multiplier: z, sigma over the L2 sensitivity; above 0.
    """

    noise_multiplier: float

    def divergence(self, orders: Orders) -> Orders:
        """See `RenyiCurve`; any order above 1."""
        _check_orders(bool((orders > 1).all()))
        return orders / (2 * self.noise_multiplier**2)


def _check_orders(holds: bool) -> None:  # noqa: FBT001 - reads as one word at the call
    if not holds:
        raise Refused("privacy-order", "expected orders above 1; for Skellam, integers from 2 on")
