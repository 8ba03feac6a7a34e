"""Is it the noise that was promised? What an opened sum less the known sum must look like.

One function for honest runs and for cheats, for sums that processes made and for sums of one
process. Every statement is an interval that a correct run leaves with a chance of 10^-6, both
sides together.

A coordinate of the noise of U is Skellam of variance M = |U| mu_l, whose cumulants of even order
all equal M (Skellam, J. Royal Stat. Soc. 109, 1946). Its mean is known to be 0, so
S = sum(x^2)/d is what is tested, with Var(S) = (k4 + 2 k2^2)/d = (M + 2 M^2)/d (Kendall and Stuart,
The Advanced Theory of Statistics, vol. 1, 12.20). S/M is taken for a chi-square over its degrees of
freedom, their number chosen for the same variance (Box, Ann. Math. Stat. 25, 1954): a normal law
would forget the skewness. At d = 10^6 and large M that is 1 +- 0.69 %, and 0.995^2 = 1 - 1.00 %.

The other statements are sums of d independent terms of mean 0, taken for normal: mean of x,
deviation sqrt(M/d); correlation of two vectors, sum(x y)/(d M), deviation sqrt(1/d). Noise may be
used again at another place: so the largest of a round's correlations with itself at every lag, and
of two rounds' at every shift, is looked at too, all of them together leaving their interval with a
chance of 10^-6 at most (union bound).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2, norm  # type: ignore[import-untyped]

LEVEL = 1e-6

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that must hold of the noise.

    Attributes:
        name: What is said.
        value: What was measured.
        low: Below it a correct run comes once in two million.
        high: Above it a correct run comes once in two million.
    """

    name: str
    value: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        return self.low <= self.value <= self.high


def variance_interval(
    variance: float, coordinates: int, level: float = LEVEL
) -> tuple[float, float]:
    """Where sum(x^2)/(d M) of d Skellam coordinates of variance M lies, but for `level`."""
    freedom = 2 * coordinates / (2 + 1 / variance)
    low, high = chi2.ppf(level / 2, freedom), chi2.isf(level / 2, freedom)
    return float(low / freedom), float(high / freedom)


def statements(noises: Sequence[Integers], variance: float) -> list[Statement]:
    """Everything that is said of the noise of some rounds with equally many members.

    Args:
        noises: Of every round: the opened sum less the known sum.
        variance: M = |U| mu_l of each.
    """
    vectors = [noise.astype(np.float64) for noise in noises]
    said = []
    for number, noise in enumerate(vectors):
        half = noise.size // 2
        said += [
            _mean(f"mean of round {number}", noise, variance),
            _variance(f"variance of round {number}", [noise], variance),
            _product(f"halves of round {number}", noise[:half], noise[half : 2 * half], variance),
            _product(f"neighbours in round {number}", noise[:-1], noise[1:], variance),
            _largest(f"lags of round {number}", noise, noise, variance),
        ]
    for one, other in combinations(range(len(vectors)), 2):
        first, second = vectors[one], vectors[other]
        said += [
            _product(f"rounds {one} and {other}", first, second, variance),
            _largest(f"shifts of rounds {one} and {other}", first, second, variance),
        ]
    said.append(_variance("variance of all rounds", vectors, variance))
    return said


def broken(noises: Sequence[Integers], variance: float) -> set[str]:
    """The names of the statements that do not hold."""
    return {one.name for one in statements(noises, variance) if not one.holds}


def _mean(name: str, noise: Floats, variance: float) -> Statement:
    reach = float(norm.isf(LEVEL / 2)) * sqrt(variance / noise.size)
    return Statement(name, float(noise.mean()), -reach, reach)


def _variance(name: str, vectors: Sequence[Floats], variance: float) -> Statement:
    coordinates = sum(noise.size for noise in vectors)
    squares = sum(float(np.dot(noise, noise)) for noise in vectors)
    low, high = variance_interval(variance, coordinates)
    return Statement(name, squares / (coordinates * variance), low, high)


def _product(name: str, one: Floats, other: Floats, variance: float) -> Statement:
    reach = float(norm.isf(LEVEL / 2)) / sqrt(one.size)
    return Statement(name, float(np.dot(one, other)) / (one.size * variance), -reach, reach)


def _shifted(one: Floats, other: Floats) -> Floats:
    """sum(one[j] * other[j + k])/d at every circular shift k, by the convolution theorem."""
    product = np.conj(np.fft.rfft(one)) * np.fft.rfft(other)
    return np.fft.irfft(product, one.size) / one.size


def _largest(name: str, one: Floats, other: Floats, variance: float) -> Statement:
    """Of one vector with itself only lags below a half: the others are these once more."""
    shifts = slice(1, one.size // 2) if one is other else slice(None)
    covariances = np.abs(_shifted(one, other)[shifts])
    reach = float(norm.isf(LEVEL / 2 / covariances.size)) / sqrt(one.size)
    return Statement(name, float(covariances.max()) / variance, 0.0, reach)
