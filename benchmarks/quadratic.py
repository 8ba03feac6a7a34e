"""Clients that descend one quadratic each through the real codec: how near do they come together?

Client i holds f_i(x) = 1/2 sum_j a_j (x_j - b_ij)^2, with curvatures a_j from 0.1 to 1 and b_ij its
own. In every round it sends one step of its gradient; encoding, residual and next model are those
of the product, only the seal is left out, since it changes no sum.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from blindsum_client.encode import RoundBasis, encode_flat
from blindsum_client.error_feedback import left_of
from blindsum_crypto.primitives import digest
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.manifest import DifferencingScope, Manifest, Party, Schedule, StudyKind
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.next_model import next_model
from blindsum_rules.sparsity import Sparsity

DIMENSION: Final = 1000
CLIENTS: Final = 4
STEP: Final = 0.05
"""With feedback a coordinate takes about d/k steps at once (docs/compression.md)."""

_RECORDS: Final = 1
_NOBODY: Final = Party("nobody", bytes(32))
_STUDY: Final = Manifest(
    study="quadratic",
    purpose="To see whether compressed rounds converge.",
    permit="None is needed for invented numbers.",
    kind=StudyKind.MODEL,
    seals=("ckks",),
    operator=_NOBODY,
    officer=None,
    aggregator=_NOBODY,
    clients=(),
    custodians=(),
    threshold=1,
    quorum=1,
    min_cohort=2,
    min_organisations=1,
    codec=Codec(clip_norm=10.0, levels=(1 << 15) - 2, weight_cap=_RECORDS, weight_scale=1.0),
    layout=Layout((NamedArray("x", (DIMENSION,)),)),
    initial_model_digest=bytes(32),
    update_rule="fedavg",
    server_learning_rate=1.0,
    schedule=Schedule(1, 1, 1, 1, 0, 0),
    no_differencing=DifferencingScope.VERSION,
    not_before_unix=0,
    not_after_unix=1,
)


def distance(rounds: int, sparsity: Sparsity | None, *, feedback: bool) -> float:
    """How far the model is from the optimum after so many rounds, over how far it began.

    Args:
        rounds: How many.
        sparsity: What travels, or None for everything.
        feedback: Whether clients add what was left to their next update.
    """
    study = replace(_STUDY, sparsity=sparsity)
    drawn = SeededRandomness(b"benchmarks/quadratic")
    curvatures = np.linspace(0.1, 1.0, DIMENSION)
    words = np.frombuffer(drawn.bytes(2 * CLIENTS * DIMENSION), "<u2")
    centres = words.reshape(CLIENTS, DIMENSION) / 32768.0 - 1.0
    optimum = centres.mean(axis=0)
    model = np.zeros(DIMENSION, np.float32)
    residuals = [np.zeros(DIMENSION) for _ in centres]
    for number in range(rounds):
        basis = RoundBasis(digest("benchmarks/round", number.to_bytes(8, "big")), model)
        total = np.zeros(study.vector_length, np.int64)
        for client, whole in enumerate(_wholes(model, curvatures, centres, residuals)):
            integers = encode_flat(whole, _RECORDS, basis, study, drawn)
            total += integers
            if feedback:
                residuals[client] = left_of(whole, integers, _RECORDS, basis, study)
        model = next_model(study, model, total, basis.round_id)
    return float(np.linalg.norm(model - optimum) / np.linalg.norm(optimum))


def _wholes(
    model: npt.NDArray[np.float32],
    curvatures: npt.NDArray[np.float64],
    centres: npt.NDArray[np.float64],
    residuals: Sequence[npt.NDArray[np.float64]],
) -> list[npt.NDArray[np.float64]]:
    """Every client's step and what was left of its earlier ones."""
    return [
        STEP * curvatures * (centre - model) + residual
        for centre, residual in zip(centres, residuals, strict=True)
    ]
