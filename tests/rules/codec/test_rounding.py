"""The one rounding: exactly a coin a coordinate, and two neighbours differ by no more."""

import numpy as np
import numpy.typing as npt
import pytest
from tests.rules.codec.given_randomness import Given

from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.parameters import FINE_BITS
from blindsum_rules.codec.rounding import round_stochastically

THETAS = 1 << FINE_BITS
SMALL_BITS = 4
SMALL = 1 << SMALL_BITS


def test_the_rounding_has_exactly_the_law_of_its_fine_bits() -> None:
    """Every fraction against all 4,096 coins: rounds up in as many as the fraction says."""
    for level in (-1, 0):
        for fraction in range(THETAS):
            grid = np.full(THETAS, (level << FINE_BITS) + fraction, np.int64)
            rounded = round_stochastically(grid, Given(range(THETAS)))
            ups = rounded - level
            assert ups.min() >= 0
            assert ups.max() <= 1
            assert int(ups.sum()) == fraction


def test_two_neighbours_differ_by_the_rounding_of_their_difference_alone() -> None:
    """Under equal coins, whatever the rest sums to, on all of a 4-bit grid."""
    step = THETAS // 16
    for rest in range(-16 * step, 17 * step, step):
        for difference in range(-16 * step, 17 * step, step):
            with_unit = np.full(THETAS, rest + difference, np.int64)
            without = np.full(THETAS, rest, np.int64)
            change = round_stochastically(with_unit, Given(range(THETAS))) - round_stochastically(
                without, Given(range(THETAS))
            )
            assert set(change.tolist()) <= {difference // THETAS, -(-difference // THETAS)}
            assert int(change.sum()) == difference


def test_only_twelve_bits_of_a_draw_count() -> None:
    grid = np.full(4, 1 << (FINE_BITS - 1), np.int64)
    drawn = [0x0000, 0xF000, 0x0FFF, 0xFFFF]
    assert round_stochastically(grid, Given(drawn)).tolist() == [0, 0, 1, 1]


def test_the_twelve_bits_are_drawn_in_order_across_pieces_and_no_more_are() -> None:
    size = (1 << 15) * 2 + 77
    grid = np.arange(size, dtype=np.int64) * 997 - 10**7
    thetas = np.arange(size) * 31 % THETAS
    randomness = Given(thetas.tolist())
    rounded = round_stochastically(grid, randomness)
    assert np.array_equal(rounded, (grid + thetas) >> FINE_BITS)
    assert randomness.is_used_up
    assert rounded is not grid


@pytest.mark.parametrize("level", [0, 1, -1, 2**48, -(2**48)])
def test_whole_levels_are_never_moved(level: int) -> None:
    grid = np.full(1000, level << FINE_BITS, np.int64)
    rounded = round_stochastically(grid, SeededRandomness(b"whole"))
    assert set(rounded.tolist()) == {level}


# ---- the neighbour law on all of a 4-bit grid, where the clip norm is one level of 16 steps


def rounded_pairs(pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Every (rest, 2) pair under all 256 pairs of theta: shape (256, rest, 2)."""
    thetas = np.stack(np.meshgrid(np.arange(SMALL), np.arange(SMALL)), axis=-1).reshape(-1, 1, 2)
    shape = (SMALL**2, *pairs.shape)
    grid = np.broadcast_to(pairs, shape).ravel()
    randomness = Given(np.broadcast_to(thetas, shape).ravel().tolist())
    rounded = round_stochastically(grid, randomness, SMALL_BITS)
    assert randomness.is_used_up
    return rounded.reshape(shape)


def test_under_every_theta_neighbours_differ_by_a_rounding_of_their_difference() -> None:
    """Not only in law: by (q + theta') >> 4 where theta' is theta moved by the rest, one to one."""
    rests, moves = np.arange(-40, 41), np.arange(-SMALL, SMALL + 1)
    rest, move, theta = (one.ravel() for one in np.meshgrid(rests, moves, np.arange(SMALL)))
    with_unit = round_stochastically(rest + move, Given(theta.tolist()), SMALL_BITS)
    without = round_stochastically(rest, Given(theta.tolist()), SMALL_BITS)
    moved_theta = (rest + theta) % SMALL
    expected = round_stochastically(move, Given(moved_theta.tolist()), SMALL_BITS)
    assert rest.size == 81 * 33 * SMALL
    assert np.array_equal(with_unit - without, expected)
    for one in rests:
        assert np.unique(moved_theta[(rest == one) & (move == 0)]).size == SMALL


@pytest.mark.slow
def test_the_joint_law_of_two_coordinates_is_that_of_the_rounded_difference_alone() -> None:
    """All 797 vectors within the norm, beside all 256 rests, under all 256 pairs of theta."""
    rests = np.stack(np.meshgrid(np.arange(SMALL), np.arange(SMALL)), axis=-1).reshape(-1, 2)
    without = rounded_pairs(rests)
    vectors = [
        (first, second)
        for first in range(-SMALL, SMALL + 1)
        for second in range(-SMALL, SMALL + 1)
        if first * first + second * second <= SMALL * SMALL
    ]
    assert len(vectors) == 797
    base = np.array([1, 8])
    for vector in vectors:
        alone = rounded_pairs(np.array([vector])) @ base
        change = (rounded_pairs(rests + vector) - without) @ base
        assert np.array_equal(np.sort(change, axis=0), np.sort(alone, axis=0).repeat(256, axis=1))


def test_the_control_that_a_rounding_of_the_sum_to_the_nearest_has_no_such_law() -> None:
    """What a unit adds would hang on the others: half a level moves one sum, and another not."""
    half = SMALL // 2
    changes = [(rest + half + half) // SMALL - (rest + half) // SMALL for rest in (0, half)]
    assert changes == [1, 0]
