"""Compression before sealing: only some coordinates of the vector travel, the same for everybody.

The positions are public, so sums of what is sent are dense and exact; and because everybody knows
them they amplify no privacy (docs/compression.md).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_crypto import domains
from blindsum_crypto.errors import Refused
from blindsum_crypto.keystream import keystream
from blindsum_crypto.primitives import hkdf
from blindsum_rules.model import Model

_WITHOUT_SIGN: Final = np.int32(0x7FFF_FFFF)
_INFINITY: Final = np.int32(0x7F80_0000)
"""The bits of a float32 infinity; those of a NaN are above."""


class SparsityRule(StrEnum):
    """Which coordinates travel.

    `RANDOM_K` draws them anew in every round from the round id. `PRUNE` keeps those where the
    global model is largest, and the others are zero in every following model.
    """

    RANDOM_K = "random-k"
    PRUNE = "prune"


@dataclass(frozen=True, slots=True)
class Sparsity:
    """Which coordinates of an update travel.

    Attributes:
        rule: How they are chosen.
        kept: k, how many; >= 1, fewer than the layout has.

    Raises:
        Refused: `sparsity`.
    """

    rule: SparsityRule
    kept: int

    def __post_init__(self) -> None:
        """Refuse what keeps nothing."""
        if self.kept < 1:
            raise Refused("sparsity", f"kept: expected 1 or more, got {self.kept}")


def positions(sparsity: Sparsity, model: Model, round_id: bytes) -> npt.NDArray[np.int64]:
    """The coordinates that travel in a round: the same on every machine, and public.

    `random-k` gives coordinate i the i-th 64-bit word, little-endian, of the AES-256-CTR keystream
    under HKDF(round id), and takes the k smallest words; of equal words the lower coordinate's.
    Words of a uniform keystream come in every order equally often as long as no two are equal, so
    every k-subset of d coordinates is equally likely but for a tie, which has a probability below
    d^2 / 2^65: 2^-25 for a million coordinates.

    The round id is the digest of a spec that the aggregator writes, who may write many until one
    draws what it likes. That gives it no more than the dense sum of the round would have shown:
    chosen coordinates of one sum over one frozen set. It may starve coordinates, which then never
    move; the positions of every round stand in the transcript for everybody to see.

    `prune` takes the k coordinates where the absolute value of the model that the round starts
    from is largest, of equal ones the lower; a NaN counts as less than every number.

    Args:
        sparsity: The study's rule.
        model: The model that the round starts from, float32, shape (d,), d above k.
        round_id: The round's id, 32 bytes.

    Returns:
        int64, shape (k,), ascending, distinct, within 0 to d - 1.

    Raises:
        Refused: `sparsity`, when the model has not more coordinates than are kept.
    """
    if sparsity.kept >= model.size:
        raise Refused("sparsity", f"expected more than {sparsity.kept} coordinates")
    if sparsity.rule is SparsityRule.RANDOM_K:
        words = keystream(hkdf(round_id, domains.RANDOM_K), 8 * model.size)
        return _smallest(words.view("<u8"), sparsity.kept)
    # A float32 without its sign is ordered as its bits are. Whole numbers are compared, because a
    # trainer may have told its thread to take subnormals for zero.
    sizes = model.view(np.int32) & _WITHOUT_SIGN
    return _smallest(np.where(sizes > _INFINITY, np.int32(1), -sizes), sparsity.kept)


def _smallest(
    keys: npt.NDArray[np.uint64] | npt.NDArray[np.int32], kept: int
) -> npt.NDArray[np.int64]:
    """Where the smallest keys are, of equal ones the first; ascending.

    A partition finds the k-th key in one pass or two where a sort takes twenty, and it is the same
    key whatever algorithm finds it.
    """
    last = np.partition(keys, kept - 1)[kept - 1]
    below = np.flatnonzero(keys < last)
    equal = np.flatnonzero(keys == last)[: kept - below.size]
    return np.sort(np.concatenate([below, equal])).astype(np.int64, copy=False)
