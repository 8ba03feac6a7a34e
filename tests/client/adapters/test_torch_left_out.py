"""What of a module's state is sent by rule, and what stays at the site and is listed."""

import numpy as np
import pytest
import torch

from blindsum_client.adapters.torch_modules import (
    from_module,
    from_state_dict,
    initial_model,
    layout_of,
    load_into,
)
from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.model import Layout, NamedArray


def train(module: torch.nn.Module) -> None:
    """Move every parameter that trains by one half, which float32 adds exactly enough."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.requires_grad:
                parameter.add_(0.5)


def test_the_counter_of_a_batch_norm_stays_at_the_site_and_is_listed(
    normed: torch.nn.Module,
) -> None:
    model = initial_model(normed, buffers=True)
    train(normed)

    change = from_state_dict(model, normed.state_dict(), records=1)

    assert "1.running_mean" in change.update.arrays
    assert "1.running_var" in change.update.arrays
    assert change.left_out == ("1.num_batches_tracked",)
    assert load_into(normed, model) == ("1.num_batches_tracked",)


def test_running_statistics_are_in_a_layout_only_if_it_names_them(normed: torch.nn.Module) -> None:
    model = initial_model(normed)
    buffers = ("1.running_mean", "1.running_var", "1.num_batches_tracked")

    assert not any("running" in array.name for array in layout_of(normed).arrays)
    assert from_module(model, normed, records=1).left_out == buffers
    assert load_into(normed, model) == buffers


def test_a_module_whose_layout_names_its_statistics_sends_them(normed: torch.nn.Module) -> None:
    model = initial_model(normed, buffers=True)
    normed(torch.randn(8, 5))

    change = from_module(model, normed, records=8)

    assert list(change.update.arrays) == list(model)
    assert change.update.arrays["1.running_mean"].any()
    assert change.left_out == ("1.num_batches_tracked",)


def test_a_copied_state_dict_serves_as_the_start(normed: torch.nn.Module) -> None:
    before = {name: tensor.clone() for name, tensor in normed.state_dict().items()}
    layout = layout_of(normed, buffers=True)
    train(normed)

    change = from_state_dict(before, normed.state_dict(), records=1, layout=layout)

    assert layout.flatten(change.update.arrays).sum() == pytest.approx(
        0.5 * layout_of(normed).size, abs=1e-5
    )
    assert change.left_out == ("1.num_batches_tracked",)


def test_a_state_dict_with_floats_that_the_layout_does_not_know_is_rejected_unless_said(
    normed: torch.nn.Module,
) -> None:
    model = initial_model(normed)

    with pytest.raises(Rejected) as caught:
        from_state_dict(model, normed.state_dict(), records=1)
    change = from_state_dict(
        model, normed.state_dict(), records=1, leave_out=("1.running_mean", "1.running_var")
    )

    assert caught.value.rule == "layout"
    assert "unknown ['1.running_mean', '1.running_var']" in str(caught.value)
    assert len(change.left_out) == 3


def test_a_layout_that_names_the_counter_is_refused(normed: torch.nn.Module) -> None:
    counter = NamedArray("1.num_batches_tracked", ())
    layout = Layout((*layout_of(normed, buffers=True).arrays, counter))
    state = normed.state_dict()

    with pytest.raises(Refused) as caught:
        from_state_dict(state, state, records=1, layout=layout)
    assert caught.value.rule == "integer-array"
    assert "num_batches_tracked" in str(caught.value)

    model = {**initial_model(normed), counter.name: np.zeros((), np.float32)}
    with pytest.raises(Refused) as caught:
        load_into(normed, model)
    assert caught.value.rule == "integer-array"


def test_what_the_layout_names_cannot_be_left_out(perceptron: torch.nn.Module) -> None:
    model = initial_model(perceptron)

    with pytest.raises(Refused) as caught:
        from_state_dict(model, perceptron.state_dict(), records=1, leave_out=["0.bias"])

    assert caught.value.rule == "left-out-of-layout"


def test_tied_weights_are_sent_once_and_loaded_under_both_names(tied: torch.nn.Module) -> None:
    model = {name: values * 0 for name, values in initial_model(tied).items()}

    assert load_into(tied, model) == ()
    train(tied)
    change = from_state_dict(model, tied.state_dict(), records=1)

    assert [array.name for array in layout_of(tied).arrays] == ["encoder.weight", "decoder.bias"]
    assert change.left_out == ("decoder.weight",)
    assert tied.state_dict()["decoder.weight"].unique().tolist() == [0.5]
    assert change.update.arrays["encoder.weight"].tolist() == np.full((4, 4), 0.5).tolist()


def test_a_layout_that_names_a_shared_tensor_twice_is_refused(tied: torch.nn.Module) -> None:
    both = {name: tensor.numpy().copy() for name, tensor in tied.state_dict().items()}

    for attempt in (
        lambda: from_state_dict(both, tied.state_dict(), records=1),
        lambda: load_into(tied, both),
    ):
        with pytest.raises(Refused) as caught:
            attempt()
        assert caught.value.rule == "tied-array"


def test_a_view_of_another_shape_is_another_array() -> None:
    whole = torch.nn.Module()
    whole.table = torch.nn.Parameter(torch.ones(2, 3))
    whole.first_row = torch.nn.Parameter(whole.table.data[0])

    assert [array.name for array in layout_of(whole).arrays] == ["table", "first_row"]


def test_frozen_parameters_stay_at_the_site(perceptron: torch.nn.Module) -> None:
    perceptron.get_submodule("0").requires_grad_(requires_grad=False)
    model = initial_model(perceptron)
    train(perceptron)

    change = from_module(model, perceptron, records=1)

    assert list(model) == ["2.weight", "2.bias"]
    assert change.left_out == ("0.weight", "0.bias")
    assert load_into(perceptron, model) == ("0.weight", "0.bias")


def test_a_parameter_that_trains_and_is_not_in_the_layout_is_rejected(
    perceptron: torch.nn.Module,
) -> None:
    model = initial_model(perceptron)
    del model["0.bias"]

    for attempt in (
        lambda: from_module(model, perceptron, records=1),
        lambda: load_into(perceptron, model),
    ):
        with pytest.raises(Rejected) as caught:
            attempt()
        assert caught.value.rule == "layout"
        assert "0.bias" in str(caught.value)


def test_state_that_is_no_tensor_stays_at_the_site(perceptron: torch.nn.Module) -> None:
    after: dict[str, object] = {**perceptron.state_dict(), "_extra_state": {"version": 3}}

    change = from_state_dict(initial_model(perceptron), after, records=1)

    assert change.left_out == ("_extra_state",)


def test_a_modules_extra_state_stays_at_the_site() -> None:
    class Versioned(torch.nn.Linear):
        def get_extra_state(self) -> object:
            return {"version": 3}

    module = Versioned(2, 3)
    model = initial_model(module)

    assert list(model) == ["weight", "bias"]
    assert load_into(module, model) == ()
    assert from_state_dict(model, module.state_dict(), records=1).left_out == ("_extra_state",)


def test_a_complex_tensor_is_no_counter_and_is_not_left_out_unasked(
    perceptron: torch.nn.Module,
) -> None:
    after = {**perceptron.state_dict(), "phase": torch.zeros(2, dtype=torch.complex64)}

    with pytest.raises(Rejected) as caught:
        from_state_dict(initial_model(perceptron), after, records=1)

    assert caught.value.rule == "layout"
    assert "phase" in str(caught.value)
