"""The discrete Gaussian law's terms: the second mechanism, drawn from the same alias table.

N_Z(0, sigma^2): P(k) proportional to exp(-k^2 / 2 sigma^2) on the integers (Canonne, Kamath,
Steinke, arXiv 2004.00010). Its variance is below sigma^2 by less than 3*10^-7 of it from sigma = 1
on. Sums of shares are not discrete Gaussian; what that costs is DDGauss's tau (arXiv 2102.06387).

The terms are fixed-point numbers g_(k+1) = g_k q_k, q_(k+1) = q_k t^2 with t = exp(-1 / 2 sigma^2)
= q_0, cut to 256 bits behind the point.

**How far the terms' law is from N_Z**: less than 2^-185 in total variation, for every integer
sigma^2 from 1 to 2^32. In units of 2^-256: the series of t has fewer than 50 terms, each off by at
most 5/4, and what is left out is below 1, so t is off by at most 64 and t^2 by 129. No factor
exceeds 1, so q_k is off by at most 64 + 130k, and g_k by at most 66(k + 1)^2. K is below 2^20.1, so
the terms of both sides are off by less than 2^70 units in sum, 2^-186 against a total of at least
g_0 = 1. Behind K lie 2 P(X > K) <= 2 exp(-K^2 / 2 sigma^2) <= 2^-191, since g_(K+i) <= g_K g_i. As
for Skellam (step 4 there) the distance is at most the sum of both, below 2^-185.
"""

from math import isqrt
from typing import Final

_TAIL: Final = 267
"""At least 2 * 192 * ln 2: a tail of exp(-267/2) is below 2^-192."""

_POINT_BITS: Final = 256


def gaussian_terms(variance: int) -> list[int]:
    """Integers proportional to P(0), P(1), ..., P(K) of N_Z(0, variance).

    Args:
        variance: sigma^2, 1 to 2^32.

    Returns:
        K + 1 terms, the first 2^256; behind them lies less than 2^-192 on each side. K is about
        16.4 sigma.
    """
    ratio = _exponential(2 * variance)
    step = ratio * ratio >> _POINT_BITS
    term = 1 << _POINT_BITS
    terms = [term]
    for _ in range(isqrt(_TAIL * variance) + 1):
        term = term * ratio >> _POINT_BITS
        ratio = ratio * step >> _POINT_BITS
        terms.append(term)
    return terms


def _exponential(divisor: int) -> int:
    """exp(-1/divisor) by its alternating series, 256 bits behind the point; divisor >= 2."""
    total, term, number = 0, 1 << _POINT_BITS, 0
    while term:
        total += -term if number & 1 else term
        number += 1
        term //= divisor * number
    return total
