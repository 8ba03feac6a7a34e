"""AUC, by ranks, against the definition and against hand examples."""

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_cli.demo.heart_disease import FEATURES, SPLITS, Records
from blindsum_cli.demo.network import initial_model
from blindsum_cli.demo.scoring import auc, aucs, best_alone, paired_gap, summarise
from blindsum_crypto.errors import Rejected


def _by_definition(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.floating]) -> float:
    """Every ill patient against every other one, ties one half."""
    ill, well = scores[labels == 1][:, None], scores[labels == 0][None, :]
    return float(np.mean((ill > well) + 0.5 * (ill == well)))


@pytest.mark.parametrize(
    ("scores", "labels", "expected"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([1, 2, 3, 4], [1, 1, 0, 0], 0.0),
        ([1, 2, 3, 4], [0, 1, 0, 1], 0.75),
        ([1, 1, 1, 1], [0, 1, 0, 1], 0.5),
        ([0.1, 0.4, 0.4, 0.8], [0, 0, 1, 1], 0.875),
        ([2, 1], [1, 0], 1.0),
    ],
)
def test_auc_agrees_with_examples_worked_by_hand(
    scores: list[float], labels: list[int], expected: float
) -> None:
    assert auc(np.array(scores, dtype=float), np.array(labels, dtype=float)) == expected


@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_auc_agrees_with_its_definition_whatever_the_ties(levels: int, seed: int) -> None:
    generator = np.random.default_rng([levels, seed])
    labels = generator.permutation(np.arange(157) % 3 == 0).astype(np.float32)
    scores = (generator.integers(levels, size=157) + labels).astype(np.float32)
    assert auc(scores, labels) == pytest.approx(_by_definition(scores, labels), abs=1e-12)


def test_auc_does_not_depend_on_the_order_of_records_nor_on_the_scale_of_scores() -> None:
    generator = np.random.default_rng(3)
    scores, labels = generator.normal(size=80), (np.arange(80) % 2).astype(np.float64)
    order = generator.permutation(80)
    assert auc(scores[order], labels[order]) == auc(np.exp(scores), labels) == auc(scores, labels)


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        ([1.0, 2.0], [1.0, 1.0]),
        ([1.0, 2.0], [0.0, 0.0]),
        ([1.0, 2.0, 3.0], [0.0, 1.0, 2.0]),
        ([1.0, 2.0, 3.0], [0.0, 1.0]),
        ([1.0, float("nan")], [0.0, 1.0]),
        ([[1.0, 2.0]], [[0.0, 1.0]]),
        ([], []),
    ],
    ids=["all ill", "nobody ill", "a label of 2", "lengths", "nan", "two dimensions", "empty"],
)
def test_records_that_have_no_auc_are_rejected(scores: list[float], labels: list[float]) -> None:
    with pytest.raises(Rejected) as caught:
        auc(np.array(scores), np.array(labels))
    assert caught.value.rule == "auc-records"


def test_every_model_is_scored_on_its_own_splits_test_set() -> None:
    features = np.zeros((SPLITS, 4, len(FEATURES)), np.float32)
    features[:, :, 0] = [1, 2, 3, 4]
    labels = np.tile(np.array([0, 0, 1, 1], np.float32), (SPLITS, 1))
    model = initial_model()
    model["split2/weight"][0] = 1
    model["split7/weight"][0] = -1
    expected = np.full(SPLITS, 0.5)
    expected[2], expected[7] = 1, 0
    np.testing.assert_array_equal(aucs(model, Records(features, labels)), expected)


def test_test_records_without_ten_splits_are_rejected() -> None:
    records = Records(np.zeros((4, len(FEATURES)), np.float32), np.ones(4, np.float32))
    with pytest.raises(Rejected) as caught:
        aucs(initial_model(), records)
    assert caught.value.rule == "auc-records"


def test_a_summary_gives_mean_sample_deviation_and_range() -> None:
    summary = summarise(np.array([1.0, 2.0, 3.0]))
    assert (summary.mean, summary.deviation) == (2.0, 1.0)
    assert (summary.smallest, summary.largest) == (1.0, 3.0)


def test_a_gap_is_taken_split_by_split() -> None:
    gap = paired_gap(np.array([0.9, 0.7]), np.array([0.8, 0.6]))
    assert gap.mean == pytest.approx(0.1)
    assert gap.deviation == pytest.approx(0.0, abs=1e-12)


def test_a_gap_between_rows_of_different_length_is_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        paired_gap(np.zeros(3), np.zeros(1))
    assert caught.value.rule == "summary-values"


@pytest.mark.parametrize("values", [np.zeros(1), np.zeros(0), np.zeros((2, 2))])
def test_a_summary_of_fewer_than_two_splits_is_rejected(values: npt.NDArray[np.float64]) -> None:
    with pytest.raises(Rejected) as caught:
        summarise(values)
    assert caught.value.rule == "summary-values"


def test_the_best_hospital_alone_is_the_one_with_the_highest_mean() -> None:
    rows = {"a": np.array([0.9, 0.1]), "b": np.array([0.6, 0.6]), "c": np.array([0.5, 0.5])}
    assert best_alone(rows) == "b"


def test_no_hospital_is_not_the_best_one() -> None:
    with pytest.raises(Rejected) as caught:
        best_alone({})
    assert caught.value.rule == "summary-values"
