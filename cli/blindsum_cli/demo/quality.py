"""How good the sealed studies' models are, against the same training in clear, pooled and alone.

Labelled everywhere: demo harness, public test set. In a study nobody holds the pooled test records,
and an AUC printed after each round would be an un-noised release about them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_cli.demo.baselines import alone, federated, pooled
from blindsum_cli.demo.heart_disease import HOSPITALS, pooled_test_records, training_records
from blindsum_cli.demo.local_training import Recipe
from blindsum_cli.demo.network import Model, to_vector
from blindsum_cli.demo.scoring import aucs, best_alone

LABEL: Final = "demo harness, public test set"
MOST_DIFFERENCE: Final = 0.005
"""Largest difference of mean AUC between the sealed study and the same study in the clear."""

Row = npt.NDArray[np.float64]
"""AUC of each of the ten splits' models on its own split's test set, shape (10,)."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The AUCs that the demo compares.

    Attributes:
        hospitals: Each hospital alone, by hospital.
        plaintext: Federated averaging in the clear, with the same hospitals absent.
        sealed: The sealed studies, by seal.
        pooled: All records in one place.
        largest_parameter_difference: Between a sealed study's final model and that of the same
            study in the clear: what the codec's rounding, the one thing that sealing adds, left.
    """

    hospitals: Mapping[str, Row]
    plaintext: Row
    sealed: Mapping[str, Row]
    pooled: Row
    largest_parameter_difference: float

    @property
    def best_hospital(self) -> str:
        """The hospital whose own model is best by mean."""
        return best_alone(self.hospitals)

    @property
    def differences(self) -> Mapping[str, float]:
        """|mean AUC of a sealed study - that of the same study in the clear|, by seal."""
        clear = float(self.plaintext.mean())
        return {seal: abs(float(row.mean()) - clear) for seal, row in self.sealed.items()}

    @property
    def holds(self) -> bool:
        """Whether sealing cost no quality."""
        return max(self.differences.values()) <= MOST_DIFFERENCE


def measure(
    finals: Mapping[str, Model], members: Sequence[Sequence[str]], recipe: Recipe, seed: int
) -> Quality:
    """Train what the studies are held against, and score everything on the same test sets.

    Args:
        finals: The final models of the sealed studies, by seal.
        members: The clients of U of each round.
        recipe: How the hospitals trained.
        seed: Which ten splits.
    """
    sites = {hospital: training_records(hospital, seed) for hospital in HOSPITALS}
    test = pooled_test_records(seed)
    absent = {
        number: frozenset(HOSPITALS).difference(present) for number, present in enumerate(members)
    }
    plaintext = federated(sites, recipe, absent)[-1]
    return Quality(
        hospitals={name: aucs(model, test) for name, model in alone(sites, recipe).items()},
        plaintext=aucs(plaintext, test),
        sealed={seal: aucs(model, test) for seal, model in finals.items()},
        pooled=aucs(pooled(sites, recipe), test),
        largest_parameter_difference=max(
            float(np.abs(to_vector(model) - to_vector(plaintext)).max())
            for model in finals.values()
        ),
    )
