"""The demo's model: ten logistic regressions, one a split, that travel as one vector.

One model a split in one vector lets a single sealed round serve all ten splits, so that the demo
can quote a mean and a spread instead of the luck of one split.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from blindsum_cli.demo.heart_disease import FEATURES, SPLITS
from blindsum_crypto.errors import Rejected

Model = dict[str, npt.NDArray[np.float32]]
"""Named float32 arrays, in the order of `LAYOUT`: a model, or an update of one."""

LAYOUT: dict[str, tuple[int, ...]] = {
    name: shape
    for split in range(SPLITS)
    for name, shape in ((f"split{split}/bias", (1,)), (f"split{split}/weight", (len(FEATURES),)))
}
"""Names and shapes in the order in which they stand in the vector, which is sorted by name."""

VECTOR_LENGTH = sum(shape[0] for shape in LAYOUT.values())


class Logistic(torch.nn.Module):
    """Ten logistic regressions that are evaluated side by side."""

    def __init__(self, model: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Take the parameters of a model.

        Args:
            model: Named arrays that fit `LAYOUT`.

        Raises:
            Rejected: `model-layout` if the arrays do not fit `LAYOUT`.
        """
        super().__init__()
        check_layout(model)
        weights = np.stack([model[f"split{split}/weight"] for split in range(SPLITS)])
        biases = np.stack([model[f"split{split}/bias"] for split in range(SPLITS)])
        self.weight = torch.nn.Parameter(torch.from_numpy(weights))
        self.bias = torch.nn.Parameter(torch.from_numpy(biases))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Give each split's model its own records.

        Args:
            features: float32, shape (SPLITS, records, len(FEATURES)).

        Returns:
            Logits of heart disease, float32, shape (SPLITS, records).
        """
        return torch.bmm(features, self.weight.unsqueeze(-1)).squeeze(-1) + self.bias

    def to_model(self) -> Model:
        """Copy the parameters out.

        Returns:
            Named arrays in the order of `LAYOUT`.
        """
        weights = self.weight.detach().numpy()
        biases = self.bias.detach().numpy()
        model: Model = {}
        for split in range(SPLITS):
            model[f"split{split}/bias"] = biases[split].copy()
            model[f"split{split}/weight"] = weights[split].copy()
        return model


def initial_model() -> Model:
    """Build the model of version 0.

    Returns:
        All zeros: the loss is convex, so no random start is needed, and everybody can check it.
    """
    return {name: np.zeros(shape, dtype=np.float32) for name, shape in LAYOUT.items()}


def to_vector(model: Mapping[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Lay named arrays out as one vector.

    Args:
        model: A model or an update that fits `LAYOUT`.

    Returns:
        float32, shape (VECTOR_LENGTH,), arrays in the order of `LAYOUT`.

    Raises:
        Rejected: `model-layout` if the arrays do not fit `LAYOUT`.
    """
    check_layout(model)
    return np.concatenate([model[name] for name in LAYOUT])


def from_vector(vector: npt.NDArray[np.float32]) -> Model:
    """Read named arrays back from one vector.

    Args:
        vector: float32, shape (VECTOR_LENGTH,).

    Returns:
        Copies, in the order of `LAYOUT`.

    Raises:
        Rejected: `model-layout` if length or dtype differ.
    """
    if vector.shape != (VECTOR_LENGTH,) or vector.dtype != np.float32:
        raise Rejected("model-layout", f"expected {VECTOR_LENGTH} float32 values in one dimension")
    model: Model = {}
    start = 0
    for name, shape in LAYOUT.items():
        model[name] = vector[start : start + shape[0]].copy()
        start += shape[0]
    return model


def check_layout(model: Mapping[str, npt.NDArray[np.float32]]) -> None:
    """Check that named arrays are exactly those of `LAYOUT`.

    Args:
        model: A model or an update; the order of its names does not matter.

    Raises:
        Rejected: `model-layout` if a name, a shape or a dtype differs.
    """
    if model.keys() != LAYOUT.keys():
        raise Rejected("model-layout", f"expected the {len(LAYOUT)} named arrays of the demo")
    for name, shape in LAYOUT.items():
        if model[name].shape != shape or model[name].dtype != np.float32:
            raise Rejected("model-layout", f"expected {name} as float32 of shape {shape}")
