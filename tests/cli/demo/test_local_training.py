"""One hospital's half of a round."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from blindsum_cli.demo.heart_disease import FEATURES, SPLITS, Records
from blindsum_cli.demo.local_training import RECIPE, Recipe, train
from blindsum_cli.demo.network import Model, from_vector, initial_model, to_vector
from blindsum_crypto.errors import Refused, Rejected


def _by_hand(model: Model, records: Records, split: int, recipe: Recipe) -> npt.NDArray[np.float64]:
    """Gradient descent on one split, written out in float64 with the formula of the gradient."""
    x = records.features[split].astype(np.float64)
    x = np.concatenate([np.ones((len(x), 1)), x], axis=1)
    y = records.labels[split].astype(np.float64)
    start = np.concatenate([model[f"split{split}/bias"], model[f"split{split}/weight"]])
    w: npt.NDArray[np.float64] = start.astype(np.float64)
    for _ in range(recipe.local_steps):
        gradient = x.T @ (1 / (1 + np.exp(-x @ w)) - y) / len(y)
        w = w - recipe.learning_rate * (gradient + recipe.weight_decay * w)
    update: npt.NDArray[np.float64] = w - start
    return update


@pytest.fixture(scope="module")
def somewhere() -> Model:
    """A model that is not the first one."""
    return from_vector(np.random.default_rng(2).normal(scale=0.25, size=270).astype(np.float32))


@pytest.mark.parametrize("split", [0, 4, 9])
def test_an_update_is_gradient_descent_as_written_out_by_hand(
    sites: dict[str, Records], somewhere: Model, split: int
) -> None:
    records = sites["va-long-beach"]
    update = train(somewhere, records)
    ours = np.concatenate([update[f"split{split}/bias"], update[f"split{split}/weight"]])
    np.testing.assert_allclose(ours, _by_hand(somewhere, records, split, RECIPE), atol=2e-6)


def test_training_again_makes_the_same_update_bit_for_bit(
    sites: dict[str, Records], somewhere: Model
) -> None:
    first, second = (train(somewhere, sites["cleveland"]) for _ in range(2))
    assert to_vector(first).tobytes() == to_vector(second).tobytes()


def test_training_leaves_the_rounds_model_as_it_was(
    sites: dict[str, Records], somewhere: Model
) -> None:
    before = to_vector(somewhere)
    train(somewhere, sites["hungary"])
    np.testing.assert_array_equal(to_vector(somewhere), before)


def test_hospitals_make_different_updates(sites: dict[str, Records]) -> None:
    updates = {hospital: to_vector(train(initial_model(), r)) for hospital, r in sites.items()}
    assert len({update.tobytes() for update in updates.values()}) == len(sites)


def test_the_records_of_one_split_move_that_splits_model_alone(sites: dict[str, Records]) -> None:
    records = sites["switzerland"]
    flipped = records.labels.copy()
    flipped[3] = 1 - flipped[3]
    update = train(initial_model(), records)
    changed = train(initial_model(), Records(records.features, flipped))
    moved = {name for name in update if not np.array_equal(update[name], changed[name])}
    assert moved == {"split3/bias", "split3/weight"}


def test_more_steps_go_further(sites: dict[str, Records]) -> None:
    near = to_vector(train(initial_model(), sites["hungary"], replace(RECIPE, local_steps=1)))
    far = to_vector(train(initial_model(), sites["hungary"]))
    assert np.linalg.norm(far) > np.linalg.norm(near) > 0


@pytest.mark.parametrize(
    ("features", "labels"),
    [
        ((5, len(FEATURES)), (5,)),
        ((3, 5, len(FEATURES)), (3, 5)),
        ((SPLITS, 0, len(FEATURES)), (SPLITS, 0)),
    ],
    ids=["no splits", "three splits", "no records"],
)
def test_records_without_ten_splits_are_rejected(
    features: tuple[int, ...], labels: tuple[int, ...]
) -> None:
    records = Records(np.zeros(features, np.float32), np.zeros(labels, np.float32))
    with pytest.raises(Rejected) as caught:
        train(initial_model(), records)
    assert caught.value.rule == "training-records"


def test_a_model_that_does_not_fit_is_rejected(sites: dict[str, Records]) -> None:
    with pytest.raises(Rejected) as caught:
        train({"weight": np.zeros(26, np.float32)}, sites["cleveland"])
    assert caught.value.rule == "model-layout"


@pytest.mark.parametrize(
    "wrong", [{"rounds": 0}, {"local_steps": 0}, {"learning_rate": 0.0}, {"weight_decay": -0.1}]
)
def test_a_recipe_that_does_not_train_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(Refused) as caught:
        replace(RECIPE, **wrong)  # type: ignore[arg-type]
    assert caught.value.rule == "training-recipe"


def test_training_gives_the_threads_back(sites: dict[str, Records]) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        train(initial_model(), sites["switzerland"])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
