"""What noise costs: the same training without it and at several epsilons, on the same test sets.

Labelled everywhere: demo harness, public test set. In a study nobody holds the pooled test records,
and an AUC that is printed after a round is an un-noised release about them. Pooled AUC differs by
split more than noise changes it, so only means over the ten splits are told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from blindsum_cli.console import out
from blindsum_cli.demo.heart_disease import (
    HOSPITALS,
    SPLITS,
    Records,
    pooled_test_records,
    training_records,
)
from blindsum_cli.demo.private.descent import mean_of_last, with_noise, without_noise
from blindsum_cli.demo.private.gradients import Arrays, of_split, scores
from blindsum_cli.demo.private.recipe import MOST_LOSS, STATED_EPSILONS, PrivateRecipe
from blindsum_cli.demo.quality import Row
from blindsum_cli.demo.scoring import auc, best_alone
from blindsum_crypto.randomness import SystemRandomness
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import Model

SEALED_SPLIT = 0
"""The split that goes through the processes."""

_TrainOne = Callable[[Sequence[Records]], tuple[Model, ...]]


@dataclass(frozen=True, slots=True)
class PrivateQuality:
    """AUC of each of the ten splits' models on its own split's test set.

    Attributes:
        exact: The same training without noise.
        noisy: With noise, by epsilon; the study's own stands first.
        hospitals: Each hospital alone, by the same training without noise, by hospital.
    """

    exact: Row
    noisy: Mapping[float, Row]
    hospitals: Mapping[str, Row]

    @property
    def best_hospital(self) -> str:
        """The hospital whose own model is best by mean."""
        return best_alone(self.hospitals)

    def loss(self, epsilon: float) -> float:
        """Mean AUC that noise costs at an epsilon; below 0 where chance made it a gain."""
        return float(self.exact.mean() - self.noisy[epsilon].mean())

    @property
    def holds(self) -> bool:
        """Whether noise cost no more than is stated, and the hospitals gain by it all the same.

        Only what is stated is judged: the loss at each stated epsilon that was measured, and at the
        largest of them that the mean is above the best hospital's own.
        """
        best = float(self.hospitals[self.best_hospital].mean())
        stated = [epsilon for epsilon in STATED_EPSILONS if epsilon in self.noisy]
        is_near = all(self.loss(epsilon) <= MOST_LOSS[epsilon] for epsilon in stated)
        return is_near and float(self.noisy[max(stated)].mean()) > best


def epsilons_of(asked: float) -> tuple[float, ...]:
    """The epsilons that a run shows: its own, and the stated ones beside it."""
    return tuple(dict.fromkeys((asked, *STATED_EPSILONS)))


def measure_private(
    sealed: Arrays, manifests: Mapping[float, Manifest], recipe: PrivateRecipe, seed: int
) -> PrivateQuality:
    """Train in one process what did not go through the processes, and score all of it.

    Args:
        sealed: The model that the study's planned rounds came to, through the processes, for
            `SEALED_SPLIT`.
        manifests: The study, and the same with other promises, by epsilon; the study first.
        recipe: How to train.
        seed: Which ten splits.
    """
    bench = _Bench(recipe, seed, next(iter(manifests.values())))
    own = next(iter(manifests))
    noisy: dict[float, Row] = {}
    for epsilon, manifest in manifests.items():
        known = {SEALED_SPLIT: sealed} if epsilon == own else {}
        noisy[epsilon] = bench.row(f"epsilon {epsilon:g}", _noisily(manifest, recipe), known)
    return PrivateQuality(
        exact=bench.row("no noise", bench.exactly),
        noisy=noisy,
        hospitals={
            hospital: bench.row(f"{hospital} alone", bench.exactly, sites=[hospital])
            for hospital in HOSPITALS
        },
    )


def _noisily(manifest: Manifest, recipe: PrivateRecipe) -> _TrainOne:
    randomness = SystemRandomness()
    return lambda sites: with_noise(manifest, sites, recipe, randomness)


class _Bench:
    """Trains one split after the other, and scores each on its own test set."""

    def __init__(self, recipe: PrivateRecipe, seed: int, manifest: Manifest) -> None:
        self._recipe = recipe
        self._manifest = manifest
        self._sites = {hospital: training_records(hospital, seed) for hospital in HOSPITALS}
        self._test = pooled_test_records(seed)

    def exactly(self, sites: Sequence[Records]) -> tuple[Model, ...]:
        return without_noise(self._manifest, sites, self._recipe)

    def row(
        self,
        what: str,
        train: _TrainOne,
        known: Mapping[int, Arrays] | None = None,
        sites: Sequence[str] = HOSPITALS,
    ) -> Row:
        """AUC by split; `known` are models of splits that were trained elsewhere."""
        found = []
        with out.status(f"training in one process: {what}") as status:
            for split in range(SPLITS):
                status.update(f"training in one process: {what}, split {split + 1} of {SPLITS}")
                model = (known or {}).get(split) or self._train(train, split, sites)
                of_test = scores(model, self._test.features[split])
                found.append(auc(of_test, self._test.labels[split]))
        return np.array(found)

    def _train(self, train: _TrainOne, split: int, sites: Sequence[str]) -> Arrays:
        models = train([of_split(self._sites[site], split) for site in sites])
        return mean_of_last(self._manifest, models, self._recipe)
