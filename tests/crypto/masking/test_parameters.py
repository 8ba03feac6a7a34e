"""Masking parameters: exactly the bits of the sum, and no more clients than can share masks."""

import numpy as np
import pytest

from blindsum_crypto.errors import Refused
from blindsum_crypto.masking.parameters import MaskingParameters, plan


@pytest.mark.parametrize(
    ("bits", "word", "zeros"),
    [
        (8, np.uint16, 16),
        (16, np.uint16, 8),
        (17, np.uint32, 8),
        (32, np.uint32, 4),
        (33, np.uint64, 4),
        (64, np.uint64, 2),
    ],
)
def test_words_are_as_narrow_as_they_can_be_and_zeros_fill_128_bits(
    bits: int, word: type[np.unsignedinteger], zeros: int
) -> None:
    parameters = MaskingParameters(bits)
    assert parameters.word_type == np.dtype(word)
    assert parameters.zeros == zeros
    assert parameters.zeros * bits >= 128


def test_a_million_16_bit_values_take_two_bytes_each() -> None:
    assert MaskingParameters(16).payload_bytes(1_000_000) == 2_000_016


@pytest.mark.parametrize("bits", [0, 7, 65])
def test_bits_outside_8_to_64_are_refused(bits: int) -> None:
    with pytest.raises(Refused) as caught:
        MaskingParameters(bits)
    assert caught.value.rule == "value-bits"


def test_a_plan_takes_the_bits_of_the_sum_and_at_least_eight() -> None:
    assert plan(10, 5, 3) == MaskingParameters(8)
    assert plan(10, 5, 29) == MaskingParameters(29)


@pytest.mark.parametrize(
    ("length", "clients", "bits", "rule"),
    [
        (0, 2, 16, "vector-length"),
        (1, 0, 16, "client-count"),
        (1, 1_001, 16, "masking-cohort"),
        (1, 2, 65, "value-bits"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(length: int, clients: int, bits: int, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        plan(length, clients, bits)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("clients", "bound", "rule"),
    [
        (0, 1, "client-count"),
        (1_001, 1, "masking-cohort"),
        (2, -1, "coordinate-bound"),
        (8, 4_096, "field-overflow"),
    ],
)
def test_a_sum_that_could_leave_its_bits_is_refused(clients: int, bound: int, rule: str) -> None:
    MaskingParameters(16).check_sum(8, 4_095)
    with pytest.raises(Refused) as caught:
        MaskingParameters(16).check_sum(clients, bound)
    assert caught.value.rule == rule
