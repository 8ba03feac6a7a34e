"""Units that are counted: the joint norm in integers for all floats, and the count by the clip."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.rules.codec.given_randomness import Given

from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.codec import unit_sum
from blindsum_rules.codec.parameters import MAX_LEVELS
from blindsum_rules.codec.rounding import round_stochastically
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.unit_sum import UnitGrid, add_units
from blindsum_rules.codec.units import sum_units
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw

Integers = npt.NDArray[np.int64]

SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 40))
BATCHES = hnp.arrays(np.float64, SHAPES, elements=st.floats()) | hnp.arrays(
    np.float32, SHAPES, elements=st.floats(width=32)
)
GRID = UnitGrid(clip_norm=1.0, levels=1000, count_steps=1 << 20)
FINEST = UnitGrid(clip_norm=1.0, levels=MAX_LEVELS, count_steps=(1 << 30) - 1)


@st.composite
def grids(draw: st.DrawFn) -> UnitGrid:
    levels, fine_bits = draw(st.integers(1, MAX_LEVELS)), draw(st.sampled_from([4, 12]))
    steps = draw(st.integers(1, (levels << fine_bits) - 1))
    return UnitGrid(draw(st.floats(5e-324, 1.7e308)), levels, fine_bits, steps)


def summed(batch: npt.NDArray[Any], grid: UnitGrid) -> tuple[Integers, int, int]:
    total = np.zeros(batch.shape[1] + 1, np.int64)
    return total, *add_units(total, batch, grid)


def alone(unit: npt.NDArray[Any], grid: UnitGrid) -> Integers:
    return summed(unit[np.newaxis], grid)[0]


def exact_squares(vector: Integers) -> int:
    return sum(value * value for value in vector.tolist())


def codec(**changes: Any) -> UnitCodec:  # noqa: ANN401 - any of its numbers
    numbers: dict[str, Any] = {
        "clip_norm": 1.0,
        "dimension": 4,
        "levels": 1000,
        "units_per_client": 5,
        "share": NoiseLaw(Mechanism.SKELLAM, 100),
        "count_steps": 1 << 20,
    }
    return UnitCodec(**(numbers | changes))


# ---- the joint norm


@settings(deadline=None)
@given(BATCHES, grids())
@example(np.full((1, 4), 1.7976931348623157e308), FINEST)
@example(np.array([[0.6, 0.8]]), FINEST)
@example(np.array([[-1.0, 0.0]]), UnitGrid(1.0, MAX_LEVELS, count_steps=1))
@example(np.array([[math.nan, 1.0]]), FINEST)
def test_every_unit_with_its_count_is_within_the_norm_in_integers(
    batch: npt.NDArray[Any], grid: UnitGrid
) -> None:
    for unit in batch:
        vector = alone(unit, grid)
        assert exact_squares(vector) <= grid.longest**2
        assert exact_squares(vector[:-1]) <= grid.reach**2
        finite = bool(np.isfinite(unit).all())
        assert abs(int(vector[-1])) == (grid.count_steps if finite else 0)


@pytest.mark.parametrize("unit", [[2.0, 0.0], [1.0] * 16, [3.0, -4.0, 0.0]])
def test_a_unit_that_fits_without_its_count_and_not_with_it_would_be_rejected(
    unit: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check is no decoration: with a margin to the wrong side it fires."""
    monkeypatch.setattr(unit_sum, "UNIT_MARGIN", 1 + 2.0**-10)
    grid = UnitGrid(1.0, 1000, count_steps=1000 << 11)
    vector = np.array(unit) / np.linalg.norm(unit) * grid.reach * (1 + 2.0**-10)
    assert float(vector @ vector) < grid.longest**2
    with pytest.raises(Rejected) as caught:
        alone(np.array(unit), grid)
    assert caught.value.rule == "unit-norm"


def test_a_count_by_hand_three_within_one_longer_one_odd() -> None:
    grid = UnitGrid(clip_norm=5.0, levels=1, count_steps=2457)  # 4096 * 0.6; the rest is 3277
    batch = np.array([[3.0, 4.0], [0.0, 0.0], [0.5, 0.0], [30.0, 40.0], [math.nan, 0.0]])
    total, non_finite, clipped = summed(batch, grid)
    assert grid.reach == 3277
    assert (non_finite, clipped) == (1, 1)
    assert total[-1] == (3 - 1) * 2457
    # 3/5, 0, 1/10 and again 3/5 of the reach in the first place, each truncated below its margin.
    assert total[:2].tolist() == [1966 + 0 + 327 + 1966, 2621 + 0 + 0 + 2621]


