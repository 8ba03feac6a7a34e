"""Units on the fine grid: within the norm in integers for all floats, and each for itself."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from blindsum_crypto.errors import Rejected
from blindsum_rules.codec import unit_sum
from blindsum_rules.codec.parameters import FINE_BITS, MAX_LEVELS
from blindsum_rules.codec.unit_sum import UnitGrid, add_units

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

GRID = UnitGrid(clip_norm=1.0, levels=4096)
FINEST = UnitGrid(clip_norm=1.0, levels=MAX_LEVELS)
GRIDS = st.builds(
    UnitGrid,
    clip_norm=st.floats(5e-324, 1.7e308),
    levels=st.integers(1, MAX_LEVELS),
    fine_bits=st.sampled_from([4, FINE_BITS]),
)
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 40))
BATCHES = hnp.arrays(np.float64, SHAPES, elements=st.floats()) | hnp.arrays(
    np.float32, SHAPES, elements=st.floats(width=32)
)
FINITE = hnp.arrays(np.float64, SHAPES, elements=st.floats(allow_nan=False, allow_infinity=False))


@pytest.fixture(params=[None, 1, 7], ids=["whole-rows", "single-values", "pieces-of-7"])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same units whole and cut into pieces, as long ones are."""
    if request.param is not None:
        monkeypatch.setattr(unit_sum, "_CHUNK_VALUES", request.param)


def summed(batch: npt.NDArray[Any], grid: UnitGrid) -> tuple[Integers, int, int]:
    total = np.zeros(batch.shape[1], np.int64)
    return total, *add_units(total, batch, grid)


def alone(unit: npt.NDArray[Any], grid: UnitGrid) -> Integers:
    return summed(unit[np.newaxis], grid)[0]


def exact_squares(grid_vector: Integers) -> int:
    return sum(value * value for value in grid_vector.tolist())


# ---- the norm, in integers


@settings(deadline=None)
@given(BATCHES, GRIDS)
@example(np.full((1, 4), 1.7976931348623157e308), FINEST)
@example(np.full((1, 4), 5e-324), UnitGrid(5e-324, MAX_LEVELS))
@example(np.array([[1.7e308, 5e-324, -1.7e308, math.nan]]), FINEST)
@example(np.array([[0.6, 0.8]]), FINEST)
@example(np.array([[-1.0, 0.0]]), FINEST)
def test_every_unit_whatever_its_floats_is_within_the_norm_in_integers(
    batch: npt.NDArray[Any], grid: UnitGrid
) -> None:
    for unit in batch:
        assert exact_squares(alone(unit, grid)) <= grid.longest**2


@pytest.mark.parametrize("power", range(0, 21, 2))
@pytest.mark.parametrize("length", [1.0, 1 + 2.0**-52, 1e300, 1e-300])
def test_equal_values_whose_grid_values_would_be_whole_pass(power: int, length: float) -> None:
    """Truncation takes nothing away here: only the grid's margin keeps rounding errors inside."""
    size = 1 << power
    grid = UnitGrid(min(length, 1e300), MAX_LEVELS)
    vector = alone(np.full(size, length / math.sqrt(size)), grid)
    whole = grid.longest // (1 << (power // 2))
    assert set(vector.tolist()) <= {whole - 1, whole}
    assert exact_squares(vector) <= grid.longest**2


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("levels", [1, 2, 255, MAX_LEVELS])
def test_one_coordinate_takes_the_whole_norm_but_for_one_fine_step(
    sign: float, levels: int
) -> None:
    grid = UnitGrid(3.0, levels)
    vector = alone(np.array([0.0, sign * 1e9, 5e-324]), grid)
    assert vector.tolist() == [0, int(sign) * (grid.longest - 1), 0]


@settings(deadline=None)
@given(st.integers(1, 400), st.integers(0, 2**32 - 1), st.floats(-140, 140))
def test_a_long_unit_loses_less_than_two_fine_steps_of_its_norm_a_coordinate(
    size: int, seed: int, exponent: float
) -> None:
    """The other side: the grid is as long as it may be, so that no noise is wasted."""
    unit = np.random.default_rng(seed).standard_normal(size)
    unit *= 10.0**exponent * 1000 / np.linalg.norm(unit)
    grid = UnitGrid(10.0**exponent, MAX_LEVELS)
    vector = alone(unit, grid).astype(np.float64)
    wanted = unit / np.linalg.norm(unit) * grid.longest
    assert np.abs(vector - wanted).max() < 2


