"""How the private demo trains: full-batch gradients of single records, and every number public.

Nothing here was fitted on one hospital. Its numbers were tuned on these very records, as a whole
and without being charged for it: the demo says so beside its figures.
"""

from dataclasses import dataclass
from typing import Final

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_crypto.errors import Refused

STATED_EPSILONS: Final = (3.0, 1.0)
"""Those whose quality is stated; a run shows them beside the one that it was asked for."""

MOST_LOSS: Final = {3.0: 0.015, 1.0: 0.025}
"""The most mean AUC that noise may cost at a stated epsilon, against the same training without."""


@dataclass(frozen=True, slots=True)
class PrivateRecipe:
    """How a model is trained on gradients of single records.

    Attributes:
        rounds: Rounds that are planned, and which the budget pays for at their worst; >= 2.
        clip_norm: C, to which every record's gradient is clipped.
        step: Length of a step along (sum of gradients) / (records * C).
        batch_size: Records whose gradients are made at once: a number of the study, since rows may
            differ in their last bits between batches of two sizes.
        units_per_client: B, the most training records of one hospital.
        reference_units: The public number of training records that sums are divided by.
        delta: The whole delta; well below 1 over all records.
        colluders: c, hospitals that may pool what they know.

    Raises:
        Refused: `demo-planned-rounds`.
    """

    rounds: int = 20
    clip_norm: float = 0.5
    step: float = 4.0
    batch_size: int = 128
    units_per_client: int = 256
    reference_units: int = 690
    delta: float = 1e-5
    colluders: int = 1

    def __post_init__(self) -> None:
        if self.rounds < 2:  # noqa: PLR2004 - the mean of later models needs an earlier one
            raise Refused("demo-planned-rounds", f"expected 2 rounds or more, got {self.rounds}")

    @property
    def averaged(self) -> int:
        """How many of the planned rounds' last models the result is the mean of: half of them."""
        return self.rounds // 2

    @property
    def server_learning_rate(self) -> float:
        """What the mean gradient is multiplied by: the step over C."""
        return self.step / self.clip_norm

    @property
    def most_rounds(self) -> int:
        """The most rounds that may be opened: more than any budget of the planned ones pays.

        A round of all hospitals holds one share of noise more than the smallest permitted one, so
        it costs about (n_eff) / (n_eff + 1) of what was planned for it.
        """
        return len(HOSPITALS) * self.rounds // 2
