"""The update: named changes from numpy or torch, nothing that counts, nothing that is not said."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from blindsum_client.update import Update
from blindsum_crypto.errors import Refused, Rejected

CHANGES = {"weight": np.ones((3, 2), np.float32), "bias": np.zeros(2)}


def test_numpy_arrays_are_taken_as_they_are() -> None:
    update = Update(CHANGES, records=303)

    assert update.records == 303
    assert set(update.arrays) == {"weight", "bias"}
    assert update.arrays["weight"].dtype == np.float32


def test_the_arrays_of_an_update_cannot_be_exchanged() -> None:
    update = Update(CHANGES, records=303)

    with pytest.raises(TypeError):
        update.arrays["weight"] = np.zeros((3, 2))  # type: ignore[index]


def test_a_numpy_count_of_records_is_a_count() -> None:
    assert Update(CHANGES, records=np.int64(7)).records == 7


@pytest.mark.parametrize("records", [0, -1, 2.0, True, "12"])
def test_a_count_of_records_that_is_none_is_rejected(records: int) -> None:
    with pytest.raises(Rejected) as caught:
        Update(CHANGES, records=records)
    assert caught.value.rule == "records"


def test_a_torch_state_dict_of_the_change_is_taken() -> None:
    before, after = torch.nn.Linear(2, 3), torch.nn.Linear(2, 3)
    change = {name: after.state_dict()[name] - value for name, value in before.state_dict().items()}

    update = Update(change, records=5)

    assert set(update.arrays) == {"weight", "bias"}
    expected = (after.weight - before.weight).detach().numpy()
    assert np.array_equal(update.arrays["weight"], expected.astype(np.float64))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_every_floating_tensor_is_taken_with_its_gradient_left_behind(dtype: torch.dtype) -> None:
    tensor = torch.tensor([0.5, -2.0], dtype=dtype, requires_grad=True)

    update = Update({"bias": tensor}, records=1)

    assert update.arrays["bias"].tolist() == [0.5, -2.0]


def test_the_counter_of_a_batch_norm_is_refused_by_its_name() -> None:
    change = torch.nn.BatchNorm1d(4).state_dict()

    with pytest.raises(Refused) as caught:
        Update(change, records=1)

    assert caught.value.rule == "integer-array"
    assert "num_batches_tracked" in str(caught.value)
    assert "int64" in str(caught.value)


@pytest.mark.parametrize(
    "values", [np.array([1, 2]), np.array([True]), np.array([1j]), [3, 4], torch.tensor([True])]
)
def test_what_is_not_floating_point_is_refused(values: object) -> None:
    with pytest.raises(Refused) as caught:
        Update({"counter": values}, records=1)
    assert caught.value.rule == "integer-array"


def test_an_update_shows_neither_a_value_nor_its_records() -> None:
    text = repr(Update({"bias": np.array([0.123456789])}, records=98765))

    assert "bias" in text
    assert "0.1234" not in text
    assert "98765" not in text


@pytest.mark.slow
def test_torch_is_not_loaded_for_a_client_that_hands_in_numpy() -> None:
    program = (
        "import sys, numpy\n"
        "from blindsum_client import Update\n"
        "Update({'w': numpy.ones(2)}, records=1)\n"
        "assert 'torch' not in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
