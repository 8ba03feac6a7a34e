"""Per-record gradients: one row a record, in the layout's flat order, for the units of a round.

    >>> import torch
    >>> from torch.nn.functional import cross_entropy
    >>> module, features = torch.nn.Linear(3, 2), torch.zeros(5, 3)
    >>> labels = torch.tensor([0, 1, 1, 0, 1])
    >>> batches = record_gradients(module, cross_entropy, features, labels, batch_size=4)
    >>> [batch.shape for batch in batches]
    [(4, 8), (1, 8)]

Each record goes through the module alone, as a batch of one (`torch.func.vmap` of
`torch.func.grad`, which computes many such batches at once), so that its gradient is a function of
that record and of the round's model. `encode_units` clips each row, and that bounds what a record
can change only if nothing else carries it. `check_record_module` refuses what a module shows; what
no module shows, and a site must leave out (docs/privacy.md, 1):

* momentum, error feedback or anything else that a site keeps from round to round: of one round only
  the sum of these rows may leave;
* standardisation, imputation or vocabularies fitted on the site's records: use public constants;
* weights, learning rates or losses that depend on all records: class weights, or division by the
  site's own count, where the study's public reference count belongs;
* picking, ordering or repeating records by their values: the order given is the order of the rows.

A row must not depend, in its last bits, on how many other records there are, or more would change
with a record than its row. But kernels choose their order of additions by shape, and rows from
batches of two sizes do differ there. So every call here has one shape (the last batch is filled up
and cut); let `batch_size` be a number of the study, not the site's number of records. Rows are
the same bits in every place of a batch and whatever their neighbours are, as the tests see it on
the CPU; `batch_size=1` has no neighbours at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from blindsum_client.adapters.numpy_arrays import check_names
from blindsum_client.adapters.torch_modules import layout_of
from blindsum_client.adapters.torch_record_module import (
    check_record_module,
    check_without_dropout,
)
from blindsum_client.adapters.torch_state import slots_of
from blindsum_crypto.errors import Refused, Rejected
from blindsum_rules.codec.unit_sum import UnitBatch
from blindsum_rules.model import Layout

if TYPE_CHECKING:
    import torch

    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    """A record's loss, a scalar, from the module's output and the target, both batches of one."""


def record_gradients(
    module: torch.nn.Module,
    loss: Loss,
    records: torch.Tensor,
    targets: torch.Tensor,
    *,
    batch_size: int,
    layout: Layout | None = None,
) -> Iterator[UnitBatch]:
    """Make one gradient a record, as rows for `encode_units`.

    Args:
        module: With the round's model in it; its tensors, gradients and flags are left as they are.
        loss: A record's loss, a scalar: of the module's output and the target, both batches of one.
            Torch's losses serve as they are; no mean over the site enters.
        records: Shape (records, ...), on the module's device; may be none.
        targets: Shape (records, ...), of any kind.
        batch_size: Records at once, >= 1, the same at any number of records; memory for twice so
            many gradients is needed.
        layout: The study's layout; by default `layout_of(module)`.

    Returns:
        Batches in the order of the records, each a fresh array of shape (units, layout.size): at
        most `batch_size` units, float64 if a parameter is, else float32. A gradient that is not
        finite comes as it is: `encode_units` counts it as zero.

    Raises:
        Refused: a rule of `check_record_module`; `dropout`, in training mode: `module.eval()`
            makes it deterministic. (A random function without a module of its own is refused by
            torch, as a RuntimeError.) `tied-array`, when two parameters share their values without
            being one; a rule of `layout_of`.
        Rejected: `record-batch`, when records and targets differ in number or the batch size is
            not positive; `layout`, when it does not name exactly the parameters that train;
            `record-loss`, at the first batch, when the loss is no scalar.
    """
    check_record_module(module)
    check_without_dropout(module)
    if records.ndim < 1 or targets.ndim < 1 or len(records) != len(targets) or batch_size < 1:
        raise Rejected(
            "record-batch",
            # No count: how many records a site holds belongs in no log.
            "expected as many records as targets, in one dimension or more, and a batch size of 1 "
            "or more",
        )
    own = _layout_of_gradients(module)
    study = own if layout is None else layout
    _check_layout(study, own)
    return _batches(_gradients_of(module, loss), study, records, targets, batch_size)


def _layout_of_gradients(module: torch.nn.Module) -> Layout:
    own = layout_of(module)
    trained = {name for name, value in module.named_parameters() if value.requires_grad}
    apart = sorted(trained - {array.name for array in own.arrays})
    if apart:
        # Autograd sees two parameters and a layout one tensor: half of the gradient would be lost.
        raise Refused("tied-array", f"expected one shared parameter, not shared values, of {apart}")
    return own


def _check_layout(study: Layout, own: Layout) -> None:
    shapes = {array.name: array.shape for array in own.arrays}
    check_names({array.name for array in study.arrays}, set(shapes))
    wrong = [array.name for array in study.arrays if array.shape != shapes[array.name]]
    if wrong:
        raise Rejected("layout", f"expected the module's shapes, got others for {wrong}")


def _gradients_of(
    module: torch.nn.Module, loss: Loss
) -> Callable[[torch.Tensor, torch.Tensor], dict[str, torch.Tensor]]:
    """The function from a batch of records and targets to gradients by name, record by record."""
    from torch.func import functional_call, grad, vmap  # noqa: PLC0415

    def record_loss(
        trained: dict[str, torch.Tensor],
        fixed: dict[str, torch.Tensor],
        record: torch.Tensor,
        target: torch.Tensor,
    ) -> torch.Tensor:
        # Every slot is named here and torch ties nothing: its own tying swaps a shared submodule's
        # slot twice and leaves the module with the wrong tensor (pytorch issue 164759).
        values = fixed | {slot: trained[name] for slot, name in slots.items()}
        output = functional_call(module, values, (record.unsqueeze(0),), tie_weights=False)
        value = loss(output, target.unsqueeze(0))
        if value.ndim:
            raise Rejected("record-loss", f"expected a scalar, got shape {tuple(value.shape)}")
        return value

    parameters = {name: value for name, value in module.named_parameters() if value.requires_grad}
    first = {id(value): name for name, value in parameters.items()}
    slots = {slot: first[id(value)] for slot, value in slots_of(module) if id(value) in first}
    every = vmap(grad(record_loss), in_dims=(None, None, 0, 0), randomness="error")

    def gradients(records: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
        trained = {name: value.detach() for name, value in parameters.items()}
        # Copies, so that a buffer that the module writes to is, for every batch, what it was.
        copies = {id(value): value.clone() for value in module.buffers()}
        fixed = {slot: copies[id(value)] for slot, value in slots_of(module) if id(value) in copies}
        made: dict[str, torch.Tensor] = every(trained, fixed, records, targets)
        return made

    return gradients


def _batches(
    gradients: Callable[[torch.Tensor, torch.Tensor], dict[str, torch.Tensor]],
    layout: Layout,
    records: torch.Tensor,
    targets: torch.Tensor,
    batch_size: int,
) -> Iterator[UnitBatch]:
    for start in range(0, len(records), batch_size):
        units = min(batch_size, len(records) - start)
        made = gradients(
            _filled_up(records[start : start + units], batch_size),
            _filled_up(targets[start : start + units], batch_size),
        )
        yield _rows(made, layout, units)


def _filled_up(batch: torch.Tensor, batch_size: int) -> torch.Tensor:
    """Repeat the last record up to the batch size: every call has the same shape."""
    missing = batch_size - len(batch)
    if not missing:
        return batch
    import torch  # noqa: PLC0415

    return torch.cat([batch, batch[-1:].expand(missing, *batch.shape[1:])])


def _rows(made: dict[str, torch.Tensor], layout: Layout, units: int) -> UnitBatch:
    """Lay gradients by name into rows, in the layout's order; one pass over the values."""
    import torch  # noqa: PLC0415

    is_double = any(values.dtype == torch.float64 for values in made.values())
    kind = torch.float64 if is_double else torch.float32
    rows = torch.empty((units, layout.size), dtype=kind)
    start = 0
    for array in layout.arrays:
        values = made[array.name][:units].detach()
        rows[:, start : start + array.size] = values.reshape(units, array.size)
        start += array.size
    batch: UnitBatch = rows.numpy()
    return batch
