"""The aggregate's commitment hides small sums and binds every bit (threats T29 and T32)."""

import numpy as np
import pytest

from blindsum_crypto.errors import Rejected
from blindsum_rules.aggregate import SALT_BYTES, Aggregate, decode_aggregate

SALT = b"s" * SALT_BYTES


def test_an_aggregate_comes_back_from_its_blob() -> None:
    values = np.array([0, -1, 2**62, -(2**62)], np.int64)
    back = decode_aggregate(Aggregate(SALT, values).encode(), 4)
    assert np.array_equal(back.values, values)
    assert back.salt == SALT
    back.check_commitment(Aggregate(SALT, values).commitment)


@pytest.mark.parametrize("vector_length", [0, 3, 5])
def test_a_blob_of_another_length_is_rejected(vector_length: int) -> None:
    blob = Aggregate(SALT, np.zeros(4, np.int64)).encode()
    with pytest.raises(Rejected) as caught:
        decode_aggregate(blob, vector_length)
    assert caught.value.rule == "aggregate-length"


def test_another_value_or_another_salt_is_another_commitment() -> None:
    shown = Aggregate(SALT, np.array([1, 2], np.int64))
    for other in (
        Aggregate(SALT, np.array([1, 3], np.int64)),
        Aggregate(b"t" * SALT_BYTES, shown.values),
    ):
        with pytest.raises(Rejected) as caught:
            other.check_commitment(shown.commitment)
        assert caught.value.rule == "aggregate-commitment"


def test_a_count_is_found_from_its_commitment_only_when_the_salt_is_known() -> None:
    def found(commitment: bytes, salt: bytes) -> list[int]:
        guesses = (Aggregate(salt, np.array([count], np.int64)) for count in range(1001))
        return [int(one.values[0]) for one in guesses if one.commitment == commitment]

    secret = Aggregate(b"\x01\x02" * 16, np.array([417], np.int64))
    unsalted = Aggregate(bytes(SALT_BYTES), np.array([417], np.int64))
    assert found(unsalted.commitment, bytes(SALT_BYTES)) == [417], "the control"
    assert found(secret.commitment, bytes(SALT_BYTES)) == []


def test_an_aggregates_repr_shows_neither_values_nor_salt() -> None:
    assert repr(Aggregate(SALT, np.array([417], np.int64))) == "Aggregate(vector_length=1)"
