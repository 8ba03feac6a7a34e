"""Which laws are permitted, and that a table is built once and cannot be changed."""

import numpy as np
import pytest

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.noise import (
    MAX_VARIANCE,
    Mechanism,
    NoiseLaw,
    draw_noise,
    largest_draw,
    noise_table,
)


@pytest.mark.parametrize("mechanism", list(Mechanism))
@pytest.mark.parametrize(
    "variance", [0, -1, MAX_VARIANCE + 1, 2.0, 100.5, float("nan"), float("inf"), True, "100", None]
)
def test_a_variance_that_is_not_meant_is_refused(mechanism: Mechanism, variance: int) -> None:
    with pytest.raises(Refused) as caught:
        NoiseLaw(mechanism, variance)

    assert caught.value.rule == "noise-variance"


@pytest.mark.parametrize("mechanism", list(Mechanism))
@pytest.mark.parametrize("variance", [1, MAX_VARIANCE])
def test_both_ends_of_the_range_are_permitted(mechanism: Mechanism, variance: int) -> None:
    assert NoiseLaw(mechanism, variance).variance == variance


def test_an_unknown_mechanism_has_no_name() -> None:
    with pytest.raises(ValueError, match="laplace"):
        Mechanism("laplace")


def test_the_table_of_a_law_is_built_once() -> None:
    first = noise_table(NoiseLaw(Mechanism.SKELLAM, 12_345))

    assert noise_table(NoiseLaw(Mechanism.SKELLAM, 12_345)) is first
    assert noise_table(NoiseLaw(Mechanism.DISCRETE_GAUSSIAN, 12_345)) is not first
    assert noise_table(NoiseLaw(Mechanism.SKELLAM, 12_346)) is not first


def test_the_two_mechanisms_draw_by_different_laws() -> None:
    shares = [draw_noise(NoiseLaw(mechanism, 1), 100_000, bytes(32)) for mechanism in Mechanism]

    at_zero = [float((share == 0).mean()) for share in shares]

    # e^-1 I_0(1), and 1 over the theta function.
    assert at_zero == [pytest.approx(0.4658, abs=0.008), pytest.approx(0.3989, abs=0.008)]


def test_a_kept_table_cannot_be_changed() -> None:
    table = noise_table(NoiseLaw(Mechanism.SKELLAM, 4))

    for content in (table.words, table.low_thresholds):
        with pytest.raises(ValueError, match="read-only"):
            content[0] = np.uint64(0)


def test_no_draw_exceeds_the_largest_magnitude_of_its_table() -> None:
    law = NoiseLaw(Mechanism.SKELLAM, 1)

    assert int(np.abs(draw_noise(law, 100_000, bytes(32))).max()) <= noise_table(law).largest == 28


@pytest.mark.parametrize("mechanism", list(Mechanism))
@pytest.mark.parametrize("variance", [1, 2, 5, 17, 100, 1_234, 40_000, 3_000_000, 1 << 26])
def test_no_draw_can_be_larger_than_is_said_without_a_table(
    mechanism: Mechanism, variance: int
) -> None:
    law = NoiseLaw(mechanism, variance)

    assert noise_table(law).largest <= largest_draw(law) < noise_table(law).largest * 1.2 + 31
