"""Named numpy arrays: held against the layout by name, shape and kind; nothing rounded."""

import doctest
import subprocess
import sys

import numpy as np
import pytest

from blindsum_client.adapters import numpy_arrays
from blindsum_client.adapters.numpy_arrays import check_arrays, from_arrays, layout_of_arrays
from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.model import Layout, NamedArray

LAYOUT = Layout((NamedArray("weight", (2, 3)), NamedArray("bias", ())))
BEFORE: dict[str, object] = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bias": np.float32(1.0),
}
AFTER: dict[str, object] = {"bias": np.float64(1.5), "weight": np.full((2, 3), 6.0)}


def test_the_example_of_the_module_is_true() -> None:
    assert doctest.testmod(numpy_arrays).failed == 0
    assert doctest.testmod(numpy_arrays).attempted > 3


def test_the_update_is_after_less_before_in_the_layouts_order() -> None:
    update = from_arrays(BEFORE, AFTER, records=7)

    assert list(update.arrays) == ["weight", "bias"]
    assert LAYOUT.flatten(update.arrays).tolist() == [6, 5, 4, 3, 2, 1, 0.5]
    assert update.records == 7


def test_a_given_layout_orders_the_update_whatever_the_arrays_order_is() -> None:
    reversed_layout = Layout(LAYOUT.arrays[::-1])

    update = from_arrays(BEFORE, AFTER, records=7, layout=reversed_layout)

    assert list(update.arrays) == ["bias", "weight"]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, ">f4"])
def test_every_kind_of_floating_point_is_taken_and_subtracted_in_float64(kind: str) -> None:
    before = {"weight": np.array([1.0], kind)}
    after = {"weight": np.array([1.0009765625], kind)}  # the next number of float16 after 1

    update = from_arrays(before, after, records=1)

    assert update.arrays["weight"].dtype == np.float64
    assert update.arrays["weight"].tolist() == [2.0**-10]


def test_arrays_in_another_memory_order_mean_the_same() -> None:
    weight = np.arange(12.0).reshape(3, 4)
    views = {"weight": weight[::-1, ::2].T}

    update = from_arrays({"weight": np.zeros((2, 3))}, views, records=1)

    assert np.array_equal(update.arrays["weight"], [[8, 4, 0], [10, 6, 2]])


def test_missing_and_surplus_arrays_are_named() -> None:
    after = {"weight": AFTER["weight"], "running_mean": np.zeros(3)}

    with pytest.raises(Rejected) as caught:
        from_arrays(BEFORE, after, records=1)

    assert caught.value.rule == "layout"
    assert "missing ['bias'], unknown ['running_mean']" in str(caught.value)


def test_every_array_of_another_shape_is_named_with_both_shapes() -> None:
    wrong = {"weight": np.zeros((3, 2)), "bias": np.zeros(1)}

    with pytest.raises(Rejected) as caught:
        check_arrays(wrong, LAYOUT)

    assert caught.value.rule == "layout"
    assert "weight: expected (2, 3), got (3, 2); bias: expected (), got (1,)" in str(caught.value)


@pytest.mark.parametrize("values", [np.zeros((2, 3), int), np.zeros((2, 3), bool), [[0] * 3] * 2])
def test_what_is_not_floating_point_is_refused_by_the_rule_of_updates(values: object) -> None:
    with pytest.raises(Refused) as caught:
        from_arrays(BEFORE, {**AFTER, "weight": values}, records=1)

    assert caught.value.rule == "integer-array"
    assert "weight" in str(caught.value)


def test_no_records_are_rejected_as_in_an_update() -> None:
    with pytest.raises(Rejected) as caught:
        from_arrays(BEFORE, AFTER, records=0)
    assert caught.value.rule == "records"


def test_neither_model_is_changed() -> None:
    before = {"weight": np.ones(3)}
    after = {"weight": np.full(3, 2.0)}

    change = from_arrays(before, after, records=1).arrays["weight"]

    change += 1.0
    assert before["weight"].tolist() == [1, 1, 1]
    assert after["weight"].tolist() == [2, 2, 2]


def test_a_model_that_became_infinite_makes_no_warning_and_is_left_to_the_encoder() -> None:
    infinite = {"weight": np.array([np.inf, 1.0])}

    change = from_arrays(infinite, infinite, records=1).arrays["weight"]

    assert np.isnan(change[0])
    assert change[1] == 0.0


def test_the_layout_of_arrays_is_theirs_in_their_order() -> None:
    assert layout_of_arrays(BEFORE) == LAYOUT


@pytest.mark.slow
def test_the_adapters_are_loaded_without_torch() -> None:
    program = (
        "import sys, numpy\n"
        "from blindsum_client.adapters.numpy_arrays import from_arrays\n"
        "from blindsum_client.adapters import torch_modules, torch_records\n"
        "model = {'w': numpy.ones(2)}\n"
        "from_arrays(model, model, records=1)\n"
        "torch_modules.from_state_dict(model, model, records=1)\n"
        "assert 'torch' not in sys.modules\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
