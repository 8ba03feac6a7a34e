"""A row is the gradient of one record, scaled by public constants: no other record is in it."""

import numpy as np
import pytest

from blindsum_cli.demo.heart_disease import FEATURES, Records, features_of, pooled_test_records
from blindsum_cli.demo.private.gradients import first_model, gradients, of_split, scores
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_client.adapters.numpy_arrays import layout_of_arrays
from blindsum_rules.manifest import Manifest

MODEL = {
    "weight": np.linspace(-1, 1, len(FEATURES), dtype=np.float32)[np.newaxis],
    "bias": np.array([0.25], np.float32),
}


def rows(records: Records, manifest: Manifest, batch_size: int = 128) -> np.ndarray:
    return np.concatenate(list(gradients(MODEL, records, manifest.layout, batch_size)))


def test_the_model_of_version_0_is_zero_and_has_27_values() -> None:
    first = first_model()

    assert layout_of_arrays(first).size == 27
    assert not any(values.any() for values in first.values())


def test_every_row_is_its_records_own_gradient_by_hand(
    manifest: Manifest, first_split: dict[str, Records]
) -> None:
    records = first_split["switzerland"]
    made = rows(records, manifest)

    wrong = 1 / (1 + np.exp(-scores(MODEL, records.features))) - records.labels
    by_hand = {"weight": wrong[:, None] * records.features, "bias": wrong[:, None]}
    expected = np.hstack([by_hand[array.name] for array in manifest.layout.arrays])
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-6)


def test_no_row_changes_by_one_bit_when_all_other_records_of_the_hospital_change(
    manifest: Manifest, first_split: dict[str, Records]
) -> None:
    """A site that scaled by its own mean would carry every record into every row."""
    records = first_split["cleveland"]
    others = Records(1000 * records.features + 7, 1 - records.labels)
    kept = 5
    others.features[kept], others.labels[kept] = records.features[kept], records.labels[kept]

    before, after = rows(records, manifest), rows(others, manifest)
    assert before[kept].tobytes() == after[kept].tobytes()
    changed = [i for i in range(records.count) if before[i].tobytes() != after[i].tobytes()]
    assert len(changed) == records.count - 1


def test_no_row_changes_by_one_bit_when_half_of_the_records_are_gone(
    manifest: Manifest, first_split: dict[str, Records], recipe: PrivateRecipe
) -> None:
    records = first_split["hungary"]
    half = Records(records.features[:100], records.labels[:100])

    before = rows(records, manifest, recipe.batch_size)
    assert before[:100].tobytes() == rows(half, manifest, recipe.batch_size).tobytes()


def test_a_patients_features_are_a_function_of_that_patients_row_alone() -> None:
    row = dict.fromkeys(("sex", "cp", "fbs", "restecg", "exang", "slope", "thal"), "")
    row |= {"age": "65", "trestbps": "150", "chol": "270", "thalch": "140", "oldpeak": "", "ca": ""}

    assert features_of(row)[:6] == [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]


def test_scores_are_logits_of_the_features() -> None:
    test = of_split(pooled_test_records(), 3)
    only_bias = replace_weight(0.0)

    np.testing.assert_array_equal(scores(only_bias, test.features), 0.25)
    assert np.ptp(scores(MODEL, test.features)) > 1


def replace_weight(value: float) -> dict[str, np.ndarray]:
    return {**MODEL, "weight": np.full_like(MODEL["weight"], value)}


@pytest.mark.parametrize("split", [0, 9])
def test_the_records_of_a_split_are_those_of_all(split: int) -> None:
    everybody = pooled_test_records()
    one = of_split(everybody, split)

    np.testing.assert_array_equal(one.features, everybody.features[split])
    assert one.count == everybody.count
