"""The demo's records: four hospitals' heart patients, and the ten stated splits of them.

Every constant that turns a row into features is public and written down here. None is fitted on
a hospital: a fitted mean would leave its hospital outside the seal, and under differential
privacy it would carry a record beyond its clip.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt
from numpy.random import PCG64, SeedSequence  # noqa: TID251 - stated splits, nothing secret

from blindsum_crypto.errors import Rejected

HOSPITALS = ("cleveland", "hungary", "va-long-beach", "switzerland")
SPLITS = 10
SPLIT_SEED = 1988  # the year in which the data were given to the public
TRAINING_SHARE = 0.75

_TABLE = "data/heart_disease_uci.csv"
_NAMES_IN_TABLE = {
    "cleveland": "Cleveland",
    "hungary": "Hungary",
    "va-long-beach": "VA Long Beach",
    "switzerland": "Switzerland",
}


@dataclass(frozen=True, slots=True)
class _Measurement:
    """A number in the table: (value - centre) / scale, and 0 if it is missing."""

    column: str
    centre: float
    scale: float
    zero_is_missing: bool = False


# Round numbers of the size that a cardiologist expects, in the table's units: years, mm Hg,
# mg/dl, beats a minute, mm of ST depression, vessels.
_MEASUREMENTS = (
    _Measurement("age", centre=55.0, scale=10.0),
    _Measurement("trestbps", centre=130.0, scale=20.0, zero_is_missing=True),
    _Measurement("chol", centre=220.0, scale=50.0, zero_is_missing=True),
    _Measurement("thalch", centre=140.0, scale=25.0),
    _Measurement("oldpeak", centre=1.0, scale=1.0),
    _Measurement("ca", centre=1.0, scale=1.0),
)

# One indicator a level; a missing value has none, so that "missing" needs no column of its own.
_CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "sex": ("Female", "Male"),
    "cp": ("typical angina", "atypical angina", "non-anginal", "asymptomatic"),
    "fbs": ("FALSE", "TRUE"),
    "restecg": ("normal", "st-t abnormality", "lv hypertrophy"),
    "exang": ("FALSE", "TRUE"),
    "slope": ("upsloping", "flat", "downsloping"),
    "thal": ("normal", "fixed defect", "reversable defect"),
}

# Cholesterol is the one measurement that a whole hospital never took. The indicator therefore
# also tells a model where a patient was treated; every baseline is given the same column.
FEATURES: tuple[str, ...] = (
    *(measurement.column for measurement in _MEASUREMENTS),
    "chol-missing",
    *(f"{column}={level}" for column, levels in _CATEGORIES.items() for level in levels),
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Records:
    """Patients: one row of features and one label each, alone or once for every split.

    Attributes:
        features: float32, shape (records, features) or (splits, records, features).
        labels: float32, shape (records,) or (splits, records); 1 is heart disease, 0 is none.
    """

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.float32]

    @property
    def count(self) -> int:
        """How many records there are, in each split if there are splits."""
        return int(self.labels.shape[-1])

    def __repr__(self) -> str:
        """The count alone: the rest is patients."""
        return f"Records(count={self.count})"


def read_hospital(hospital: str) -> Records:
    """Read one hospital's patients from the table that ships with the demo.

    Args:
        hospital: One of `HOSPITALS`.

    Returns:
        Records with features of shape (records, len(FEATURES)), in the table's order.

    Raises:
        Rejected: `unknown-hospital` if no hospital has that id; `heart-disease-table` if a
            row holds a word or a number that its column does not allow.
    """
    if hospital not in HOSPITALS:
        raise Rejected("unknown-hospital", f"expected one of {', '.join(HOSPITALS)}")
    name = _NAMES_IN_TABLE[hospital]
    text = files("blindsum_cli.demo").joinpath(_TABLE).read_text(encoding="ascii")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["dataset"] == name]
    return Records(
        features=np.array([features_of(row) for row in rows], dtype=np.float32),
        labels=np.array([_number(row, "num") > 0 for row in rows], dtype=np.float32),
    )


def features_of(row: Mapping[str, str]) -> list[float]:
    """Turn one row of the table into numbers, in the order of `FEATURES`.

    Args:
        row: The row's text by column; an empty text is a missing value.

    Returns:
        One float for each of `FEATURES`: measurements centred and scaled, indicators 0 or 1.

    Raises:
        Rejected: `heart-disease-table` if a text is no number or no level of its column.
    """
    indicators = (level for column in _CATEGORIES for level in _levels(row, column))
    chol_missing = float(row["chol"] == "" or _number(row, "chol") == 0)
    return [*(_scaled(row, each) for each in _MEASUREMENTS), chol_missing, *indicators]


def training_records(hospital: str, seed: int = SPLIT_SEED) -> Records:
    """Give one hospital's training records of all ten splits.

    Args:
        hospital: One of `HOSPITALS`.
        seed: Which ten splits; the stated ones by default.

    Returns:
        Records with leading axis `SPLITS`. Every split holds equally many, since splits are
        stratified by label.

    Raises:
        Rejected: `unknown-hospital` if no hospital has that id.
    """
    records = read_hospital(hospital)
    return _stack(records, [training for training, _ in _rows_of_splits(hospital, records, seed)])


def pooled_test_records(seed: int = SPLIT_SEED) -> Records:
    """Give the test records of all four hospitals, put together, for each of the ten splits.

    This is the demo's harness: in a real study no one party holds these records.

    Args:
        seed: Which ten splits; the stated ones by default.

    Returns:
        Records with leading axis `SPLITS`, hospitals in the order of `HOSPITALS`.
    """
    parts = []
    for hospital in HOSPITALS:
        records = read_hospital(hospital)
        rows = [test for _, test in _rows_of_splits(hospital, records, seed)]
        parts.append(_stack(records, rows))
    return Records(
        features=np.concatenate([part.features for part in parts], axis=1),
        labels=np.concatenate([part.labels for part in parts], axis=1),
    )


def _rows_of_splits(
    hospital: str, records: Records, seed: int
) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Yield (training rows, test rows) of each split, stratified by label."""
    site = HOSPITALS.index(hospital)
    for split in range(SPLITS):
        training, test = [], []
        for label in (0, 1):
            rows = np.flatnonzero(records.labels == label)
            # The order of raw words, not Generator.permutation: numpy promises that the words of
            # PCG64 never change, and a stated split has to outlive a release of numpy.
            words = PCG64(SeedSequence([seed, split, site, label])).random_raw(rows.size)
            shuffled = rows[np.argsort(words, kind="stable")]
            cut = round(TRAINING_SHARE * rows.size)
            training.append(shuffled[:cut])
            test.append(shuffled[cut:])
        yield np.sort(np.concatenate(training)), np.sort(np.concatenate(test))


def _stack(records: Records, rows: list[npt.NDArray[np.intp]]) -> Records:
    """Put the chosen rows of every split on a leading axis."""
    chosen = np.stack(rows)
    return Records(features=records.features[chosen], labels=records.labels[chosen])


def _scaled(row: Mapping[str, str], measurement: _Measurement) -> float:
    if row[measurement.column] == "":
        return 0.0
    value = _number(row, measurement.column)
    if measurement.zero_is_missing and value == 0:
        return 0.0
    return (value - measurement.centre) / measurement.scale


def _levels(row: Mapping[str, str], column: str) -> list[float]:
    if row[column] not in ("", *_CATEGORIES[column]):
        raise Rejected("heart-disease-table", f"expected a known level of {column}")
    return [float(row[column] == level) for level in _CATEGORIES[column]]


def _number(row: Mapping[str, str], column: str) -> float:
    try:
        value = float(row[column])
    except ValueError:
        # The text is a patient's: it stays out of the error and of its chain.
        raise Rejected("heart-disease-table", f"expected a number in {column}") from None
    if not np.isfinite(value):
        raise Rejected("heart-disease-table", f"expected a finite number in {column}")
    return value