def test_the_count_goes_by_the_comparison_that_clips() -> None:
    drawn = np.random.default_rng(5).standard_normal((400, 7))
    batch = drawn / np.linalg.norm(drawn, axis=1)[:, None]  # all of norm 1, but for last bits
    total, _, clipped = summed(batch, GRID)
    assert 0 < clipped < 400
    assert total[-1] == GRID.count_steps * (400 - 2 * clipped)


def test_without_a_count_nothing_is_other_than_it_was() -> None:
    batch = np.random.default_rng(5).standard_normal((9, 7))
    plain = np.zeros(7, np.int64)
    add_units(plain, batch, UnitGrid(1.0, 1000))
    assert UnitGrid(1.0, 1000).reach == UnitGrid(1.0, 1000).longest
    assert np.abs(plain - summed(batch, UnitGrid(1.0, 1000, count_steps=1))[0][:-1]).max() <= 9


@settings(deadline=None)
@given(BATCHES, grids(), st.integers(1, 6))
def test_how_counted_units_are_cut_into_batches_changes_nothing(
    batch: npt.NDArray[Any], grid: UnitGrid, at_once: int
) -> None:
    whole, *counts = summed(batch, grid)
    parts = np.zeros_like(whole)
    found = [
        add_units(parts, batch[start : start + at_once], grid)
        for start in range(0, len(batch), at_once)
    ]
    assert np.array_equal(whole, parts)
    assert counts == [sum(one) for one in zip(*found, strict=True)]


# ---- neighbours


@settings(deadline=None)
@given(BATCHES, grids(), st.data())
def test_a_unit_that_is_not_there_takes_its_own_vector_away_and_nothing_else(
    batch: npt.NDArray[Any], grid: UnitGrid, data: st.DataObject
) -> None:
    """Zero-out: one that is not finite adds zero everywhere, the count included."""
    place = data.draw(st.integers(0, len(batch) - 1))
    neighbour = batch.copy()
    neighbour[place] = math.nan
    change = summed(batch, grid)[0] - summed(neighbour, grid)[0]
    assert np.array_equal(change, alone(batch[place], grid))
    assert exact_squares(change) <= grid.longest**2


@settings(deadline=None)
@given(BATCHES, grids(), st.data())
def test_another_unit_in_its_place_changes_the_sum_by_two_norms_at_the_most(
    batch: npt.NDArray[Any], grid: UnitGrid, data: st.DataObject
) -> None:
    neighbour = batch.copy()
    neighbour[0] = data.draw(st.sampled_from([0.0, 1e9, -1e-9]))
    change = summed(batch, grid)[0] - summed(neighbour, grid)[0]
    assert exact_squares(change) <= (2 * grid.longest) ** 2


def test_under_equal_theta_neighbours_differ_by_a_rounding_of_the_units_vector_and_its_count() -> (
    None
):
    """Every theta of a 4-bit grid, for gradient and count: the law, exactly."""
    grid = UnitGrid(clip_norm=0.5, levels=1, fine_bits=4, count_steps=6)
    units = np.array([[0.3], [0.1], [7.0]])
    thetas = np.array([(one, other) for one in range(16) for other in range(16)])

    def outputs(total: Integers) -> Integers:
        many = np.broadcast_to(total, thetas.shape).ravel()
        return round_stochastically(many, Given(thetas.ravel().tolist()), 4).reshape(-1, 2)

    for place in range(3):
        neighbour = units.copy()
        neighbour[place] = math.nan
        change = outputs(summed(units, grid)[0]) - outputs(summed(neighbour, grid)[0])
        own = outputs(alone(units[place], grid))
        assert sorted(map(tuple, change.tolist())) == sorted(map(tuple, own.tolist()))


# ---- the codec


def test_a_codec_with_a_count_takes_units_one_value_shorter_and_bounds_the_count_too() -> None:
    private = codec()
    total, report = sum_units([np.full((9, 3), 0.1)], private)
    assert private.unit_length == 3
    assert (report.units, report.left_out) == (5, 4)
    assert total.shape == (4,)
    assert total[-1] == 5 << 20
    assert int(np.abs(total).max()) >> 12 <= private.coordinate_bound


def test_a_unit_with_a_value_for_the_count_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        sum_units([np.zeros((1, 4))], codec())
    assert caught.value.rule == "unit-batch"


@pytest.mark.parametrize(
    "changes",
    [{"count_steps": 1000 << 12}, {"count_steps": -1}, {"count_steps": 1.5}, {"dimension": 1}],
)
def test_a_count_that_leaves_nothing_for_the_unit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        codec(**changes)
    assert caught.value.rule == "unit-codec"
