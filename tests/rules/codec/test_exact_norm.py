"""Sums of squares are those of Python's integers, for every int64."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from blindsum_rules.codec.exact_norm import sum_of_squares


@given(hnp.arrays(np.int64, st.integers(0, 40), elements=st.integers(-(2**63), 2**63 - 1)))
def test_a_sum_of_squares_is_that_of_pythons_integers(values: np.ndarray) -> None:
    assert sum_of_squares(values) == sum(int(value) ** 2 for value in values)


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 2**20 - 1, -1])
def test_many_equal_values_do_not_overflow(value: int) -> None:
    assert sum_of_squares(np.full(200_000, value, np.int64)) == 200_000 * value**2
