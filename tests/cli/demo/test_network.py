"""Ten models in one vector, in a stated layout."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from blindsum_cli.demo.heart_disease import FEATURES, SPLITS
from blindsum_cli.demo.network import (
    LAYOUT,
    VECTOR_LENGTH,
    Logistic,
    Model,
    check_layout,
    from_vector,
    initial_model,
    to_vector,
)
from blindsum_crypto.errors import Rejected


@pytest.fixture
def counted() -> Model:
    """A model whose parameters count up along the vector."""
    return from_vector(np.arange(VECTOR_LENGTH, dtype=np.float32))


def test_the_vector_holds_one_weight_a_feature_and_one_bias_for_every_split() -> None:
    assert VECTOR_LENGTH == SPLITS * (len(FEATURES) + 1) == 270
    assert LAYOUT["split0/weight"] == LAYOUT["split9/weight"] == (26,)
    assert LAYOUT["split0/bias"] == (1,)


def test_the_layout_is_sorted_by_name_so_that_every_way_to_order_it_agrees() -> None:
    assert list(LAYOUT) == sorted(LAYOUT)


def test_a_vector_comes_back_from_named_arrays_bit_for_bit(counted: Model) -> None:
    vector = to_vector(counted)
    assert vector.dtype == np.float32
    np.testing.assert_array_equal(vector, np.arange(VECTOR_LENGTH, dtype=np.float32))
    assert counted["split0/bias"].tolist() == [0.0]
    assert counted["split0/weight"].tolist() == list(range(1, 27))
    assert counted["split1/bias"].tolist() == [27.0]


def test_the_order_in_which_arrays_are_handed_in_does_not_matter(counted: Model) -> None:
    backwards = dict(reversed(counted.items()))
    np.testing.assert_array_equal(to_vector(backwards), to_vector(counted))


def test_named_arrays_are_copies_of_the_vector() -> None:
    vector = np.zeros(VECTOR_LENGTH, dtype=np.float32)
    model = from_vector(vector)
    model["split0/weight"][:] = 1
    assert not vector.any()


@pytest.mark.parametrize(
    "vector",
    [
        np.zeros(VECTOR_LENGTH - 1, np.float32),
        np.zeros(VECTOR_LENGTH, np.float64),
        np.zeros((1, VECTOR_LENGTH), np.float32),
    ],
    ids=["too short", "float64", "two dimensions"],
)
def test_a_vector_of_another_shape_or_dtype_is_rejected(vector: npt.NDArray[np.float32]) -> None:
    with pytest.raises(Rejected) as caught:
        from_vector(vector)
    assert caught.value.rule == "model-layout"


@pytest.mark.parametrize(
    "wrong",
    [
        {"split10/bias": np.zeros(1, np.float32)},
        {"split3/weight": np.zeros(25, np.float32)},
        {"split3/weight": np.zeros(26, np.float64)},
    ],
    ids=["a name too many", "a shape", "a dtype"],
)
def test_arrays_that_do_not_fit_the_layout_are_rejected(wrong: Model) -> None:
    with pytest.raises(Rejected) as caught:
        check_layout(initial_model() | wrong)
    assert caught.value.rule == "model-layout"


def test_a_missing_array_is_rejected_by_the_network_and_by_the_vector() -> None:
    model = initial_model()
    del model["split4/bias"]
    for use in (to_vector, Logistic):
        with pytest.raises(Rejected) as caught:
            use(model)
        assert caught.value.rule == "model-layout"


def test_the_first_model_is_all_zeros_and_undecided() -> None:
    features = torch.ones(SPLITS, 3, len(FEATURES))
    assert not to_vector(initial_model()).any()
    assert not Logistic(initial_model())(features).any()


def test_every_splits_model_sees_its_own_records_alone(counted: Model) -> None:
    generator = np.random.default_rng(1)
    features = generator.normal(size=(SPLITS, 4, len(FEATURES))).astype(np.float32)
    logits = Logistic(counted)(torch.from_numpy(features)).detach().numpy()
    for split in range(SPLITS):
        weight, bias = counted[f"split{split}/weight"], counted[f"split{split}/bias"]
        by_hand = features[split].astype(np.float64) @ weight.astype(np.float64) + bias
        np.testing.assert_allclose(logits[split], by_hand, rtol=1e-4, atol=1e-3)


def test_a_network_gives_back_the_model_that_it_was_built_from(counted: Model) -> None:
    network = Logistic(counted)
    model = network.to_model()
    np.testing.assert_array_equal(to_vector(model), to_vector(counted))
    model["split0/bias"][:] = 9
    assert network.to_model()["split0/bias"] == counted["split0/bias"]
