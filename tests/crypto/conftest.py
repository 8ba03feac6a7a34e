"""What the mathematics' tests share: seeded randomness and the bound of the chi-square tests."""

from collections.abc import Callable
from math import log, sqrt

import pytest
from hypothesis import settings

from blindsum_crypto.randomness import SeededRandomness

# Two busy cores make single examples slow now and then; that is no failure of a property.
settings.register_profile("crypto", deadline=None)
settings.load_profile("crypto")


@pytest.fixture
def randomness() -> SeededRandomness:
    return SeededRandomness(b"tests/crypto")


@pytest.fixture(scope="session")
def chi_square_limit() -> Callable[[int], float]:
    """Degrees of freedom -> a statistic that a true hypothesis exceeds with chance below 1e-10.

    Laurent and Massart (2000), lemma 1: P(X - k >= 2 sqrt(k x) + 2 x) <= exp(-x), here x = ln 1e10.
    """
    x = log(1e10)
    return lambda freedom: freedom + 2 * sqrt(freedom * x) + 2 * x
