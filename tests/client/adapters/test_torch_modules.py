"""A torch module's state: named differences out, a round's model in, the module left as it was."""

import doctest
from pathlib import Path

import numpy as np
import pytest
import torch

from blindsum_cli.model_file import read_model, write_arrays
from blindsum_client.adapters import torch_modules
from blindsum_client.adapters.torch_modules import (
    from_module,
    from_state_dict,
    initial_model,
    layout_of,
    load_into,
)
from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.model import Layout, NamedArray

PERCEPTRON = Layout(
    (
        NamedArray("0.weight", (7, 5)),
        NamedArray("0.bias", (7,)),
        NamedArray("2.weight", (3, 7)),
        NamedArray("2.bias", (3,)),
    )
)


def train(module: torch.nn.Module) -> None:
    """Move every parameter that trains by one half, which float32 adds exactly enough."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(0.5)


def test_the_example_of_the_module_is_true() -> None:
    result = doctest.testmod(torch_modules)

    assert result.failed == 0
    assert result.attempted > 4


def test_the_layout_has_the_names_shapes_and_order_of_the_state(
    perceptron: torch.nn.Module,
) -> None:
    assert layout_of(perceptron) == PERCEPTRON


def test_the_initial_model_founds_a_study_with_this_very_layout(
    perceptron: torch.nn.Module, tmp_path: Path
) -> None:
    np.savez(tmp_path / "savez.npz", **initial_model(perceptron))  # type: ignore[arg-type]
    write_arrays(tmp_path / "written.npz", initial_model(perceptron))

    for file in ("savez.npz", "written.npz"):
        layout, model = read_model(tmp_path / file)
        assert layout == PERCEPTRON
        expected = torch.cat([values.ravel() for values in perceptron.state_dict().values()])
        assert np.array_equal(model, expected.numpy())


def test_the_initial_model_is_a_copy_in_float32(perceptron: torch.nn.Module) -> None:
    model = initial_model(perceptron.double())
    before = perceptron.state_dict()["0.bias"].clone()

    model["0.bias"] += 1

    assert {values.dtype for values in model.values()} == {np.dtype(np.float32)}
    assert torch.equal(perceptron.state_dict()["0.bias"], before)


def test_a_round_trip_gives_the_named_difference_in_the_layouts_order(
    perceptron: torch.nn.Module,
) -> None:
    round_model = {name: values * 0 for name, values in initial_model(perceptron).items()}

    left = load_into(perceptron, round_model)
    train(perceptron)
    change = from_state_dict(round_model, perceptron.state_dict(), records=200)

    assert left == ()
    assert change.left_out == ()
    assert list(change.update.arrays) == [array.name for array in PERCEPTRON.arrays]
    assert set(PERCEPTRON.flatten(change.update.arrays)) == {0.5}
    assert change.update.records == 200


def test_a_study_in_another_order_gets_its_own_order(perceptron: torch.nn.Module) -> None:
    before = {name: values.clone() for name, values in perceptron.state_dict().items()}
    layout = Layout(PERCEPTRON.arrays[::-1])

    change = from_state_dict(before, perceptron.state_dict(), records=1, layout=layout)

    assert list(change.update.arrays) == [array.name for array in layout.arrays]


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_a_module_of_any_floating_point_is_loaded_and_read(
    perceptron: torch.nn.Module, kind: torch.dtype
) -> None:
    module = perceptron.to(kind)
    model = {name: values * 0 + 0.25 for name, values in initial_model(module).items()}

    load_into(module, model)
    train(module)
    change = from_module(model, module, records=1)

    assert {tensor.dtype for tensor in module.parameters()} == {kind}
    assert set(PERCEPTRON.flatten(change.update.arrays)) == {0.5}


def test_tensors_that_are_not_contiguous_mean_what_they_show(perceptron: torch.nn.Module) -> None:
    layer = perceptron.get_submodule("0")
    assert isinstance(layer, torch.nn.Linear)
    layer.weight = torch.nn.Parameter(torch.arange(70.0).reshape(10, 7)[::2].T)
    assert not layer.weight.is_contiguous()

    model = initial_model(perceptron)
    load_into(perceptron, {**model, "0.weight": model["0.weight"][::-1, ::-1]})

    assert model["0.weight"].tolist() == [
        [column + row for row in range(0, 70, 14)] for column in range(7)
    ]
    assert layer.weight.tolist() == model["0.weight"][::-1, ::-1].tolist()


def test_loading_leaves_flags_gradients_and_identity_of_a_module(
    perceptron: torch.nn.Module,
) -> None:
    perceptron.eval()
    perceptron(torch.ones(2, 5)).sum().backward()
    tensors = list(perceptron.parameters())
    gradients = [tensor.grad.clone() for tensor in tensors if tensor.grad is not None]

    load_into(perceptron, initial_model(perceptron))
    from_module(initial_model(perceptron), perceptron, records=1)

    assert not perceptron.training
    for tensor, same, gradient in zip(tensors, perceptron.parameters(), gradients, strict=True):
        assert same is tensor
        assert tensor.requires_grad
        assert tensor.is_leaf
        assert tensor.grad is not None
        assert torch.equal(tensor.grad, gradient)


@pytest.mark.parametrize("kind", ["<f2", "<f4", "<f8", ">f4"])
def test_a_model_of_any_floating_point_is_loaded(perceptron: torch.nn.Module, kind: str) -> None:
    model = {
        name: np.full(values.shape, 0.25, kind)
        for name, values in initial_model(perceptron).items()
    }

    load_into(perceptron, model)

    assert {value.dtype for value in perceptron.parameters()} == {torch.float32}
    assert all(value.unique().tolist() == [0.25] for value in perceptron.state_dict().values())


def test_a_model_that_numpy_may_not_write_to_is_loaded(perceptron: torch.nn.Module) -> None:
    model = initial_model(perceptron)
    for values in model.values():
        values.flags.writeable = False

    assert load_into(perceptron, model) == ()


def test_a_model_that_does_not_fit_changes_nothing_of_the_module(
    perceptron: torch.nn.Module,
) -> None:
    before = {name: values.clone() for name, values in perceptron.state_dict().items()}
    model = {name: values + 1 for name, values in initial_model(perceptron).items()}

    more = np.ones(4, np.float32)
    for wrong in ({**model, "2.bias": more}, {**model, "3": more}):
        with pytest.raises(Rejected) as caught:
            load_into(perceptron, wrong)
        assert caught.value.rule == "layout"

    for name, values in perceptron.state_dict().items():
        assert torch.equal(values, before[name])


@pytest.mark.parametrize(
    "module", [torch.nn.LazyLinear(3), torch.nn.Linear(2, 3, device="meta")], ids=["lazy", "meta"]
)
def test_a_module_without_values_is_refused(module: torch.nn.Module) -> None:
    for attempt in (layout_of, initial_model, lambda module: load_into(module, {})):
        with pytest.raises(Refused) as caught:
            attempt(module)
        assert caught.value.rule == "module-without-values"


def test_a_module_in_which_nothing_trains_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        layout_of(torch.nn.BatchNorm1d(3, affine=False), buffers=True)
    assert caught.value.rule == "no-parameters"


def test_a_complex_parameter_is_refused() -> None:
    module = torch.nn.Module()
    module.phase = torch.nn.Parameter(torch.zeros(2, dtype=torch.complex64))

    with pytest.raises(Refused) as caught:
        layout_of(module)

    assert caught.value.rule == "integer-array"
    assert "complex" in str(caught.value)
