"""TenSEAL's usual path: one `ckks_vector` for every 4,096 values, encrypted and serialised.

The parameters are those of TenSEAL's own tutorials: N = 8192, primes of 60, 40 and 40 bits, scale
2^40. All clients share one symmetric key, as they do in the frameworks that use this path, so
whoever holds it opens every client's vector.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tenseal

from problem import COORDINATE_BOUND, Problem

_DEGREE: Final = 8192
_SLOTS: Final = _DEGREE // 2
_PRIME_BITS: Final = (60, 40, 40)
_SCALE: Final = 2.0**40

Ciphertexts = list[bytes]


@dataclass(slots=True, eq=False)
class TensealVectors:
    """Every client's vector through TenSEAL.

    Attributes:
        problem: The vectors.
    """

    problem: Problem
    _context: Any = field(init=False, repr=False)  # Any: TenSEAL has no types
    _sealed: Ciphertexts = field(init=False, repr=False)
    _sum: Sequence[Any] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the key, seal one client's vector and sum all of them."""
        self._context = tenseal.context(
            tenseal.SCHEME_TYPE.CKKS,
            _DEGREE,
            coeff_mod_bit_sizes=list(_PRIME_BITS),
            encryption_type=tenseal.ENCRYPTION_TYPE.SYMMETRIC,
            n_threads=1,
        )
        self._context.global_scale = _SCALE
        self._sealed = self._seal(0)
        self._sum = self._load(self._sealed)
        for client in range(1, self.problem.clients):
            self._sum = self._add(self._seal(client))

    @property
    def payload_bytes(self) -> int:
        """Bytes that one client sends."""
        return sum(map(len, self._sealed))

    def tasks(self) -> dict[str, Callable[[], object]]:
        """What is timed, by row."""
        return {
            "tenseal_seal": lambda: self._seal(0),
            "tenseal_add": lambda: self._add(self._sealed),
            "tenseal_open": self._open,
        }

    def largest_error(self) -> float:
        """How far the opened sum is from the true one, at most, in levels."""
        return float(np.abs(self._open() - self.problem.total).max())

    def _seal(self, client: int) -> Ciphertexts:
        floats = self.problem.levels[client] / COORDINATE_BOUND
        return [
            tenseal.ckks_vector(self._context, floats[start : start + _SLOTS]).serialize()
            for start in range(0, floats.size, _SLOTS)
        ]

    def _load(self, sealed: Ciphertexts) -> Sequence[Any]:
        return [tenseal.ckks_vector_from(self._context, one) for one in sealed]

    def _add(self, sealed: Ciphertexts) -> Sequence[Any]:
        """One more client: parse what it sent, add it to the sum."""
        arrived = self._load(sealed)
        return [total + one for total, one in zip(self._sum, arrived, strict=True)]

    def _open(self) -> npt.NDArray[np.float64]:
        opened = np.concatenate([np.array(one.decrypt()) for one in self._sum])
        levels: npt.NDArray[np.float64] = opened * COORDINATE_BOUND
        return levels
