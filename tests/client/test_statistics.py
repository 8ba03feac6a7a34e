"""A site's answers: exact sums of declared integers, and what is refused or counts for nothing."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.conftest import build_study
from tests.rules.statistics.conftest import make_query, privately, statistics

from blindsum_client import records as records_module
from blindsum_client.statistics import (
    answer,
    check_records,
    count,
    encode_statistic,
    histogram,
    mean,
    units_of,
)
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.units import sum_units
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.study_plan import study_codec
from blindsum_rules.statistics.query import Condition, Query
from blindsum_rules.statistics.result import read_result

RECORDS: dict[str, Any] = {
    "age": [63, 37, 41, 56, 12],
    "sex": [1, 1, 0, 1, 0],
    "disease": [0, 1, 1, 0, 0],
    "day": ["2026-01-01", "2026-01-31", "2026-02-01", "2025-12-31", "2026-01-15"],
}


EAST = timezone(timedelta(hours=14))
LATE = datetime(2026, 1, 31, 12, tzinfo=UTC)


def drawn() -> SeededRandomness:
    return SeededRandomness(b"statistics of a site")


def test_counts_means_and_histograms_are_exact() -> None:
    assert answer(make_query(), RECORDS).tolist() == [2, 209, 5, 1, 1, 1, 2]


def test_an_offset_is_taken_off_every_value_and_put_back_to_the_mean() -> None:
    cells = mean("age", "age", 0, 90, offset=50)
    query = make_query(cells=cells)

    assert answer(query, RECORDS).tolist() == [209 - 5 * 50, 5]
    result = read_result(statistics(query), 0, answer(query, RECORDS), ())
    assert result.mean("age").value == pytest.approx(209 / 5)
    with pytest.raises(Refused, match="0 to 90") as caught:
        answer(query, RECORDS | {"age": [91] * 5})
    assert caught.value.rule == "query-range"


def test_a_date_column_cuts_the_half_open_window() -> None:
    dated = make_query(date_column="day")
    assert answer(dated, RECORDS).tolist() == [1, 112, 3, 1, 0, 1, 1]


@pytest.mark.parametrize(
    "days",
    [
        np.array(RECORDS["day"], "datetime64[ns]"),
        np.array(RECORDS["day"], "datetime64[D]"),
        [date.fromisoformat(str(day)) for day in RECORDS["day"]],
        ["2026-01-01", "2026-01-31", "", None, "2026-01-15"],
        ["2026-01-01", "2026-01-31", "soon", float("nan"), "2026-01-15"],
        ["2026-01-01 00:10", "2026-01-31T23:59:59.5Z", "today", "20260115", b"2026-01-15"],
        ["2026-01-01T00:10+14:00", "2026-01-31T23:50-11:00", 10**30, 20_468, "2026-01-15"],
        [LATE.replace(day=1, tzinfo=EAST), LATE, "2026-01-40", np.datetime64("NaT"), LATE],
    ],
    ids=["nanoseconds", "days", "dates", "missing", "words", "times", "zones", "moments"],
)
def test_days_come_in_many_forms_and_a_record_without_one_is_in_no_window(days: object) -> None:
    dated = make_query(date_column="day")
    assert answer(dated, RECORDS | {"day": days}).tolist() == [1, 112, 3, 1, 0, 1, 1]


def test_a_structured_array_and_texts_do_as_well() -> None:
    names = ("age", "sex", "disease")
    rows = list(zip(*(RECORDS[name] for name in names), strict=True))
    table = np.array(rows, dtype=[(name, "i4") for name in names])
    texts = {name: [str(value) for value in RECORDS[name]] for name in names}

    assert answer(make_query(), table).tolist() == answer(make_query(), RECORDS).tolist()
    assert answer(make_query(), texts).tolist() == answer(make_query(), RECORDS).tolist()


@pytest.mark.parametrize("missing", [float("nan"), None, "", "?", 10**400])
def test_a_missing_value_meets_no_condition(missing: object) -> None:
    records = RECORDS | {"age": [missing, *RECORDS["age"][1:]]}
    assert answer(make_query(), records).tolist() == [2, 146, 4, 1, 1, 1, 1]


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_how_records_are_cut_into_batches_changes_nothing(together: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    records = {
        "age": random.integers(-20, 91, 50),
        "sex": random.integers(0, 2, 50),
        "disease": random.integers(0, 2, 50),
    }
    whole = answer(make_query(), records)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records_module, "_CHUNK_VALUES", together * 7)
        pieces = answer(make_query(), records)

    assert pieces.tolist() == whole.tolist()
    assert whole[1] == records["age"].sum()


@pytest.mark.parametrize("value", [91, -21, 40.5, 1e300])
def test_without_noise_a_value_out_of_range_is_refused_and_not_told(value: float) -> None:
    records = RECORDS | {"age": [*RECORDS["age"][:4], value]}

    with pytest.raises(Refused) as caught:
        answer(make_query(), records)

    assert caught.value.rule == "query-range"
    assert "age: sum" in caught.value.expected
    assert f"{value:g}" not in caught.value.expected.replace("-20 to 90", "")


def test_what_is_outside_of_the_window_is_not_judged() -> None:
    records = RECORDS | {"age": [63, 37, 4_000, 56, 12]}
    assert answer(make_query(date_column="day"), records).tolist() == [1, 112, 3, 1, 0, 1, 1]


def test_without_noise_more_records_than_the_query_allows_are_refused() -> None:
    few = make_query(max_records=3)
    with pytest.raises(Refused) as caught:
        answer(few, RECORDS)
    assert caught.value.rule == "query-max-records"
    assert answer(replace(few, date_column="day"), RECORDS)[0] == 1


@pytest.mark.parametrize(
    ("records", "rule"),
    [
        ({name: RECORDS[name] for name in ("age", "sex")}, "records-column"),
        (RECORDS | {"age": [[1, 2], [3, 4]]}, "records-column"),
        (RECORDS | {"age": np.array(RECORDS["day"], "datetime64[D]")}, "records-column"),
        (RECORDS | {"age": RECORDS["age"][:4]}, "records-length"),
    ],
)
def test_a_table_of_another_shape_is_rejected(records: Mapping[str, Any], rule: str) -> None:
    with pytest.raises(BlindsumError) as caught:
        answer(make_query(), records)
    assert caught.value.rule == rule


def test_a_query_that_needs_no_column_cannot_count_what_it_cannot_see() -> None:
    with pytest.raises(BlindsumError) as caught:
        answer(make_query(cells=count("all")), RECORDS)
    assert caught.value.rule == "records-length"
    assert answer(make_query(cells=count("all"), date_column="day"), RECORDS).tolist() == [3]


# ---- what is sealed


SHORT = make_query("short", cells=count("women", [Condition("sex", 0, 1)]))


def test_a_shorter_answer_is_padded_with_zeros() -> None:
    manifest = statistics(make_query(), SHORT)
    integers = encode_statistic(1, RECORDS, manifest, drawn())

    assert integers.dtype == np.int64
    assert integers.tolist() == [2, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(("version", "rule"), [(2, "query-left"), (-1, "query-left")])
def test_a_version_without_a_query_is_refused(version: int, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        encode_statistic(version, RECORDS, statistics(make_query(), SHORT), drawn())
    assert caught.value.rule == rule


def test_a_study_that_trains_asks_nothing() -> None:
    trains = build_study(4, 2, 3, 5).body
    with pytest.raises(Refused) as caught:
        encode_statistic(0, RECORDS, trains, drawn())
    assert caught.value.rule == "study-kind"


def exact_levels(manifest: Manifest, query: Query, records: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """The sum before rounding and noise, in levels."""
    codec = study_codec(manifest, query.norm)
    total, report = sum_units(units_of(query, records, manifest.vector_length), codec)
    assert report.clipped == 0
    return total / 2**12


def test_privately_every_permitted_record_counts_in_full_and_none_is_clipped() -> None:
    manifest = privately(statistics(make_query(), SHORT))
    assert manifest.privacy is not None
    query, levels = make_query(), manifest.privacy.levels
    scale = query.norm * np.array([cell.scale for cell in query.cells]) / levels

    sums = exact_levels(manifest, query, RECORDS) * scale

    assert sums == pytest.approx(answer(query, RECORDS), abs=0.01 * max(scale))
    extreme = {"age": [90, -20], "sex": [0, 1], "disease": [1, 1]}
    assert exact_levels(manifest, query, extreme)[1] * scale[1] == pytest.approx(70, abs=0.1)


@pytest.mark.parametrize("value", [91, 40.5, float("inf"), -1e300])
def test_privately_a_record_that_is_not_permitted_adds_nothing_at_all(value: float) -> None:
    manifest = privately(statistics(make_query(), SHORT))
    spoiled = RECORDS | {"age": [value, *RECORDS["age"][1:]]}
    without = {name: values[1:] for name, values in RECORDS.items()}

    found = exact_levels(manifest, make_query(), spoiled)
    if not np.isfinite(value):  # no number: in no cell that asks for the age
        found[0] = exact_levels(manifest, make_query(), without)[0]
    assert found.tolist() == exact_levels(manifest, make_query(), without).tolist()


def test_privately_a_site_takes_part_whatever_its_records_are() -> None:
    manifest = privately(statistics(make_query(max_records=3), replace(SHORT, max_records=3)))
    odd: dict[str, Any] = {"age": [1e9, "x", None, 5, 6], "sex": [0] * 5, "disease": [1] * 5}

    nobody: dict[str, Any] = {name: [] for name in RECORDS}
    for records in (RECORDS, odd, nobody):
        assert encode_statistic(0, records, manifest, drawn()).shape == (7,)


def test_privately_a_table_of_more_records_than_are_summed_is_refused_before_any_round() -> None:
    """Of records that are all in the window, but stand behind older ones, none would be summed."""
    dated = make_query(cells=count("all"), date_column="day", max_records=3)
    table = {"day": ["2025-06-01"] * 3 + ["2026-01-10"] * 2}
    manifest = privately(statistics(dated))
    total, report = sum_units(units_of(dated, table, 1), study_codec(manifest, dated.norm))
    assert (total.tolist(), report.left_out) == ([0], 2)

    with pytest.raises(Refused) as caught:
        check_records(table, manifest)

    assert caught.value.rule == "units-per-client"
    check_records({"day": table["day"][1:4]}, manifest)
    check_records(table, statistics(dated))
    check_records({}, build_study(4, 2, 3, 5).body)


def test_privately_every_value_carries_noise_the_padding_too() -> None:
    manifest = privately(statistics(make_query(), SHORT))
    integers = encode_statistic(1, RECORDS, manifest, drawn())

    assert np.count_nonzero(integers[1:]) == 6


def test_the_builders_are_at_hand_where_a_site_answers() -> None:
    cells = (*count("n"), *mean("m", "age", 0, 99), *histogram("h", {"sex": [0, 1, 2]}))
    assert answer(make_query(cells=cells), RECORDS).tolist() == [5, 209, 5, 2, 3]
