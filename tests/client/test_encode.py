"""From an update to integers: the study's layout and codec, and nothing else."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.client.people import LAYOUT

from blindsum_client.encode import RoundBasis, encode_update
from blindsum_client.update import Update
from blindsum_crypto.errors import Rejected
from blindsum_crypto.randomness import SeededRandomness, SystemRandomness
from blindsum_rules.codec.encoding import decode

if TYPE_CHECKING:
    from tests.client.stage import Stage

WEIGHT = np.array([[0.5, -1.0], [0.25, 0.0], [2.0, -0.125]])
BIAS = np.array([1.0, -1.5])
BASIS = RoundBasis(bytes(32), np.zeros(LAYOUT.size, np.float32))


def test_the_integers_decode_to_the_update_and_its_records(stage: "Stage") -> None:
    study = stage.manifest.body

    integers = encode_update(
        Update({"weight": WEIGHT, "bias": BIAS}, records=500), BASIS, study, SystemRandomness()
    )

    mean, total = decode(integers, study.weighted_codec)
    assert integers.dtype == np.int64
    assert integers.shape == (LAYOUT.size + 1,)
    assert np.allclose(mean, np.concatenate([WEIGHT.ravel(), BIAS]), atol=4e-3)
    assert total == pytest.approx(500, rel=1e-3)


def test_the_same_randomness_gives_the_same_integers_and_other_randomness_may_not(
    stage: "Stage",
) -> None:
    study, update = stage.manifest.body, Update({"weight": WEIGHT / 3, "bias": BIAS}, records=500)

    one, same, other = (
        encode_update(update, BASIS, study, SeededRandomness(seed)) for seed in (b"1", b"1", b"2")
    )

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    "changes",
    [
        {"weight": WEIGHT},
        {"weight": WEIGHT, "bias": BIAS, "running_mean": BIAS},
        {"weight": WEIGHT.T, "bias": BIAS},
        {"weight": WEIGHT, "bias": BIAS[:1]},
    ],
    ids=["missing", "unknown", "transposed", "short"],
)
def test_another_layout_than_the_studys_is_rejected(
    stage: "Stage", changes: dict[str, np.ndarray]
) -> None:
    with pytest.raises(Rejected) as caught:
        encode_update(Update(changes, records=1), BASIS, stage.manifest.body, SystemRandomness())
    assert caught.value.rule == "layout"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_rejected_without_saying_it(
    stage: "Stage", value: float
) -> None:
    bias = np.array([0.7654321, value])

    with pytest.raises(Rejected) as caught:
        encode_update(
            Update({"weight": WEIGHT, "bias": bias}, records=1),
            BASIS,
            stage.manifest.body,
            SystemRandomness(),
        )

    assert caught.value.rule == "non-finite-update"
    assert "0.76543" not in str(caught.value)
