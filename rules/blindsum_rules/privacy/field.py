"""How wide a field must be: every client's worst case, and the tail of all their noise."""

import math
from collections.abc import Callable
from typing import Final

from blindsum_rules.privacy.noise import Mechanism

TAIL_LOG2: Final = -40
"""log2 of the chance a round that the noise of any coordinate leaves its room."""


def noise_tail(mechanism: Mechanism, variance: int, dimension: int) -> int:
    """tau: no coordinate's summed noise reaches beyond it, except with probability 2^-40 a round.

    A union bound over 2d one-sided tails, each by Chernoff's bound with the exact moment generating
    function, so proven; the exact quantile is some 4 % smaller. Only a wrong sum hangs on it,
    never privacy: what a field does to a noisy sum is done after the noise.

    Args:
        mechanism: Whose noise; discrete Gaussians are sub-Gaussian (Canonne, Kamath and Steinke
            2020, section 3), Skellam has E exp(tX) = exp(variance * (cosh t - 1)).
        variance: Of the sum of all clients' shares, in levels^2; >= 1.
        dimension: d, coordinates.
    """
    nats = -TAIL_LOG2 * math.log(2) + math.log(2 * dimension)
    if mechanism is Mechanism.DISCRETE_GAUSSIAN:
        return math.ceil(math.sqrt(2 * variance * nats))
    return smallest(lambda reach: _skellam_nats(variance, reach) >= nats)


def field_bits(worst_sum: int) -> int:
    """Bits w = ceil(log2(2S + 1)) of a signed field that holds all of -S to S; S >= 1."""
    return (2 * worst_sum).bit_length()


def smallest(holds: Callable[[int], bool]) -> int:
    """The smallest integer >= 1 that holds, of a property that all above it have too."""
    high = 1
    while not holds(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _skellam_nats(variance: float, reach: int) -> float:
    """-ln of Chernoff's bound on P(X >= reach), at its best t = asinh(reach/variance).

    mu + x*asinh(x/mu) - sqrt(mu^2 + x^2), without the difference of two large numbers.
    """
    root = math.hypot(variance, reach)
    return reach * math.asinh(reach / variance) - reach * (reach / (root + variance))
