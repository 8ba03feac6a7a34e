"""A client's private contribution: what it sends and reports, and what no record can change."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.rules.codec.given_randomness import Given

from blindsum_crypto.errors import Rejected
from blindsum_crypto.keystream import keystream
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.parameters import FINE_BITS, MAX_LEVELS
from blindsum_rules.codec.rounding import round_stochastically
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.units import UnitReport, encode_units, sum_units
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw, draw_noise

NUMBERS: dict[str, Any] = {
    "clip_norm": 1.0,
    "dimension": 8,
    "levels": 4096,
    "units_per_client": 50,
    "share": NoiseLaw(Mechanism.SKELLAM, 100),
}
LAWS = [NoiseLaw(Mechanism.SKELLAM, 100), NoiseLaw(Mechanism.DISCRETE_GAUSSIAN, 100)]


def codec(**changes: Any) -> UnitCodec:  # noqa: ANN401 - any of its numbers
    return UnitCodec(**(NUMBERS | changes))


def seeded(seed: int = 0) -> SeededRandomness:
    return SeededRandomness(seed.to_bytes(8, "big"))


def some_units(units: int, dimension: int = 8) -> npt.NDArray[np.float64]:
    return np.random.default_rng(units).standard_normal((units, dimension))


class Counting:
    """Randomness that remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.handed: list[bytes] = []
        self._inner = seeded()

    def bytes(self, count: int) -> bytes:
        self.asked.append(count)
        self.handed.append(self._inner.bytes(count))
        return self.handed[-1]


# ---- what is sent


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_what_is_sent_is_the_sum_rounded_once_plus_noise_under_a_key_of_its_own(
    law: NoiseLaw,
) -> None:
    private = codec(share=law)
    drawn = Counting()
    sent, _ = encode_units([some_units(9)], private, drawn)
    key, other_key = drawn.handed
    total, _ = sum_units([some_units(9)], private)
    thetas = keystream(other_key, 2 * 8).view("<u2").tolist()
    noise = draw_noise(law, 8, key)
    assert drawn.asked == [32, 32]
    assert np.array_equal(sent - noise, round_stochastically(total, Given(thetas)))
    assert (sent.dtype, sent.shape) == (np.dtype(np.int64), (8,))


def test_equal_randomness_gives_equal_integers_and_other_randomness_others() -> None:
    first, _ = encode_units([some_units(9)], codec(), seeded(1))
    assert np.array_equal(first, encode_units([some_units(9)], codec(), seeded(1))[0])
    assert not np.array_equal(first, encode_units([some_units(9)], codec(), seeded(2))[0])


def test_every_call_draws_other_keys_for_noise_and_rounding() -> None:
    drawn = Counting()
    for _ in range(3):
        encode_units([some_units(9)], codec(), drawn)
    assert [len(handed) for handed in drawn.handed] == [32] * 6
    assert len(set(drawn.handed)) == 6


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=12))
def test_batches_of_any_size_empty_ones_too_give_the_same(sizes: list[int]) -> None:
    units = some_units(sum(sizes) or 1)[: sum(sizes)]
    cut = np.split(units, np.cumsum(sizes)[:-1]) if sizes else []
    whole, report = encode_units([units], codec(), seeded())
    parts, other = encode_units(cut, codec(), seeded())
    assert np.array_equal(whole, parts)
    assert report == other


def test_only_one_batch_is_ever_held() -> None:
    """The same memory is written again for every batch, as a site with many records does."""
    units = some_units(40)

    def one_memory() -> Iterator[npt.NDArray[np.float64]]:
        memory = np.empty((4, 8))
        for start in range(0, 40, 4):
            memory[:] = units[start : start + 4]
            yield memory
            memory[:] = math.nan

    sent, report = encode_units(one_memory(), codec(), seeded())
    assert np.array_equal(sent, encode_units([units], codec(), seeded())[0])
    assert report.non_finite == 0


@pytest.mark.parametrize("batches", [[], [np.empty((0, 8))], [np.zeros((5, 8))]])
def test_a_client_without_units_or_with_zeros_sends_its_noise(
    batches: list[npt.NDArray[np.float64]],
) -> None:
    sent, report = encode_units(batches, codec(), seeded())
    noise = draw_noise(codec().share, 8, seeded().bytes(32))
    assert np.array_equal(sent, noise)
    assert report.clipped_fraction == 0.0


