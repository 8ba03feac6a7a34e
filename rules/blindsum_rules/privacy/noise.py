"""A client's share of noise: which law, and how it is drawn.

One integer sampler serves both mechanisms and both seals, exact but for `TOTAL_VARIATION` a draw;
`alias_table.py`, `skellam_table.py` and `gaussian_table.py` prove that. No floating point takes
part, so the attack on rounded noise (Mironov, CCS 2012) finds nothing to work on. What remains is
computational: the keystream stands for uniform bits.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.alias_table import AliasTable, build_table
from blindsum_rules.privacy.drawing import draw
from blindsum_rules.privacy.gaussian_table import gaussian_terms
from blindsum_rules.privacy.skellam_table import skellam_terms

MAX_VARIANCE: Final = 1 << 32
"""The largest variance of one share: a standard deviation of 65,536, a table of 16 MiB."""

TOTAL_VARIATION: Final = 2.0**-108
"""How far the law of one draw is from the exact one at most, for every permitted variance.

Half of a table's entries N times 2^-127 bounds its rounding; the terms add less than 2^-141. An
entry has a weight only if P(X >= k) > 2^-129 - 2^-141, so k < 13.4 sd + 30 by Bernstein's bound
(see `skellam_table.py`): N < 2^20 for every permitted law. Up to a standard deviation of 38,000 the
distance is below 2^-109. A study of n clients, d values and T rounds is then within n*d*T times
this of the one that was accounted for, which adds (1 + e^epsilon) times as much to delta.
"""

_TABLES_KEPT: Final = 4


class Mechanism(StrEnum):
    """Whose noise it is."""

    SKELLAM = "skellam"
    DISCRETE_GAUSSIAN = "discrete-gaussian"


@dataclass(frozen=True, slots=True)
class NoiseLaw:
    """The law of one coordinate of one client's share.

    Attributes:
        mechanism: Skellam, or discrete Gaussian.
        variance: mu of Sk(mu), or sigma^2 of N_Z(0, sigma^2); an integer from 1 to 2^32.

    Raises:
        Refused: `noise-variance`, when it is no such integer: no noise is no mechanism, and a
            fraction would be another law than the one that was accounted for.
    """

    mechanism: Mechanism
    variance: int

    def __post_init__(self) -> None:
        """Refuse what is not meant."""
        if type(self.variance) is not int or not 1 <= self.variance <= MAX_VARIANCE:
            raise Refused("noise-variance", f"expected 1 to 2^32, an int, got {self.variance!r}")


@lru_cache(maxsize=_TABLES_KEPT)
def noise_table(law: NoiseLaw) -> AliasTable:
    """The law's table, built once and kept for the last four laws; up to 16 MiB each.

    It takes 0.2 s at a standard deviation of 10,000 and grows in proportion.
    """
    if law.mechanism is Mechanism.SKELLAM:
        return build_table(skellam_terms(law.variance))
    return build_table(gaussian_terms(law.variance))


def largest_draw(law: NoiseLaw) -> int:
    """A bound on every single draw, whatever the key: 13.4 deviations and 30 (`TOTAL_VARIATION`).

    Nothing has to be built for it, so that whoever only sums knows it too.
    """
    return math.isqrt(180 * law.variance) + 31


def draw_noise(law: NoiseLaw, count: int, key: bytes) -> npt.NDArray[np.int64]:
    """One client's share of noise for a whole vector.

    Args:
        law: The law of every coordinate.
        count: Coordinates, 0 to 2^40.
        key: 32 secret bytes from `Randomness`, fresh for every call; one key has one use.

    Returns:
        int64, shape (count,), fresh, independent draws within +-`noise_table(law).largest`.

    Raises:
        Refused: `noise-count`; `keystream-key-length`.
    """
    return draw(noise_table(law), count, key)
