"""Per-record gradients: equal to a plain loop of autograd, in the layout's order, nothing mixed."""

import doctest
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from tests.client.adapters.one_by_one import one_by_one
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from blindsum_client.adapters import torch_records
from blindsum_client.adapters.torch_modules import layout_of
from blindsum_client.adapters.torch_records import record_gradients
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.unit_sum import UnitBatch
from blindsum_rules.codec.units import encode_units, sum_units
from blindsum_rules.model import Layout
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw


def test_the_example_of_the_module_is_true() -> None:
    result = doctest.testmod(torch_records)

    assert result.failed == 0
    assert result.attempted > 4


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("batch_size", [1, 4, 11, 64])
def test_a_perceptrons_rows_are_what_autograd_says_record_by_record(
    perceptron: torch.nn.Module, batch_size: int, kind: torch.dtype
) -> None:
    module = perceptron.to(kind)
    records, targets = torch.randn(11, 5, dtype=kind), torch.arange(11) % 3

    batches = list(record_gradients(module, cross_entropy, records, targets, batch_size=batch_size))

    rows = np.concatenate(batches)
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert rows.shape == (11, layout_of(module).size)
    assert {str(batch.dtype) for batch in batches} == {str(kind).removeprefix("torch.")}
    tolerance = 1e-6 if kind == torch.float32 else 1e-14
    expected = one_by_one(module, cross_entropy, records, targets)
    assert np.abs(expected).max() > 0.1
    assert np.allclose(rows, expected, rtol=0, atol=tolerance)


def test_a_convolutional_networks_rows_are_what_autograd_says(
    convolutional: torch.nn.Module,
) -> None:
    module = convolutional.double()
    records, targets = torch.randn(7, 2, 6, 6, dtype=torch.float64), torch.arange(7) % 3

    rows = np.concatenate(
        list(record_gradients(module, cross_entropy, records, targets, batch_size=3))
    )

    expected = one_by_one(module, cross_entropy, records, targets)
    assert np.abs(expected).max() > 0.1
    assert np.allclose(rows, expected, rtol=0, atol=1e-13)


def test_rows_follow_the_studys_layout_where_it_has_another_order(
    perceptron: torch.nn.Module,
) -> None:
    own = layout_of(perceptron)
    other = Layout(own.arrays[::-1])
    records, targets = torch.randn(3, 5), torch.tensor([0, 1, 2])

    (plain,) = record_gradients(perceptron, cross_entropy, records, targets, batch_size=3)
    (turned,) = record_gradients(
        perceptron, cross_entropy, records, targets, batch_size=3, layout=other
    )

    for row, turned_row in zip(plain, turned, strict=True):
        arrays = own.unflatten(row.astype(np.float32))
        assert np.array_equal(other.flatten(arrays), turned_row)


def test_the_rows_are_units_and_zeroing_a_record_takes_its_own_grid_vector_from_the_sum(
    perceptron: torch.nn.Module,
) -> None:
    codec = UnitCodec(
        clip_norm=0.5,
        dimension=layout_of(perceptron).size,
        levels=1024,
        units_per_client=9,
        share=NoiseLaw(Mechanism.SKELLAM, 100),
    )
    records, targets = torch.randn(9, 5), torch.arange(9) % 3

    def rows() -> Iterator[UnitBatch]:
        return record_gradients(perceptron, cross_entropy, records, targets, batch_size=4)

    integers, report = encode_units(rows(), codec, SeededRandomness(b"records"))
    total, _ = sum_units(rows(), codec)
    every = np.concatenate(list(rows()))
    every[3] = 0.0
    without, _ = sum_units([every], codec)

    assert integers.shape == (codec.dimension,)
    assert (report.units, report.non_finite, report.left_out) == (9, 0, 0)
    assert report.clipped > 0
    own = (total - without).astype(np.float64)
    clip_on_grid = codec.levels * 2**12
    assert 0.9 * clip_on_grid < np.linalg.norm(own) <= clip_on_grid


def test_a_neighbours_values_change_no_bit_of_a_row(perceptron: torch.nn.Module) -> None:
    records, targets = torch.randn(9, 5), torch.arange(9) % 3
    (rows,) = record_gradients(perceptron, cross_entropy, records, targets, batch_size=9)

    for odd in (0.0, 1e6, float("nan"), float("inf")):
        other = records.clone()
        other[4] = odd
        (changed,) = record_gradients(perceptron, cross_entropy, other, targets, batch_size=9)

        assert not np.array_equal(changed[4], rows[4])
        assert np.array_equal(np.delete(changed, 4, axis=0), np.delete(rows, 4, axis=0))