@settings(deadline=None)
@given(FINITE)
def test_a_unit_within_the_norm_is_only_truncated(batch: Floats) -> None:
    for unit in batch:
        exact = sum((Fraction(float(value)) ** 2 for value in unit), Fraction(0))
        if exact > 1:
            continue
        vector = alone(unit, GRID)
        fine = [Fraction(float(value)) * GRID.longest for value in unit]
        assert all(
            abs(one) <= abs(other) + Fraction(1, 1 << 20) and abs(one - other) < 1 + Fraction(1, 64)
            for one, other in zip(vector.tolist(), fine, strict=True)
        )


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("unit", [[2.0, 0.0], [1.0] * 16, [3.0, -4.0, 0.0]])
def test_a_unit_beyond_the_grids_norm_would_be_rejected(
    unit: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check is no decoration: with a margin to the wrong side it fires."""
    monkeypatch.setattr(unit_sum, "UNIT_MARGIN", 1 + 2.0**-20)
    with pytest.raises(Rejected) as caught:
        alone(np.array(unit), FINEST)
    assert caught.value.rule == "unit-norm"


@pytest.mark.usefixtures("pieces")
def test_the_check_knows_the_norm_to_the_last_integer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a margin: the whole norm passes, and one step in another coordinate is too much."""
    monkeypatch.setattr(unit_sum, "UNIT_MARGIN", 1.0)
    assert alone(np.array([1.0, 0.0]), FINEST).tolist() == [FINEST.longest, 0]
    with pytest.raises(Rejected) as caught:
        alone(np.array([1.0, 1.5 / FINEST.longest]), FINEST)
    assert caught.value.rule == "unit-norm"


@pytest.mark.usefixtures("pieces")
def test_a_norm_that_many_small_values_make_up_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every square is below 2^30, so that all of the norm is in what the low halves carry."""
    monkeypatch.setattr(unit_sum, "UNIT_MARGIN", 1 + 2.0**-10)
    with pytest.raises(Rejected) as caught:
        alone(np.ones(1 << 12), UnitGrid(1.0, 256))
    assert caught.value.rule == "unit-norm"


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("unit", [[1.0, 0.0], [-1.0, 0.0]])
def test_a_value_whose_square_wraps_around_to_zero_is_seen(
    unit: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit_sum, "UNIT_MARGIN", 4.0)
    with pytest.raises(Rejected) as caught:
        alone(np.array(unit), FINEST)
    assert caught.value.rule == "unit-norm"
    assert int((np.array([1 << 32]) ** 2)[0]) == 0


# ---- each unit for itself


@pytest.mark.usefixtures("pieces")
def test_units_long_and_short_odd_and_empty_add_up_to_what_each_is_alone() -> None:
    batch = np.random.default_rng(3).standard_normal((9, 20))
    batch[1] *= 1e-3
    batch[2] *= 1e200
    batch[3, 19] = math.nan
    batch[4, 0] = -math.inf
    batch[5] = 0
    batch[6] = 5e-324
    total, non_finite, clipped = summed(batch, GRID)
    assert np.array_equal(total, np.sum([alone(unit, GRID) for unit in batch], axis=0))
    assert (non_finite, clipped) == (2, 5 - 1)


@settings(deadline=None)
@given(BATCHES, GRIDS, st.data())
def test_putting_zero_in_a_units_place_takes_away_its_own_vector_and_nothing_else(
    batch: npt.NDArray[Any], grid: UnitGrid, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(batch) - 1))
    neighbour = batch.copy()
    neighbour[place] = 0
    change = summed(batch, grid)[0] - summed(neighbour, grid)[0]
    assert np.array_equal(change, alone(batch[place], grid))
    assert exact_squares(change) <= grid.longest**2


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("bad", [math.nan, -math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("place", [0, 7, 19])
def test_a_unit_that_is_not_finite_adds_zero(bad: float, kind: type[Any], place: int) -> None:
    batch = np.full((3, 20), 0.01, kind)
    batch[1, place] = bad
    with_bad = summed(batch, GRID)
    batch[1] = 0
    with_zero = summed(batch, GRID)
    assert np.array_equal(with_bad[0], with_zero[0])
    assert (with_bad[1], with_zero[1]) == (1, 0)


@pytest.mark.parametrize("clip_norm", [1e-300, 0.5, 1.0, 2.0, 1e300])
def test_zeros_and_odd_units_never_count_as_clipped(clip_norm: float) -> None:
    batch = np.array([[0.0, 0.0], [math.nan, 1e308], [math.inf, 0.0], [-0.0, 0.0]])
    assert summed(batch, UnitGrid(clip_norm, 10))[1:] == (2, 0)


def test_finite_values_whose_squares_and_sums_overflow_are_clipped_and_not_dropped() -> None:
    total, non_finite, clipped = summed(np.full((2, 4), 1.7976931348623157e308), GRID)
    assert (non_finite, clipped) == (0, 2)
    assert total.tolist() == [2 * (GRID.longest // 2 - 1)] * 4


@settings(deadline=None)
@given(BATCHES, GRIDS, st.integers(1, 6))
def test_how_units_are_cut_into_batches_changes_nothing(
    batch: npt.NDArray[Any], grid: UnitGrid, at_once: int
) -> None:
    total, *counts = summed(batch, grid)
    parts = np.zeros_like(total)
    counted = np.zeros(2, int)
    for start in range(0, len(batch), at_once):
        counted += add_units(parts, batch[start : start + at_once], grid)
    assert np.array_equal(parts, total)
    assert counted.tolist() == counts


@pytest.mark.parametrize("size", [1, 3, 25, 500, 16_385, 40_000])
def test_memory_layout_and_company_change_nothing(size: int) -> None:
    units = max(2, 70_000 // size)
    batch = np.random.default_rng(7).standard_normal((units, size))
    total, *counts = summed(batch, GRID)
    in_parts = np.zeros_like(total)
    for part in np.array_split(batch, min(units, 100)):
        add_units(in_parts, part, GRID)
    wide = np.zeros((units, 3 * size))
    wide[:, ::3] = batch
    for other in (np.asfortranarray(batch), wide[:, ::3]):
        assert np.array_equal(summed(other, GRID)[0], total)
    assert np.array_equal(in_parts, total)
    assert counts[0] == 0


def test_single_precision_is_read_as_the_same_numbers() -> None:
    batch = np.linspace(-1, 1, 60).reshape(4, 15).astype(np.float32)
    assert np.array_equal(summed(batch, GRID)[0], summed(batch.astype(np.float64), GRID)[0])


def test_the_batch_itself_is_left_as_it_is() -> None:
    batch = np.array([[3.0, math.nan], [3.0, 4.0]])
    before = batch.copy()
    summed(batch, GRID)
    assert np.array_equal(batch, before, equal_nan=True)
