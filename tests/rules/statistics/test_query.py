"""Queries: what they refuse, what a record may weigh in them, and which days they share."""

import itertools
import math
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.statistics.conftest import make_query

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.statistics.building import count, histogram, mean
from blindsum_rules.statistics.exclusive import are_exclusive
from blindsum_rules.statistics.query import LEAST, MAX_CELLS, MOST, Cell, Condition


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"name": "Ages"}, "identifier"),
        ({"description": " "}, "query"),
        ({"window_to": date(2026, 1, 1)}, "query-window"),
        ({"max_records": 0}, "query-records"),
        ({"max_records": (1 << 30) + 1}, "query-records"),
        ({"cells": ()}, "query-cells"),
        ({"cells": (*count("a"), *count("a"))}, "query-cells"),
        ({"cells": tuple(Cell(f"{n}") for n in range(MAX_CELLS + 1))}, "query-cells"),
        ({"cells": (Cell("a", group="g"), Cell("b", group="g"))}, "query-group"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(BlindsumError) as caught:
        make_query(**changes)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    "cell",
    [
        {"name": ""},
        {"name": "x" * 201},
        {"name": "a", "highest": 2},
        {"name": "a", "offset": 1},
        {"name": "a", "value_column": "age", "offset": (1 << 31) + 1},
        {"name": "a", "value_column": "age", "lowest": 3, "highest": 2},
        {"name": "a", "value_column": "age", "lowest": 0, "highest": 0},
        {"name": "a", "value_column": "age", "highest": (1 << 31) + 1},
        {"name": "a", "where": (Condition("b"), Condition("a"))},
        {"name": "a", "where": (Condition("a"), Condition("a", 1))},
    ],
)
def test_a_cell_that_cannot_be_meant_is_refused(cell: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        Cell(**cell)
    assert caught.value.rule == "query-cell"


@pytest.mark.parametrize("ends", [(1, 1), (2, 1), (LEAST - 1, 0), (0, MOST + 1)])
def test_a_condition_that_nothing_can_hold_is_refused(ends: tuple[int, int]) -> None:
    with pytest.raises(Refused) as caught:
        Condition("age", *ends)
    assert caught.value.rule == "query-condition"


@pytest.mark.parametrize("edges", [{}, {"age": [1]}, {"age": [1, 1]}, {"age": [2, 1]}])
def test_a_histogram_without_ascending_bins_is_refused(edges: dict[str, list[int]]) -> None:
    with pytest.raises(Refused) as caught:
        histogram("h", edges)
    assert caught.value.rule == "query-histogram"


def test_a_histogram_has_a_cell_for_every_combination_of_bins() -> None:
    cells = histogram("h", {"sex": [0, 1, 2], "age": [0, 40, 90]}, [Condition("site", 1, 2)])

    assert [cell.name for cell in cells] == [
        "h: sex 0, age 0 to 39",
        "h: sex 0, age 40 to 89",
        "h: sex 1, age 0 to 39",
        "h: sex 1, age 40 to 89",
    ]
    assert cells[1].where == (
        Condition("age", 40, 90),
        Condition("sex", 0, 1),
        Condition("site", 1, 2),
    )


def test_a_mean_counts_those_who_have_a_number_and_keeps_a_condition_of_its_own_column() -> None:
    total, number = mean("m", "age", 18, 99, [Condition("age", 18, 100)])

    assert (total.lowest, total.highest, total.value_column) == (18, 99, "age")
    assert total.where == number.where == (Condition("age", 18, 100),)
    assert mean("m", "age", 18, 99)[1].where == (Condition("age"),)


def test_an_offset_moves_what_a_record_adds_and_with_it_the_scale() -> None:
    total, number = mean("m", "age", 20, 90, offset=55)

    assert (total.lowest, total.highest, total.offset, total.scale) == (-35, 35, 55, 35)
    assert (number.offset, number.scale) == (0, 1)


def test_groups_and_lone_cells_count_once_each_in_the_norm() -> None:
    query = make_query()  # a count, a sum, a count, and one group of four

    assert query.norm == pytest.approx(2.0, rel=1e-9)
    assert query.norm > math.sqrt(4)
    assert query.largest_answer == 100 * 90


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(1, 4)), max_size=2
        ),
        min_size=1,
        max_size=4,
    )
)
def test_cells_are_exclusive_exactly_when_no_record_is_in_two(
    drawn: list[list[tuple[str, int, int]]],
) -> None:
    cells = [
        tuple({name: Condition(name, low, low + size) for name, low, size in one}.values())
        for one in drawn
    ]
    points = itertools.product(range(-1, 9), repeat=2)
    twice = any(
        sum(
            all(one.at_least <= {"a": a, "b": b}[one.column] < one.below for one in cell)
            for cell in cells
        )
        > 1
        for a, b in points
    )

    assert are_exclusive(cells) is not twice


def test_a_permitted_record_never_exceeds_the_norm() -> None:
    """In units of each cell's scale: a group adds one at most, and so does every lone cell."""
    query, drawn = make_query(), np.random.default_rng(1)
    ages, sexes, ill = (drawn.integers(*ends, 500) for ends in ((-20, 91), (0, 2), (0, 2)))
    for age, sex, disease in zip(ages, sexes, ill, strict=True):
        record = {"age": age, "sex": sex, "disease": disease}
        row = [
            (record[cell.value_column] if cell.value_column else 1) / cell.scale
            for cell in query.cells
            if all(one.at_least <= record[one.column] < one.below for one in cell.where)
        ]
        assert math.hypot(*row) <= query.norm


@pytest.mark.parametrize(
    ("window", "overlaps"),
    [
        ((date(2025, 12, 1), date(2026, 1, 1)), False),
        ((date(2025, 12, 1), date(2026, 1, 2)), True),
        ((date(2026, 1, 31), date(2026, 3, 1)), True),
        ((date(2026, 2, 1), date(2026, 3, 1)), False),
        ((date(2026, 1, 10), date(2026, 1, 11)), True),
    ],
)
def test_windows_are_half_open(window: tuple[date, date], overlaps: bool) -> None:  # noqa: FBT001
    query = make_query(date_column="day")
    other = replace(query, window_from=window[0], window_to=window[1])

    assert query.overlaps(other) is other.overlaps(query) is overlaps


@pytest.mark.parametrize("columns", [("", ""), ("day", ""), ("admitted", "discharged")])
def test_windows_that_no_common_column_cuts_overlap_whatever_their_days(
    columns: tuple[str, str],
) -> None:
    query = make_query(date_column=columns[0])
    other = make_query(
        window_from=date(2027, 1, 1), window_to=date(2027, 2, 1), date_column=columns[1]
    )

    assert query.overlaps(other)
    assert other.overlaps(query)
