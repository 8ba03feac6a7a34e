"""Four hospitals' records, and splits that are the same for everybody, for ever."""

import hashlib
from importlib.resources import files

import numpy as np
import pytest

from blindsum_cli.demo import heart_disease
from blindsum_cli.demo.heart_disease import (
    FEATURES,
    HOSPITALS,
    SPLITS,
    Records,
    features_of,
    pooled_test_records,
    read_hospital,
    training_records,
)
from blindsum_crypto.errors import Rejected

ROW = {
    "age": "65",
    "sex": "Male",
    "cp": "non-anginal",
    "trestbps": "150",
    "chol": "270",
    "fbs": "TRUE",
    "restecg": "normal",
    "thalch": "115",
    "exang": "FALSE",
    "oldpeak": "2.5",
    "slope": "flat",
    "ca": "3",
    "thal": "reversable defect",
}


def _named(row: dict[str, str]) -> dict[str, float]:
    return dict(zip(FEATURES, features_of(row), strict=True))


def test_the_table_is_byte_for_byte_the_one_that_the_attribution_names() -> None:
    folder = files("blindsum_cli.demo").joinpath("data")
    digest = hashlib.sha256(folder.joinpath("heart_disease_uci.csv").read_bytes()).hexdigest()
    assert digest in folder.joinpath("ATTRIBUTION.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("hospital", "count", "ill"),
    [
        ("cleveland", 304, 139),
        ("hungary", 293, 106),
        ("va-long-beach", 200, 149),
        ("switzerland", 123, 115),
    ],
)
def test_every_hospital_has_its_patients(hospital: str, count: int, ill: int) -> None:
    records = read_hospital(hospital)
    assert records.features.shape == (count, len(FEATURES))
    assert records.features.dtype == records.labels.dtype == np.dtype(np.float32)
    assert records.count == count
    assert records.labels.sum() == ill


def test_the_four_hospitals_hold_the_whole_table_between_them() -> None:
    assert sum(read_hospital(hospital).count for hospital in HOSPITALS) == 920


def test_a_row_becomes_numbers_by_public_constants() -> None:
    expected = dict.fromkeys(FEATURES, 0.0) | {"age": 1.0, "trestbps": 1.0, "chol": 1.0}
    expected |= {"thalch": -1.0, "oldpeak": 1.5, "ca": 2.0}
    expected |= {"sex=Male": 1, "cp=non-anginal": 1, "fbs=TRUE": 1, "restecg=normal": 1}
    expected |= {"exang=FALSE": 1, "slope=flat": 1, "thal=reversable defect": 1}
    assert _named(ROW) == expected


def test_a_row_without_any_value_is_zero_but_for_the_missing_cholesterol() -> None:
    empty = dict.fromkeys(ROW, "")
    assert _named(empty) == dict.fromkeys(FEATURES, 0.0) | {"chol-missing": 1.0}


@pytest.mark.parametrize("column", ["chol", "trestbps"])
def test_a_zero_that_no_living_patient_has_is_read_as_missing(column: str) -> None:
    assert _named(ROW | {column: "0"}) == _named(ROW | {column: ""})


def test_a_zero_that_a_patient_can_have_is_a_measurement() -> None:
    assert _named(ROW | {"oldpeak": "0"})["oldpeak"] == -1.0
    assert _named(ROW | {"ca": "0"})["ca"] == -1.0


@pytest.mark.parametrize(
    ("column", "text"),
    [("age", "sixty"), ("chol", "n/a"), ("oldpeak", "nan"), ("ca", "inf"), ("cp", "severe")],
)
def test_a_text_that_its_column_does_not_allow_is_rejected_and_not_repeated(
    column: str, text: str
) -> None:
    with pytest.raises(Rejected) as caught:
        features_of(ROW | {column: text})
    assert caught.value.rule == "heart-disease-table"
    assert column in caught.value.expected
    assert text not in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize("hospital", ["Cleveland", "", "basel"])
def test_a_hospital_that_does_not_exist_is_rejected(hospital: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_hospital(hospital)
    assert caught.value.rule == "unknown-hospital"


def test_records_show_their_count_and_no_patient() -> None:
    records = Records(np.full((3, 2), 61.5, np.float32), np.ones(3, np.float32))
    assert repr(records) == "Records(count=3)"


@pytest.mark.parametrize("hospital", HOSPITALS)
def test_every_split_parts_a_hospital_into_three_quarters_and_one_of_each_label(
    hospital: str,
) -> None:
    records = read_hospital(hospital)
    splits = list(heart_disease._rows_of_splits(hospital, records, seed=1988))
    assert len(splits) == SPLITS
    for training, test in splits:
        assert sorted([*training, *test]) == list(range(records.count))
        for label in (0, 1):
            of_label = int((records.labels == label).sum())
            assert (records.labels[training] == label).sum() == round(0.75 * of_label)


def test_every_split_trains_on_equally_many_records(sites: dict[str, Records]) -> None:
    counts = {hospital: records.count for hospital, records in sites.items()}
    assert counts == {"cleveland": 228, "hungary": 220, "va-long-beach": 150, "switzerland": 92}
    for records in sites.values():
        assert records.features.shape == (SPLITS, records.count, len(FEATURES))
        assert records.labels.shape == (SPLITS, records.count)


def test_the_pooled_test_set_holds_every_hospitals_test_records_in_order(
    pooled_test: Records,
) -> None:
    assert pooled_test.features.shape == (SPLITS, 230, len(FEATURES))
    start = 0
    for hospital in HOSPITALS:
        records = read_hospital(hospital)
        for split, (_, rows) in enumerate(heart_disease._rows_of_splits(hospital, records, 1988)):
            piece = slice(start, start + rows.size)
            np.testing.assert_array_equal(
                pooled_test.features[split, piece], records.features[rows]
            )
            np.testing.assert_array_equal(pooled_test.labels[split, piece], records.labels[rows])
        start += rows.size
    assert start == pooled_test.count


def test_the_stated_splits_are_these_and_no_others() -> None:
    records = read_hospital("cleveland")
    splits = list(heart_disease._rows_of_splits("cleveland", records, seed=1988))
    assert splits[0][1][:8].tolist() == [1, 4, 7, 11, 12, 20, 26, 27]
    assert splits[9][1][:8].tolist() == [1, 11, 14, 16, 18, 23, 35, 39]


def test_splits_depend_on_their_number_and_on_the_seed_alone() -> None:
    same, other = training_records("hungary", seed=5), training_records("hungary", seed=6)
    again = training_records("hungary", seed=5)
    np.testing.assert_array_equal(same.features, again.features)
    assert not np.array_equal(same.features, other.features)
    assert not np.array_equal(same.features[0], same.features[1])
    assert pooled_test_records(seed=5).count == pooled_test_records(seed=6).count
