"""Patients as units: one row each, whatever the batches, and no more than one clip norm."""

import math
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindsum_client.adapters.patients import patient_units
from blindsum_crypto.errors import Rejected
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.units import sum_units
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw

Floats = npt.NDArray[np.float64]

CODEC = UnitCodec(
    clip_norm=1.0,
    dimension=5,
    levels=4096,
    units_per_client=500,
    share=NoiseLaw(Mechanism.SKELLAM, 100),
)


def rows_of(records: npt.NDArray[Any], keys: Any, *cuts: int) -> Floats:  # noqa: ANN401
    batches = list(patient_units(np.split(records, cuts), keys))
    return np.concatenate(batches) if batches else np.zeros((0, records.shape[1]))


def some_records(count: int, size: int = 5) -> Floats:
    return np.random.default_rng(count).standard_normal((count, size))


def rejection(records: npt.NDArray[Any], keys: Any) -> Rejected:  # noqa: ANN401
    with pytest.raises(Rejected) as caught:
        rows_of(records, keys)
    return caught.value


def test_a_patients_row_is_the_mean_of_her_records_in_order_of_first_appearance() -> None:
    records = np.array([[1.0, 0.0], [8.0, 8.0], [0.0, 3.0], [2.0, 4.0], [2.0, 0.0]])
    rows = rows_of(records, ["anna", "berit", "anna", "carl", "berit"])
    assert rows.tolist() == [[0.5, 1.5], [5.0, 4.0], [2.0, 4.0]]


def test_with_one_record_each_patients_are_the_records_themselves() -> None:
    records = some_records(20).astype(np.float32)
    rows = rows_of(records, range(20), 7)
    assert rows.dtype == np.float64
    assert np.array_equal(rows, records.astype(np.float64))


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.data())
def test_how_records_are_cut_into_batches_changes_no_bit(
    keys: list[int], data: st.DataObject
) -> None:
    records = some_records(len(keys)) * 10.0 ** np.arange(-10, 10, 4)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(keys)), max_size=6)))
    whole = rows_of(records, keys)
    assert rows_of(records, keys, *cuts).tobytes() == whole.tobytes()
    assert len(whole) == len(set(keys))


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_the_rows_are_those_of_a_plain_loop(keys: list[int]) -> None:
    records = some_records(len(keys))
    expected = []
    for patient in dict.fromkeys(keys):
        total = np.zeros(5)
        own = [record for record, key in zip(records, keys, strict=True) if key == patient]
        for record in own:
            total = total + record
        expected.append(total / len(own))
    assert np.array_equal(rows_of(records, keys), np.array(expected))


@pytest.mark.parametrize("length", [1e-3, 1.0, 1e6, 1e300])
def test_a_patient_with_a_hundred_records_moves_the_sum_by_one_clip_norm_at_the_most(
    length: float,
) -> None:
    others, hers = some_records(30), np.full((100, 5), length)
    keys = [*range(30), *["her"] * 100]

    total, report = sum_units(patient_units([others, hers], keys), CODEC)
    without, _ = sum_units(patient_units([others], range(30)), CODEC)

    moved = [int(value) for value in total - without]
    assert report.units == 31
    assert 0 < sum(value * value for value in moved) <= (4096 << 12) ** 2


def test_the_same_records_as_units_of_their_own_would_move_it_a_hundred_times_as_far() -> None:
    """What grouping is for."""
    hers = np.full((100, 5), 1e6)
    apart, _ = sum_units([hers], CODEC)
    together, _ = sum_units(patient_units([hers], ["her"] * 100), CODEC)
    assert np.linalg.norm(apart) > 99 * np.linalg.norm(together)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1.7e308])
def test_a_patient_with_a_broken_record_adds_zero_and_no_other_does(bad: float) -> None:
    records = some_records(6)
    records[2:4] = bad
    keys = ["anna", "berit", "anna", "anna", "berit", "carl"]
    total, report = sum_units(patient_units([records], keys), CODEC)
    expected, _ = sum_units(patient_units([records[[1, 4, 5]]], ["berit", "berit", "carl"]), CODEC)
    assert report.non_finite == 1
    assert np.array_equal(total, expected)


@pytest.mark.parametrize(
    "keys",
    [
        ["a", "b", "a"],
        [1, 2, 1],
        [("st-elsewhere", 7), ("st-elsewhere", 8), ("st-elsewhere", 7)],
        [date(1950, 1, 2), date(1950, 1, 3), date(1950, 1, 2)],
        np.array([7, 8, 7]),
        np.array(["a", "b", "a"]),
        np.array([[1, 7], [1, 8], [1, 7]]),
    ],
    ids=str,
)
def test_keys_may_be_anything_hashable_or_an_array(keys: Any) -> None:  # noqa: ANN401
    assert rows_of(np.eye(3), keys).tolist() == [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]


@pytest.mark.parametrize(
    "keys",
    [
        ["a", None, "a"],
        [1.0, math.nan, 1.0],
        np.array([1.0, np.nan, 1.0]),
        np.array([[1.0, 2.0], [1.0, np.nan], [1.0, 2.0]]),
        [("a", None), ("a", 1), ("a", 1)],
        np.array(["1950-01-02", "NaT", "1950-01-02"], "datetime64[D]"),
        ["a", {"name": "secret"}, "a"],
    ],
    ids=str,
)
def test_a_record_that_is_nobodys_is_rejected(keys: Any) -> None:  # noqa: ANN401
    rejected = rejection(np.eye(3), keys)
    assert rejected.rule == "patient-keys"
    assert "secret" not in str(rejected)
    assert rejected.__cause__ is None


@pytest.mark.parametrize("keys", [[], ["a"] * 2, ["a"] * 4])
def test_more_or_fewer_keys_than_records_are_rejected_without_a_number(keys: list[str]) -> None:
    rejected = rejection(np.eye(3), keys)
    assert rejected.rule == "patient-keys"
    assert not any(character.isdigit() for character in str(rejected))


def test_records_that_are_no_rows_are_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        list(patient_units([np.zeros(5)], ["a"]))
    assert caught.value.rule == "unit-batch"


def test_no_records_are_no_patients() -> None:
    assert rows_of(np.zeros((0, 5)), []).shape == (0, 5)


def test_sorted_by_patient_every_row_is_given_on_as_soon_as_it_is_whole() -> None:
    """Memory: at no time more than one row waits, though a batch holds one record."""
    records, keys = some_records(40), [number // 4 for number in range(40)]
    drawn = []

    def one_by_one() -> Any:  # noqa: ANN401
        for record in records:
            drawn.append(record)
            yield record[np.newaxis]

    for number, rows in enumerate(patient_units(one_by_one(), keys)):
        assert rows.shape == (1, 5)
        assert len(drawn) == 4 * (number + 1)
