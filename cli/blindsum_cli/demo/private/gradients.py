"""What a hospital sends in the private demo, before it is clipped: one gradient a record.

A row is a function of one record, of the public constants that scale it (`heart_disease.py`) and of
the round's model: of no other record, of no mean over a site, of nothing kept from earlier rounds.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from blindsum_cli.demo.heart_disease import FEATURES, Records
from blindsum_client.adapters.torch_modules import initial_model, load_into
from blindsum_client.adapters.torch_records import record_gradients
from blindsum_rules.codec.unit_sum import UnitBatch
from blindsum_rules.model import Layout

Arrays = Mapping[str, npt.NDArray[np.floating]]
"""A logistic model: `weight` of shape (1, features) and `bias` of shape (1,)."""


def first_model() -> dict[str, npt.NDArray[np.float32]]:
    """The model of version 0: zeros, in the order of the layout."""
    return {name: np.zeros_like(values) for name, values in initial_model(_module()).items()}


def gradients(
    model: Arrays, records: Records, layout: Layout, batch_size: int
) -> Iterator[UnitBatch]:
    """The gradient of every record's logistic loss, as rows for `encode_units`.

    Args:
        model: The round's model.
        records: Of one split: features of shape (records, features).
        layout: The study's.
        batch_size: Records at once; a number of the study.

    Returns:
        Batches in the records' order; float32, shape (records of the batch, layout.size).
    """
    module = _module()
    load_into(module, {name: values.astype(np.float32) for name, values in model.items()})
    features = torch.from_numpy(records.features)
    labels = torch.from_numpy(records.labels).unsqueeze(-1)
    return record_gradients(
        module,
        binary_cross_entropy_with_logits,
        features,
        labels,
        batch_size=batch_size,
        layout=layout,
    )


def scores(model: Arrays, features: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Logits of heart disease, shape (records,), of features of shape (records, features)."""
    weight, bias = (model[name].astype(np.float64) for name in ("weight", "bias"))
    logits: npt.NDArray[np.float64] = features.astype(np.float64) @ weight[0] + bias[0]
    return logits


def of_split(records: Records, split: int) -> Records:
    """The records of one split out of those of all."""
    return Records(records.features[split], records.labels[split])


def _module() -> torch.nn.Linear:
    return torch.nn.Linear(len(FEATURES), 1)