def test_a_last_batch_that_is_not_full_gives_the_bits_of_a_full_one(
    perceptron: torch.nn.Module,
) -> None:
    records, targets = torch.randn(8, 5), torch.arange(8) % 3

    (full,) = record_gradients(perceptron, cross_entropy, records, targets, batch_size=8)
    for count in range(1, 8):
        (part,) = record_gradients(
            perceptron, cross_entropy, records[:count], targets[:count], batch_size=8
        )
        assert np.array_equal(part, full[:count])


def test_a_record_has_the_same_bits_in_every_place_of_a_batch(
    perceptron: torch.nn.Module,
) -> None:
    records, targets = torch.randn(9, 5), torch.arange(9) % 3
    (rows,) = record_gradients(perceptron, cross_entropy, records, targets, batch_size=9)

    for shift in range(1, 9):
        moved, moved_targets = records.roll(shift, 0), targets.roll(shift, 0)
        (turned,) = record_gradients(perceptron, cross_entropy, moved, moved_targets, batch_size=9)
        assert np.array_equal(np.roll(turned, -shift, axis=0), rows)


def test_batches_are_fresh_so_a_list_of_them_is_not_overwritten(
    perceptron: torch.nn.Module,
) -> None:
    records, targets = torch.randn(6, 5), torch.arange(6) % 3

    first, second, third = record_gradients(
        perceptron, cross_entropy, records, targets, batch_size=2
    )

    assert not np.shares_memory(first, second)
    assert not np.array_equal(first, third)


def test_a_module_stays_as_it_was(perceptron: torch.nn.Module) -> None:
    perceptron(torch.ones(2, 5)).sum().backward()
    before = {name: value.clone() for name, value in perceptron.state_dict().items()}
    tensors = list(perceptron.parameters())
    gradients = [tensor.grad.clone() for tensor in tensors if tensor.grad is not None]

    for mode in (True, False):
        perceptron.train(mode)
        list(
            record_gradients(
                perceptron, cross_entropy, torch.randn(4, 5), torch.arange(4) % 3, batch_size=3
            )
        )
        assert perceptron.training is mode

    assert all(torch.equal(value, before[name]) for name, value in perceptron.state_dict().items())
    for tensor, same, gradient in zip(tensors, perceptron.parameters(), gradients, strict=True):
        assert same is tensor
        assert tensor.requires_grad
        assert tensor.grad is not None
        assert torch.equal(tensor.grad, gradient)


class Counting(torch.nn.Module):
    """Writes to a buffer of its own whenever it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(5, 3)
        self.runs: torch.Tensor
        self.register_buffer("runs", torch.zeros(()))

    def forward(self, records: torch.Tensor) -> torch.Tensor:
        """Scaled by how often it ran."""
        self.runs += 1
        scaled: torch.Tensor = self.layer(records) * self.runs
        return scaled


def test_a_buffer_that_a_module_writes_is_for_every_batch_what_it_was() -> None:
    module = Counting()
    records, targets = torch.randn(1, 5).expand(4, 5), torch.zeros(4, dtype=torch.int64)

    batches = list(record_gradients(module, cross_entropy, records, targets, batch_size=2))

    assert module.runs.item() == 0
    assert np.array_equal(batches[0], batches[1])


def test_no_records_make_no_batch(perceptron: torch.nn.Module) -> None:
    none = record_gradients(
        perceptron,
        cross_entropy,
        torch.empty(0, 5),
        torch.empty(0, dtype=torch.int64),
        batch_size=4,
    )

    assert list(none) == []


def test_a_record_that_is_not_finite_comes_as_it_is(perceptron: torch.nn.Module) -> None:
    records = torch.ones(2, 5)
    records[1] = torch.nan

    (rows,) = record_gradients(
        perceptron, cross_entropy, records, torch.tensor([0, 1]), batch_size=2
    )

    assert np.isfinite(rows[0]).all()
    assert np.isnan(rows[1]).any()


def test_a_regression_of_one_output_takes_torchs_losses_as_they_are() -> None:
    module = torch.nn.Linear(3, 1)
    records, targets = torch.randn(6, 3), torch.ones(6, 1)

    (rows,) = record_gradients(
        module, binary_cross_entropy_with_logits, records, targets, batch_size=6
    )

    expected = one_by_one(module, binary_cross_entropy_with_logits, records, targets)
    assert np.allclose(rows, expected, atol=1e-6)