# ---- nothing that a record holds changes participation or refusals


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, (5, 8), elements=st.floats()),
    st.integers(0, 4),
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
def test_a_record_that_is_not_finite_changes_neither_participation_nor_refusals(
    units: npt.NDArray[np.float64], place: int, bad: float
) -> None:
    """It sends what zeros in its place would have sent, noise and all, for the same randomness."""
    drawn, drawn_for_zero = Counting(), Counting()
    units[place, 3] = bad
    sent, report = encode_units([units], codec(), drawn)
    units[place] = 0
    with_zero, _ = encode_units([units], codec(), drawn_for_zero)
    assert np.array_equal(sent, with_zero)
    assert drawn.handed == drawn_for_zero.handed
    assert report.non_finite >= 1


def test_a_client_all_of_whose_records_are_not_finite_takes_part_with_its_noise() -> None:
    sent, report = encode_units([np.full((7, 8), math.nan)], codec(), seeded())
    assert np.array_equal(sent, draw_noise(codec().share, 8, seeded().bytes(32)))
    assert report == UnitReport(units=7, non_finite=7, clipped=0, left_out=0)
    assert report.clipped_fraction == 0.0


@pytest.mark.parametrize("at_once", [1, 3, 50, 53])
def test_units_beyond_the_most_are_left_out_and_counted_and_not_refused(at_once: int) -> None:
    units = some_units(53)
    batches = [units[start : start + at_once] for start in range(0, 53, at_once)]
    sent, report = encode_units(batches, codec(), seeded())
    first, _ = encode_units([units[:50]], codec(), seeded())
    assert np.array_equal(sent, first)
    assert (report.units, report.left_out) == (50, 3)


# ---- bounds


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, st.tuples(st.integers(0, 6), st.just(8)), elements=st.floats()),
    st.integers(1, MAX_LEVELS),
    st.integers(1, 6),
    st.integers(0, 3),
)
def test_before_noise_no_integer_leaves_the_declared_bound(
    units: npt.NDArray[np.float64], levels: int, most: int, seed: int
) -> None:
    private = codec(levels=levels, units_per_client=most)
    total, _ = sum_units([units], private)
    rounded = round_stochastically(total, seeded(seed))
    assert int(np.abs(rounded).max()) <= most * levels < private.coordinate_bound


@pytest.mark.parametrize("theta", [0, (1 << FINE_BITS) - 1])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_records_that_all_point_one_way_reach_the_bounds_levels(sign: float, theta: int) -> None:
    units = np.zeros((50, 8))
    units[:, 2] = sign * 1e6
    total, _ = sum_units([units], codec())
    rounded = round_stochastically(total, Given([theta] * 8))
    assert 0 <= 50 * 4096 - abs(int(rounded[2])) <= 1
    assert set(np.delete(rounded, 2).tolist()) == {0}


# ---- what is reported, and errors


def test_the_report_counts_and_shows_nothing_else() -> None:
    units = np.full((10, 8), 1e-6)
    units[:3] = 1e6
    units[3, 0] = math.nan
    _, report = encode_units([units], codec(), seeded())
    assert repr(report) == "UnitReport(units=10, non_finite=1, clipped=3, left_out=0)"
    assert report.clipped_fraction == 3 / 9


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros(8),
        np.zeros((2, 7)),
        np.zeros((2, 8, 1)),
        np.zeros((2, 8), np.float16),
        np.zeros((2, 8), np.int64),
        np.zeros((2, 8), np.complex128),
        np.zeros((2, 8), ">f8"),
    ],
    ids=["flat", "short", "deep", "half", "whole", "complex", "swapped"],
)
def test_a_batch_of_another_shape_or_kind_is_rejected(batch: npt.NDArray[Any]) -> None:
    with pytest.raises(Rejected) as caught:
        encode_units([np.zeros((1, 8)), batch], codec(), seeded())
    assert caught.value.rule == "unit-batch"
