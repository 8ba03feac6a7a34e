"""How good the demo's models are: AUC of each split's model on that split's pooled test set.

Demo harness on a public test set: in a study, an AUC that is printed after each round is an
un-noised release about the records it was computed on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from blindsum_cli.demo.heart_disease import SPLITS, Records
from blindsum_cli.demo.network import Logistic, Model
from blindsum_crypto.errors import Rejected


@dataclass(frozen=True, slots=True)
class Summary:
    """A figure over the ten splits.

    Attributes:
        mean: Mean over splits.
        deviation: Sample standard deviation over splits. Splits share records, so it says how
            much one split differs from another, and is no standard error of the mean.
        smallest: Smallest over splits.
        largest: Largest over splits.
    """

    mean: float
    deviation: float
    smallest: float
    largest: float


def auc(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.floating]) -> float:
    """Compute the area under the ROC curve from midranks (Hanley, McNeil 1982).

    Args:
        scores: Shape (records,); larger means more likely ill. Ties count one half.
        labels: Shape (records,); 1 is ill, 0 is not.

    Returns:
        The share of pairs (ill, not ill) whose ill member scores higher, 0 to 1.

    Raises:
        Rejected: `auc-records` if shapes differ, a label is neither 0 nor 1, a score is not
            finite, or either class is empty.
    """
    positive = labels == 1
    ill, well = int(positive.sum()), int((labels == 0).sum())
    if scores.ndim != 1 or scores.shape != labels.shape or ill + well != labels.size:
        raise Rejected("auc-records", "expected one score for each label of 0 or 1")
    if ill == 0 or well == 0 or not np.isfinite(scores).all():
        raise Rejected("auc-records", "expected finite scores and records of both classes")
    _, position, counts = np.unique(scores, return_inverse=True, return_counts=True)
    midranks = np.cumsum(counts) - (counts - 1) / 2
    return float((midranks[position[positive]].sum() - ill * (ill + 1) / 2) / (ill * well))


def aucs(model: Model, test: Records) -> npt.NDArray[np.float64]:
    """Score each of the ten models on its own split's test set.

    Args:
        model: Named arrays of `network.LAYOUT`.
        test: Test records with leading axis `SPLITS`.

    Returns:
        AUC of each split, shape (SPLITS,).

    Raises:
        Rejected: `model-layout` if the model does not fit; `auc-records` if the test records
            have no leading axis of `SPLITS` or a split holds one class only.
    """
    if test.labels.shape[:-1] != (SPLITS,):
        raise Rejected("auc-records", f"expected test records for each of {SPLITS} splits")
    with torch.no_grad():
        logits = Logistic(model)(torch.from_numpy(test.features)).numpy()
    return np.array([auc(logits[split], test.labels[split]) for split in range(SPLITS)])


def summarise(values: npt.NDArray[np.float64]) -> Summary:
    """Summarise one figure over the splits.

    Args:
        values: One value a split, at least two.

    Returns:
        Mean, sample standard deviation, smallest and largest.

    Raises:
        Rejected: `summary-values` if there are fewer than two.
    """
    if values.ndim != 1 or values.size <= 1:
        raise Rejected("summary-values", "expected one value for each of two or more splits")
    return Summary(
        mean=float(values.mean()),
        deviation=float(values.std(ddof=1)),
        smallest=float(values.min()),
        largest=float(values.max()),
    )


def paired_gap(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> Summary:
    """Summarise how far one row of AUCs lies above another, split by split.

    Args:
        ours: One AUC a split.
        theirs: One AUC a split, of the same splits.

    Returns:
        Summary of ours - theirs. Pairing removes what makes a split easy or hard for both.

    Raises:
        Rejected: `summary-values` if the rows differ in length or are shorter than two.
    """
    if ours.shape != theirs.shape:
        raise Rejected("summary-values", "expected two rows over the same splits")
    return summarise(ours - theirs)


def best_alone(rows: Mapping[str, npt.NDArray[np.float64]]) -> str:
    """Name the hospital whose own model has the highest mean AUC.

    Args:
        rows: AUCs over the splits, by hospital.

    Returns:
        The hospital's id. Chosen with the test sets in hand, which favours the hospital alone.

    Raises:
        Rejected: `summary-values` if there is no hospital.
    """
    if not rows:
        raise Rejected("summary-values", "expected at least one hospital")
    return max(rows, key=lambda hospital: float(rows[hospital].mean()))
