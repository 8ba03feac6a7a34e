"""Error feedback in a private study: neither noise nor rounding comes back, and C still holds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.client.compressed import (
    CLIENT_UNIT,
    FEEDBACK,
    KEPT,
    SIZE,
    SPARSE,
    compressed_stage,
    small_peers,
)
from tests.client.feedback import CHANGE, RECORDS, contribute, newest, stored, travelled, update
from tests.client.stage import Stage

from blindsum_client.encode import RoundBasis
from blindsum_client.error_feedback import left_of
from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.noise import draw_noise
from blindsum_rules.privacy.policy import AdaptiveClipping
from blindsum_rules.privacy.study_checks import check_summing
from blindsum_rules.privacy.study_plan import study_codec, study_plan
from blindsum_rules.sparsity import positions
from blindsum_rules.study_privacy import with_privacy


@pytest.fixture
def private() -> Stage:
    return compressed_stage(CLIENT_UNIT, sparsity=SPARSE, local_methods=FEEDBACK)


def test_a_private_residual_holds_neither_noise_nor_rounding(
    private: Stage, tmp_path: Path
) -> None:
    client = private.client(tmp_path)
    private.open_round()
    round_ = newest(client)
    basis = client._follower.basis(round_)
    kept = []
    for seed in (b"one", b"other"):
        integers = client._feedback.encode(update(), round_, basis, SeededRandomness(seed))
        client._feedback.keep(round_, integers)
        kept.append((integers, stored(tmp_path).left))

    (one, left), (other, same) = kept
    assert not np.array_equal(one, other)
    assert left is not None
    assert same is not None
    assert np.array_equal(left, same)
    travels = travelled(private, 0)
    clipped = CHANGE[travels] * (0.5 / np.linalg.norm(CHANGE[travels]))
    assert np.linalg.norm(CHANGE[travels]) > 0.5
    assert np.allclose(left[travels], CHANGE[travels] - clipped, atol=1e-6)


def test_the_unit_that_is_clipped_is_update_plus_residual(private: Stage, tmp_path: Path) -> None:
    client = private.client(tmp_path)
    study = private.manifest.body
    private.open_round()
    contribute(client, 1000 * CHANGE)
    private.publish(small_peers(private))
    private.open_round()
    round_ = newest(client)
    basis = client._follower.basis(round_)

    integers = client._feedback.encode(update(), round_, basis, SeededRandomness(b"known"))

    plan = study_plan(study)
    noise = draw_noise(plan.share, KEPT, SeededRandomness(b"known").bytes(32))
    hidden = (integers - noise).astype(np.float64)
    starting = stored(tmp_path).starting
    unit = (CHANGE + starting)[travelled(private, 1)]
    assert np.linalg.norm(unit) > 100  # far beyond C = 0.5
    assert np.linalg.norm(hidden) <= plan.levels + np.sqrt(KEPT)
    assert np.allclose(hidden, unit / np.linalg.norm(unit) * plan.levels, atol=1.1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_private_update_that_is_not_finite_sends_noise_alone_and_leaves_the_residual(
    private: Stage, tmp_path: Path, value: float
) -> None:
    client = private.client(tmp_path)
    private.open_round()
    contribute(client)
    private.publish(small_peers(private))
    private.open_round()
    round_ = newest(client)
    basis = client._follower.basis(round_)
    broken = CHANGE.copy()
    broken[np.setdiff1d(np.arange(SIZE), travelled(private, 1))[0]] = value

    integers = client._feedback.encode(update(broken), round_, basis, SeededRandomness(b"known"))
    client._feedback.keep(round_, integers)

    plan, residual = study_plan(private.manifest.body), stored(tmp_path)
    noise = draw_noise(plan.share, KEPT, SeededRandomness(b"known").bytes(32))
    assert np.array_equal(integers, noise)
    assert residual.left is not None
    assert residual.starting.any()
    assert np.array_equal(residual.left, residual.starting)


@pytest.mark.parametrize("unit", [Unit.RECORD, Unit.PATIENT])
def test_feedback_is_refused_where_the_unit_is_a_record_or_a_patient(unit: Unit) -> None:
    wish = CLIENT_UNIT.model_copy(update={"unit": unit, "units_per_client": 50})
    study = replace(compressed_stage().manifest.body, codec=None, local_methods=FEEDBACK)

    with pytest.raises(Refused) as caught:
        check_summing(with_privacy(study, wish))

    assert caught.value.rule == "unit-error-feedback"


def test_feedback_is_refused_beside_adaptive_clipping() -> None:
    study = replace(compressed_stage().manifest.body, codec=None, local_methods=FEEDBACK)
    study = with_privacy(study, CLIENT_UNIT)
    check_summing(study)
    assert study.privacy is not None
    adaptive = replace(study.privacy, adaptive=AdaptiveClipping(count_noise=1.0))
    with pytest.raises(Refused) as caught:
        check_summing(replace(study, privacy=adaptive))
    assert caught.value.rule == "adaptive-error-feedback"


def test_what_is_left_is_within_a_fine_step_of_the_clipped_rest(private: Stage) -> None:
    study = private.manifest.body
    codec = study_codec(study, 0.5)
    basis = RoundBasis(bytes(32), private.model)
    short = CHANGE / 100  # nothing of it is clipped
    left = left_of(short, np.zeros(KEPT, np.int64), RECORDS, basis, study)
    travels = positions(SPARSE, private.model, bytes(32))

    assert np.abs(left[travels]).max() <= 0.5 / codec.levels / 4096 * 1.001
    assert np.array_equal(np.delete(left, travels), np.delete(short, travels))
