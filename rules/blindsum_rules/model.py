"""A model as the protocol knows it: a layout of named arrays and one flat float32 vector."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from blindsum_crypto import domains
from blindsum_crypto.errors import Rejected
from blindsum_crypto.primitives import digest, hkdf, length_prefixed

Model = npt.NDArray[np.float32]
"""A model: shape (layout.size,), float32, the arrays flattened in layout order, C order each."""


@dataclass(frozen=True, slots=True)
class NamedArray:
    """One array of a layout: its name and its shape (all dimensions >= 1; () is a scalar)."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layout:
    """The arrays of a model in the order in which they are laid into the flat vector."""

    arrays: tuple[NamedArray, ...]

    @property
    def size(self) -> int:
        """Number of values of the whole model."""
        return sum(array.size for array in self.arrays)

    def flatten(self, arrays: Mapping[str, npt.ArrayLike]) -> npt.NDArray[np.float64]:
        """Lay named arrays into one float64 vector of shape (size,).

        Raises:
            Rejected: `layout`, when a name is missing or unknown, or a shape differs.
        """
        expected = {array.name for array in self.arrays}
        if set(arrays) != expected:
            raise Rejected(
                "layout",
                f"expected the arrays {sorted(expected)}, "
                f"missing {sorted(expected - set(arrays))}, "
                f"unknown {sorted(set(arrays) - expected)}",
            )
        flat = np.empty(self.size, dtype=np.float64)
        start = 0
        for array in self.arrays:
            values = np.asarray(arrays[array.name], dtype=np.float64)
            if values.shape != array.shape:
                raise Rejected(
                    "layout", f"{array.name}: expected shape {array.shape}, got {values.shape}"
                )
            flat[start : start + array.size] = values.ravel()
            start += array.size
        return flat

    def unflatten(self, flat: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        """Cut one flat vector of shape (size,) into named arrays (copies)."""
        if flat.shape != (self.size,):
            raise Rejected("layout", f"expected shape {(self.size,)}, got {flat.shape}")
        arrays: dict[str, npt.NDArray[np.float32]] = {}
        start = 0
        for array in self.arrays:
            arrays[array.name] = flat[start : start + array.size].reshape(array.shape).copy()
            start += array.size
        return arrays


def encode_model(model: Model) -> bytes:
    """A model's bytes: float32, little-endian, in order."""
    return model.astype("<f4").tobytes()


def decode_model(model_bytes: bytes, size: int) -> Model:
    """Read a model of `size` values.

    Raises:
        Rejected: `model-length`, when the bytes are not exactly 4 a value.
    """
    if len(model_bytes) != 4 * size:
        raise Rejected("model-length", f"expected {4 * size} bytes, got {len(model_bytes)}")
    return np.frombuffer(model_bytes, dtype="<f4").astype(np.float32)


def model_digest(model: Model, salt: bytes = b"") -> bytes:
    """The digest that a spec pins: SHA-256(domain, salt, model); version 0 has no salt.

    From version 1 on the salt comes from the aggregate (`model_salt`): a bare digest would let a
    custodian or auditor test guesses of a small aggregate (docs/specification.md, 8).
    """
    return digest(domains.MODEL, salt, encode_model(model))


def model_salt(aggregate_salt: bytes, round_id: bytes) -> bytes:
    """The salt of the model that follows an aggregate, 32 bytes."""
    return hkdf(aggregate_salt, domains.MODEL_SALT, round_id)


def layout_digest(layout: Layout) -> bytes:
    """A digest over names and shapes, 32 bytes."""
    parts: list[bytes] = []
    for array in layout.arrays:
        shape = b"".join(dimension.to_bytes(8, "big") for dimension in array.shape)
        parts.append(length_prefixed(array.name.encode(), shape))
    return digest(domains.LAYOUT, *parts)
