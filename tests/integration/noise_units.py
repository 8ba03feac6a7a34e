"""What ten sites send in a study whose sum is known: units on the grid, honest noise or a cheat's.

What a site does in a round is decided here, so that its process and the test agree about it.
"""

from collections.abc import Iterator
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from blindsum_rules.codec.parameters import FINE_BITS
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.unit_sum import UNIT_MARGIN
from blindsum_rules.codec.units import sum_units

DIMENSION = 10**6
SITES = tuple(f"site-{index}" for index in range(10))
CHEAT = SITES[-1]
UNITS = 3
CLIP_NORM = 0.75

HONEST_ROUNDS = (0, 1)
QUIETER_IN = (2, 3)
OMITTED_IN, REUSED_IN = 4, 5
ROUNDS = 6
REUSED_FROM = 1
QUIETER = 0.995

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Behaviour(StrEnum):
    """What a site does about its noise."""

    HONEST = "honest"
    QUIETER = "quieter"  # a share whose deviation is 0.995 times what was promised
    OMITS = "omits"
    REUSES = "reuses"  # the noise of an earlier round


def behaviour(site: str, round_number: int) -> Behaviour:
    """All sites are quieter in two rounds; one omits and reuses its noise in two others."""
    if round_number in QUIETER_IN:
        return Behaviour.QUIETER
    if site == CHEAT and round_number == OMITTED_IN:
        return Behaviour.OMITS
    if site == CHEAT and round_number == REUSED_IN:
        return Behaviour.REUSES
    return Behaviour.HONEST


def levels_of(site: str, round_number: int, codec: UnitCodec) -> Iterator[Integers]:
    """The whole levels of each unit: one with small steps everywhere, one with a single large one.

    Both are shorter than the clip norm's levels, so that nothing is clipped; a third is zero.
    """
    index = SITES.index(site)
    draw = np.random.default_rng((index, round_number))
    yield draw.integers(-2, 3, codec.dimension)
    single = np.zeros(codec.dimension, np.int64)
    single[1000 * round_number + index] = (codec.levels - 1) * (-1) ** index
    yield single
    yield np.zeros(codec.dimension, np.int64)


def units_of(site: str, round_number: int, codec: UnitCodec) -> Iterator[Floats]:
    """A site's units, one batch each: half a fine step beyond whole levels, to be cut off again."""
    fine = codec.levels << FINE_BITS
    for levels in levels_of(site, round_number, codec):
        beyond = (levels << FINE_BITS) + 0.5 * np.sign(levels)
        yield beyond[np.newaxis] * (codec.clip_norm / (fine * UNIT_MARGIN))


def known_levels(site: str, round_number: int, codec: UnitCodec) -> Integers:
    """What a site's units come to: the codec's own exact sum, which lies on the integer grid.

    Whole levels are never moved by the rounding, so all that is added to them is noise.
    """
    total, report = sum_units(units_of(site, round_number, codec), codec)
    expected = sum(levels_of(site, round_number, codec))
    assert report.clipped == 0 == report.left_out
    np.testing.assert_array_equal(total, expected << FINE_BITS)
    return total >> FINE_BITS
