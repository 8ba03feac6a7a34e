"""The next model is one function of model and aggregate, to the last bit."""

import hashlib
import math
import struct
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.encoding import encode
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.manifest import DifferencingScope, Manifest, Party, Schedule, StudyKind
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.next_model import next_model

CODEC = Codec(clip_norm=1.0, levels=1 << 18, weight_cap=100, weight_scale=0.5)


ROUND_ID = bytes(32)
NOBODY = Party("nobody", bytes(32))
STUDY = Manifest(
    study="one-function",
    purpose="to move a model",
    permit="none is needed",
    kind=StudyKind.MODEL,
    seals=("ckks",),
    operator=NOBODY,
    officer=None,
    aggregator=NOBODY,
    clients=(),
    custodians=(),
    threshold=1,
    quorum=1,
    min_cohort=2,
    min_organisations=1,
    codec=CODEC,
    layout=Layout(()),
    initial_model_digest=bytes(32),
    update_rule="fedavg",
    server_learning_rate=1.0,
    schedule=Schedule(1, 1, 1, 1, 0, 0),
    no_differencing=DifferencingScope.VERSION,
    not_before_unix=0,
    not_after_unix=1,
)


def step(
    model: npt.ArrayLike,
    aggregate: npt.ArrayLike,
    rate: float = 1.0,
    codec: Codec = CODEC,
    rule: str = "fedavg",
) -> npt.NDArray[np.float32]:
    start = np.asarray(model, np.float32)
    layout = Layout((NamedArray("weight", (start.size,)),))
    study = replace(STUDY, codec=codec, layout=layout, update_rule=rule, server_learning_rate=rate)
    return next_model(study, start, np.asarray(aggregate, np.int64), ROUND_ID)


def test_the_model_moves_by_the_weighted_mean_update() -> None:
    updates = [np.array([0.5, -0.25, 0.0]), np.array([-0.1, 0.3, 0.2])]
    records = [25, 75]
    drawn = SeededRandomness(b"next model")
    total = sum(
        encode(update, count, CODEC, drawn) for update, count in zip(updates, records, strict=True)
    )
    model = np.array([1.0, 2.0, 3.0], np.float32)
    wanted = model + 0.25 * updates[0] + 0.75 * updates[1]
    assert np.allclose(step(model, total), wanted, atol=1e-4)
    assert np.allclose(step(model, total, 0.5), (model + wanted) / 2, atol=1e-4)


def test_a_hostile_weight_moves_the_model_by_two_clip_norms_at_most() -> None:
    """T15: one client's weight nearly cancels the others', and the mean is 10^5 clip norms long."""
    drawn = SeededRandomness(b"next model")
    honest = encode(np.array([0.6, -0.8, 0.0]), 100, CODEC, drawn)
    hostile = np.array([CODEC.levels, -CODEC.levels, CODEC.levels, 1 - int(honest[-1])])
    mean = (honest + hostile)[:-1] * (CODEC.weight_scale / 1)
    assert np.linalg.norm(mean) > 1e5 * CODEC.clip_norm  # where the model went before

    model = np.array([1.0, 2.0, 3.0], np.float32)
    moved = step(model, honest + hostile) - model

    assert np.linalg.norm(moved) == pytest.approx(2 * CODEC.clip_norm, rel=1e-5)
    assert np.allclose(moved / np.linalg.norm(moved), mean / np.linalg.norm(mean), atol=1e-6)


def test_a_mean_of_clipped_updates_is_left_as_it_is() -> None:
    drawn = SeededRandomness(b"next model")
    total = sum(encode(np.array([30.0, -40.0, 0.0]), 100, CODEC, drawn) for _ in range(5))
    model = np.zeros(3, np.float32)
    assert np.allclose(step(model, total), [0.6, -0.8, 0.0], atol=1e-4)


