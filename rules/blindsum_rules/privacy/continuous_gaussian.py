"""The continuous Gaussian's exact epsilon: what a plan's integer noise is compared with.

T rounds at noise multiplier z are one Gaussian at z/sqrt(T), so no numerical composition is needed.
No noise is drawn from it: float noise leaks (Mironov, 2012).
"""

import math
from typing import Final

_FAR: Final = 5.0
_FRACTION_TERMS: Final = 200
_STEPS: Final = 200


def gaussian_epsilon(noise_multiplier: float, delta: float) -> float:
    """The smallest epsilon at which a Gaussian of deviation z times the sensitivity is private.

    Balle and Wang, "Improving the Gaussian Mechanism for Differential Privacy" (2018), Theorem 8.

    Args:
        noise_multiplier: z; above 0. For T rounds, z/sqrt(T).
        delta: Above 0, below 1.
    """
    if _delta_at(0.0, noise_multiplier) <= delta:
        return 0.0
    low, high = 0.0, 1.0
    while _delta_at(high, noise_multiplier) > delta:
        low, high = high, 2 * high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _delta_at(middle, noise_multiplier) > delta:
            low = middle
        else:
            high = middle
    return high


def _delta_at(epsilon: float, z: float) -> float:
    """Phi(-x) - e^epsilon * Phi(-y), with x, y = epsilon*z -+ 1/(2z).

    Since y^2 - x^2 = 2 epsilon, e^epsilon * Phi(-y) is phi(x) times Mills' ratio at y, and nothing
    overflows.
    """
    near, far = epsilon * z - 1 / (2 * z), epsilon * z + 1 / (2 * z)
    density = math.exp(-near * near / 2) / math.sqrt(2 * math.pi)
    return math.erfc(near / math.sqrt(2)) / 2 - density * _mills(far)


def _mills(x: float) -> float:
    """Phi(-x)/phi(x) for x >= 0; far out by its continued fraction, 1/(x + 1/(x + 2/(x + ...)))."""
    if x < _FAR:
        return math.erfc(x / math.sqrt(2)) / 2 * math.sqrt(2 * math.pi) * math.exp(x * x / 2)
    fraction = x
    for term in range(_FRACTION_TERMS, 0, -1):
        fraction = x + term / fraction
    return 1 / fraction
