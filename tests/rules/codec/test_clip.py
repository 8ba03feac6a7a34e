"""Clipping: an update keeps its direction and gets a norm that the codec allows."""

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from blindsum_crypto.errors import Rejected
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.encoding import clip, encode
from blindsum_rules.codec.parameters import MAX_LEVELS, Codec

CODEC = Codec(clip_norm=1.0, levels=4096, weight_cap=100, weight_scale=0.5)
CODECS = st.builds(
    Codec,
    clip_norm=st.floats(1e-6, 1e6),
    levels=st.integers(1, MAX_LEVELS),
    weight_cap=st.integers(1, 10_000),
    weight_scale=st.floats(1e-6, 1e6),
)
UPDATES = hnp.arrays(
    np.float64,
    st.integers(1, 40),
    elements=st.floats(allow_nan=False, allow_infinity=False),
)


def exact_norm_squared(values: npt.NDArray[np.float64]) -> Fraction:
    return sum((Fraction(float(value)) ** 2 for value in values), Fraction(0))


def test_an_update_within_the_norm_is_left_as_it_is() -> None:
    update = np.array([0.6, -0.8, 0.0])
    clipped = clip(update, CODEC)
    assert np.array_equal(clipped, update)
    assert clipped is not update


@settings(deadline=None)
@given(UPDATES, CODECS)
def test_a_clipped_update_keeps_its_direction_and_stays_within_the_norm(
    update: npt.NDArray[np.float64], codec: Codec
) -> None:
    clipped = clip(update, codec)
    bound = Fraction(codec.clip_norm) ** 2 * (1 + Fraction(1, 2**45))
    assert exact_norm_squared(clipped) <= bound
    if exact_norm_squared(update) > bound:
        assert exact_norm_squared(clipped) >= Fraction(codec.clip_norm) ** 2 * (
            1 - Fraction(1, 2**45)
        )
        assert np.all(np.sign(clipped) * np.sign(update) >= 0)
        direction, wanted = clipped / np.abs(clipped).max(), update / np.abs(update).max()
        assert np.allclose(direction, wanted, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("huge", [1e200, 1.7e308, -1.7e308])
def test_values_whose_squares_overflow_are_clipped_all_the_same(huge: float) -> None:
    clipped = clip(np.full(4, huge), CODEC)
    assert np.allclose(np.abs(clipped), 0.5)


@pytest.mark.parametrize("tiny", [0.0, 5e-324, 1e-200])
def test_values_whose_squares_vanish_are_left_as_they_are(tiny: float) -> None:
    update = np.full(4, tiny)
    assert np.array_equal(clip(update, CODEC), update)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_update_that_is_not_finite_is_rejected(bad: float) -> None:
    update = np.array([0.1, bad, 0.2])
    for call in (
        lambda: clip(update, CODEC),
        lambda: encode(update, 10, CODEC, SeededRandomness(b"clip")),
    ):
        with pytest.raises(Rejected) as caught:
            call()
        assert caught.value.rule == "non-finite-update"
        assert str(bad) not in str(caught.value)


@pytest.mark.parametrize(
    "update",
    [
        np.zeros((2, 2)),
        np.zeros(3, np.float16),
        np.zeros(3, ">f4"),
        np.zeros(3, np.int64),
        np.array(1.0),
    ],
    ids=["matrix", "half", "swapped", "int64", "scalar"],
)
def test_an_update_of_another_shape_or_kind_is_rejected(update: npt.NDArray[np.float64]) -> None:
    for call in (
        lambda: clip(update, CODEC),
        lambda: encode(update, 10, CODEC, SeededRandomness(b"clip")),
    ):
        with pytest.raises(Rejected) as caught:
            call()
        assert caught.value.rule == "update-shape"