def test_the_result_is_cast_once_from_float64() -> None:
    # 1 + 2^-24 is a tie in float32: only a sum in float64, cast once, keeps the update's weight.
    model = np.array([1.0], np.float32)
    codec = Codec(clip_norm=1.0, levels=8, weight_cap=1, weight_scale=2.0**-23)
    aggregate = np.array([3, 2], np.int64)  # the mean update is 3/2 * 2^-23
    moved = step(model, aggregate, codec=codec)
    assert moved[0] == np.float32(1.0 + 1.5 * 2.0**-23)
    assert moved.dtype == np.float32


@pytest.mark.parametrize("weight", [0, -1])
def test_a_weight_sum_of_zero_or_less_leaves_the_model_unchanged(weight: int) -> None:
    model = np.array([1.0, -0.0], np.float32)
    after = step(model, [9, 9, weight])
    assert after.tobytes() == model.tobytes()
    assert after is not model


@pytest.mark.parametrize("model", [[3e38], [np.inf], [np.nan]])
def test_what_float32_cannot_hold_leaves_the_model_unchanged(model: list[float]) -> None:
    aggregate = [2**62, 1]
    before = np.asarray(model, np.float32)
    assert step(model, aggregate, 1e30).tobytes() == before.tobytes()


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(BlindsumError) as caught:
        step(np.zeros(1), np.zeros(2, np.int64), rule="fedadam")
    assert caught.value.rule == "update-rule"


@pytest.mark.parametrize("shape", [(2,), (4,), (1, 3)])
def test_an_aggregate_of_another_length_is_rejected(shape: tuple[int, ...]) -> None:
    with pytest.raises(BlindsumError) as caught:
        step(np.zeros(2), np.zeros(shape, np.int64))
    assert caught.value.rule == "aggregate-length"


@settings(deadline=None)
@given(
    hnp.arrays(np.float32, 9, elements=st.floats(-1e6, 1e6, width=32)),
    hnp.arrays(np.int64, 10, elements=st.integers(-(2**40), 2**40)),
    st.floats(0.01, 10),
)
def test_every_reader_computes_the_same_bytes_value_by_value(
    model: npt.NDArray[np.float32], aggregate: npt.NDArray[np.int64], rate: float
) -> None:
    assert step(model, aggregate, rate).tobytes() == plainly(model, aggregate, rate)


def plainly(model: npt.NDArray[np.float32], aggregate: npt.NDArray[np.int64], rate: float) -> bytes:
    """The next model in Python's own numbers, value by value: a float is a double everywhere."""
    *sums, weight = (int(value) for value in aggregate)
    if weight <= 0:
        return model.tobytes()
    factor = CODEC.weight_scale / weight
    norm = math.sqrt(sum(value * value for value in sums)) * factor
    shortening = 1.0 if norm <= 2 * CODEC.clip_norm else 2 * CODEC.clip_norm / norm
    moved = [
        float(before) + rate * (float(value) * factor * shortening)
        for before, value in zip(model, sums, strict=True)
    ]
    return struct.pack(f"<{len(moved)}f", *moved)


def test_known_bytes_are_computed_on_every_machine() -> None:
    indices = np.arange(1000)
    model = (indices.astype(np.float64) / 7).astype(np.float32)
    aggregate = np.append((indices * 2_654_435_761) % 1_000_003 - 500_001, 123_457)
    after = step(model, aggregate, 0.7).astype("<f4").tobytes()
    assert after == plainly(model, aggregate, 0.7)
    assert hashlib.sha256(after).hexdigest() == (
        "7db36e5402f6303ee713fc1566828cda67caae611d968c6171ee708b831738ba"
    )


def test_a_thread_that_flushes_subnormals_computes_the_same_bytes() -> None:
    model = np.array([1e-40, -1e-40, 2.0, 1e-30], np.float32)
    aggregate = [0, 5, -7, 0, 11]
    told = step(model, aggregate).tobytes()
    torch.set_flush_denormal(True)
    try:
        flushed = step(model, aggregate).tobytes()
    finally:
        torch.set_flush_denormal(False)
    assert flushed == told
    assert step(model, [0, 0, 0, 0, 11])[:2].tolist() == [0.0, 0.0]
