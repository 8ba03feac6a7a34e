"""Compression before sealing: only some coordinates of the vector travel, the same for everybody.

The positions are public, so sums of what is sent are dense and exact; and because everybody knows
them they amplify no privacy (dp.md A.4, "Accounting").
"""

from dataclasses import dataclass
from enum import StrEnum

from blindsum_crypto.errors import Refused


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
