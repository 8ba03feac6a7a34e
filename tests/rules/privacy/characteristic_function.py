"""Skellam's law a second time, from its characteristic function exp(mu (cos t - 1)), in integers.

The mean of the function over M equidistant t, times cos kt, is the sum of P(k + lM) over all l:
with M = 36 sd + 400 what is wrong is below 2^-300. Nothing is shared with the product's recurrence,
nor with the sum over two Poissons of tests/vectors/generate_noise.py, and it is fast where that is
not.
"""

from decimal import Decimal, localcontext
from math import isqrt
from typing import Final

POINT_BITS: Final = 384
_DIGITS: Final = 150
_SMALLEST: Final = Decimal(10) ** -_DIGITS


def skellam_by_transform(variance: int, entries: int) -> list[int]:
    """P(0), ..., P(entries - 1) of Sk(variance), 384 bits behind the point and 300 right."""
    points = 36 * isqrt(variance) + 400
    doubled_cosines, now, before = _heights(variance, points)
    law = []
    for _ in range(entries):
        law.append(((1 << POINT_BITS) + 2 * sum(now)) // points)
        # cos (k + 1)t = 2 cos t cos kt - cos (k - 1)t, for every t at once.
        after = [
            (doubled * one >> POINT_BITS) - other
            for doubled, one, other in zip(doubled_cosines, now, before, strict=True)
        ]
        now, before = after, now
    return law


def _heights(variance: int, points: int) -> tuple[list[int], list[int], list[int]]:
    """For every t with f(t) > 0: 2 cos t, f(t) and f(t) cos t, at 384 bits behind the point."""
    rows = []
    with localcontext(prec=_DIGITS):
        angle, unit = 2 * _pi() / points, Decimal(1 << POINT_BITS)
        for place in range(1, points // 2):
            cosine = _cosine(angle * place)
            height = unit * (variance * (cosine - 1)).exp()
            if height < 1:
                break
            rows.append((int(2 * unit * cosine), int(height), int(height * cosine)))
    doubled_cosines, now, before = (list(column) for column in zip(*rows, strict=True))
    return doubled_cosines, now, before


def _pi() -> Decimal:
    """Machin's formula."""
    return 4 * (4 * _arc_tangent(5) - _arc_tangent(239))


def _arc_tangent(inverse: int) -> Decimal:
    """The arc tangent of 1/inverse."""
    total, power, odd = Decimal(0), Decimal(1) / inverse, 1
    while power > _SMALLEST:
        total += power / odd if odd % 4 == 1 else -power / odd
        power /= inverse * inverse
        odd += 2
    return total


def _cosine(angle: Decimal) -> Decimal:
    total, term, number = Decimal(1), Decimal(1), 0
    while abs(term) > _SMALLEST:
        number += 2
        term = -term * angle * angle / (number * (number - 1))
        total += term
    return total
