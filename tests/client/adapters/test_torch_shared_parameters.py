"""Gradients of parameters that are used twice, do not train, or are not used at all."""

import numpy as np
import torch
from tests.client.adapters.one_by_one import one_by_one
from torch.nn.functional import cross_entropy, mse_loss

from blindsum_client.adapters.torch_modules import layout_of
from blindsum_client.adapters.torch_records import record_gradients


def test_tied_weights_have_one_gradient_that_is_the_sum_of_both_uses(
    tied: torch.nn.Module,
) -> None:
    module = tied.double()
    records = torch.randn(5, 4, dtype=torch.float64)

    (rows,) = record_gradients(module, mse_loss, records, records, batch_size=5)

    assert rows.shape == (5, 20)
    expected = one_by_one(module, mse_loss, records, records)
    assert np.allclose(rows, expected, rtol=0, atol=1e-14)


def test_a_layer_that_runs_twice_has_one_gradient_too() -> None:
    layer = torch.nn.Linear(5, 5).double()
    weight = layer.weight
    module = torch.nn.Sequential(layer, torch.nn.Tanh(), layer)
    records = torch.randn(5, 5, dtype=torch.float64)

    (rows,) = record_gradients(module, mse_loss, records, records, batch_size=5)

    assert rows.shape == (5, 30)
    assert module[0].weight is weight  # torch's own tying exchanges it: pytorch issue 164759
    assert module[2].weight.requires_grad
    expected = one_by_one(module, mse_loss, records, records)
    assert np.allclose(rows, expected, rtol=0, atol=1e-14)


class Twice(torch.nn.Module):
    """One parameter under two names of one module."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(4, dtype=torch.float64))
        self.shift = self.scale

    def forward(self, records: torch.Tensor) -> torch.Tensor:
        """Both names are used."""
        return torch.tanh(records * self.scale) + self.shift


def test_a_parameter_under_two_names_of_one_module_has_one_gradient() -> None:
    module = Twice()
    records = torch.randn(5, 4, dtype=torch.float64)

    (rows,) = record_gradients(module, mse_loss, records, records, batch_size=5)

    assert module.shift is module.scale
    expected = one_by_one(module, mse_loss, records, records)
    assert np.allclose(rows, expected, rtol=0, atol=1e-14)


class Spared(torch.nn.Module):
    """A frozen layer below one that trains, and a parameter that no output depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.spare = torch.nn.Parameter(torch.ones(2))
        self.frozen = torch.nn.Linear(5, 7).requires_grad_(requires_grad=False)
        self.head = torch.nn.Linear(7, 3)

    def forward(self, records: torch.Tensor) -> torch.Tensor:
        """The head alone trains."""
        logits: torch.Tensor = self.head(torch.tanh(self.frozen(records)))
        return logits


def test_frozen_parameters_have_no_column_and_unused_ones_have_zeros() -> None:
    module = Spared()
    records, targets = torch.randn(4, 5), torch.arange(4) % 3

    (rows,) = record_gradients(module, cross_entropy, records, targets, batch_size=4)

    assert layout_of(module).arrays[0].name == "spare"
    assert rows.shape == (4, 26)
    assert not rows[:, :2].any()
    expected = one_by_one(module, cross_entropy, records, targets)
    assert np.allclose(rows, expected, atol=1e-6)
