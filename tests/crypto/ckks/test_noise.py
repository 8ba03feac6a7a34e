"""The error of the seal: SEAL's centred binomial, addressable, and nothing wider."""

from collections.abc import Callable
from math import comb

import numpy as np
import pytest

from blindsum_crypto.ckks.noise import centred_binomial
from blindsum_crypto.errors import Refused


def test_errors_follow_the_binomial_of_42_flips(chi_square_limit: Callable[[int], float]) -> None:
    errors = centred_binomial(b"e" * 32, 1 << 20)
    cells = np.clip(errors, -14, 14)
    counts = np.bincount(cells + 14, minlength=29)
    law = np.array([comb(42, 21 + value) / 2**42 for value in range(-21, 22)])
    expected = np.concatenate([[law[:8].sum()], law[8:35], [law[35:].sum()]]) * errors.size
    assert expected.min() > 5
    assert ((counts - expected) ** 2 / expected).sum() < chi_square_limit(28)
    assert int(np.abs(errors).max()) <= 21


def test_errors_can_be_drawn_in_pieces() -> None:
    whole = centred_binomial(b"e" * 32, 1_000)
    assert np.array_equal(centred_binomial(b"e" * 32, 600, 400), whole[400:])


def test_neighbouring_errors_are_uncorrelated() -> None:
    errors = centred_binomial(b"e" * 32, 1 << 20).astype(np.float64)
    correlation = np.corrcoef(errors[:-1], errors[1:])[0, 1]
    assert abs(correlation) < 7 / 1024  # seven standard deviations


def test_an_odd_offset_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        centred_binomial(b"e" * 32, 10, 1)
    assert caught.value.rule == "keystream-offset"
