"""What gradients of records are refused for: a module that mixes them, or does not fit."""

import doctest

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from blindsum_client.adapters import torch_record_module
from blindsum_client.adapters.torch_modules import layout_of
from blindsum_client.adapters.torch_record_module import check_record_module
from blindsum_client.adapters.torch_records import record_gradients
from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.model import Layout


def test_the_example_of_the_module_is_true() -> None:
    result = doctest.testmod(torch_record_module, optionflags=doctest.ELLIPSIS)

    assert result.failed == 0
    assert result.attempted > 2


@pytest.mark.parametrize(
    ("module", "rule"),
    [
        (torch.nn.BatchNorm1d(4), "batch-norm"),
        (torch.nn.BatchNorm2d(4, track_running_stats=False), "batch-norm"),
        (torch.nn.SyncBatchNorm(4), "batch-norm"),
        (torch.nn.LazyBatchNorm1d(), "batch-norm"),
        (torch.nn.InstanceNorm1d(4, track_running_stats=True), "running-statistics"),
        (torch.nn.Embedding(4, 2, max_norm=1.0), "renormalised-embedding"),
        (torch.nn.EmbeddingBag(4, 2, max_norm=1.0), "renormalised-embedding"),
    ],
)
def test_what_carries_a_record_beyond_its_clip_is_refused_by_name(
    module: torch.nn.Module, rule: str
) -> None:
    whole = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ModuleDict({"inner": module}))

    for mode in (True, False):
        whole.train(mode)
        with pytest.raises(Refused) as caught:
            check_record_module(whole)
        assert caught.value.rule == rule
        assert f"1.inner ({type(module).__name__})" in str(caught.value)


@pytest.mark.parametrize(
    "module",
    [
        torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3), torch.nn.GroupNorm(2, 4)),
        torch.nn.InstanceNorm1d(4),
        torch.nn.LayerNorm(4),
        torch.nn.Embedding(4, 2),
        torch.nn.Dropout(0.5),
    ],
)
def test_what_keeps_records_apart_is_not_refused(module: torch.nn.Module) -> None:
    check_record_module(module)


def test_gradients_through_a_batch_norm_are_refused_before_a_record_is_read(
    normed: torch.nn.Module,
) -> None:
    with pytest.raises(Refused) as caught:
        record_gradients(normed, cross_entropy, torch.ones(2, 5), torch.zeros(2), batch_size=2)
    assert caught.value.rule == "batch-norm"


def test_dropout_is_refused_in_training_mode_and_only_there() -> None:
    layers = (torch.nn.Linear(5, 6), torch.nn.Dropout(0.5), torch.nn.Linear(6, 3))
    module = torch.nn.Sequential(*layers)
    records, targets = torch.randn(4, 5), torch.arange(4) % 3

    with pytest.raises(Refused) as caught:
        record_gradients(module, cross_entropy, records, targets, batch_size=2)
    module.eval()
    first, again = (
        np.concatenate(
            list(record_gradients(module, cross_entropy, records, targets, batch_size=2))
        )
        for _ in range(2)
    )

    assert caught.value.rule == "dropout"
    assert "1 (Dropout)" in str(caught.value)
    assert first.any()
    assert np.array_equal(first, again)


def test_dropout_that_drops_nothing_is_not_refused() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(5, 3), torch.nn.Dropout(0.0))

    batches = record_gradients(
        module, cross_entropy, torch.ones(2, 5), torch.tensor([0, 1]), batch_size=2
    )

    assert next(batches).any()


def test_dropout_without_a_module_is_refused_by_torch() -> None:
    def random_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return cross_entropy(torch.nn.functional.dropout(output), target)

    batches = record_gradients(
        torch.nn.Linear(5, 3), random_loss, torch.ones(2, 5), torch.tensor([0, 1]), batch_size=2
    )

    with pytest.raises(RuntimeError, match="random"):
        next(batches)


def test_a_loss_that_is_no_scalar_is_rejected(perceptron: torch.nn.Module) -> None:
    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return cross_entropy(output, target, reduction="none")

    batches = record_gradients(
        perceptron, loss, torch.ones(2, 5), torch.tensor([0, 1]), batch_size=2
    )

    with pytest.raises(Rejected) as caught:
        next(batches)
    assert caught.value.rule == "record-loss"


def test_parameters_that_share_values_without_being_one_are_refused() -> None:
    first, second = torch.nn.Linear(5, 5), torch.nn.Linear(5, 5)
    second.weight.data = first.weight.data
    module = torch.nn.Sequential(first, second)

    with pytest.raises(Refused) as caught:
        record_gradients(module, cross_entropy, torch.ones(2, 5), torch.zeros(2), batch_size=2)

    assert caught.value.rule == "tied-array"
    assert "1.weight" in str(caught.value)


@pytest.mark.parametrize(("targets", "batch_size"), [(2, 1), (4, 1), (3, 0), (3, -1)])
def test_records_without_their_targets_or_a_batch_size_are_rejected(
    perceptron: torch.nn.Module, targets: int, batch_size: int
) -> None:
    with pytest.raises(Rejected) as caught:
        record_gradients(
            perceptron,
            cross_entropy,
            torch.ones(3, 5),
            torch.zeros(targets, dtype=torch.int64),
            batch_size=batch_size,
        )
    assert caught.value.rule == "record-batch"


def test_a_layout_of_another_module_is_rejected(perceptron: torch.nn.Module) -> None:
    own = layout_of(perceptron)
    records, targets = torch.ones(2, 5), torch.tensor([0, 1])
    wider = layout_of(
        torch.nn.Sequential(torch.nn.Linear(6, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3))
    )

    for layout in (Layout(own.arrays[:-1]), wider):
        with pytest.raises(Rejected) as caught:
            record_gradients(
                perceptron, cross_entropy, records, targets, batch_size=2, layout=layout
            )
        assert caught.value.rule == "layout"
