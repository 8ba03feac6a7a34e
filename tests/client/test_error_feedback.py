"""Error feedback: what is left of an update is kept, by round, for the next one, and for nobody."""

import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
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
from tests.client.stage import Stage

from blindsum_client.client import Client
from blindsum_client.encode import RoundBasis
from blindsum_client.error_feedback import left_of
from blindsum_client.residual import Residual, read_residual
from blindsum_client.round import Round
from blindsum_client.update import Update
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.noise import draw_noise
from blindsum_rules.privacy.policy import AdaptiveClipping
from blindsum_rules.privacy.study_checks import check_summing
from blindsum_rules.privacy.study_plan import study_codec, study_plan
from blindsum_rules.sparsity import positions
from blindsum_rules.study_privacy import with_privacy

Floats = npt.NDArray[np.float64]
RECORDS = 600
CHANGE: Floats = np.cos(np.arange(SIZE)) / 4


@pytest.fixture
def sparse() -> Stage:
    return compressed_stage(sparsity=SPARSE, local_methods=FEEDBACK)


@pytest.fixture
def private() -> Stage:
    return compressed_stage(CLIENT_UNIT, sparsity=SPARSE, local_methods=FEEDBACK)


def update(values: Floats = CHANGE) -> Update:
    return Update({"weight": values}, records=RECORDS)


def newest(client: Client) -> Round:
    return next(iter(client.rounds()))


def travelled(stage: Stage, number: int) -> npt.NDArray[np.int64]:
    """The coordinates that travelled in a round of the stage."""
    staged = stage.rounds[number]
    assert staged.model is not None
    return positions(SPARSE, staged.model, staged.spec.digest)


def stored(folder: Path) -> Residual:
    residual = read_residual(folder / "residual.bin", SIZE)
    assert residual is not None
    return residual


def contribute(client: Client, values: Floats = CHANGE) -> Round:
    round_ = newest(client)
    client.contribute(round_, client.encode(round_, update(values)))
    return round_


def test_what_did_not_travel_joins_the_next_update(sparse: Stage, tmp_path: Path) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    contribute(client)
    sparse.publish(small_peers(sparse))
    sparse.open_round()

    round_ = newest(client)
    integers = client.encode(round_, update(np.zeros(SIZE)))

    stayed = np.setdiff1d(np.arange(SIZE), travelled(sparse, 0))
    starting = stored(tmp_path).starting
    level = sparse.manifest.body.weighted_codec
    step = level.joint_norm / level.levels / 0.6
    assert np.array_equal(starting[stayed], CHANGE[stayed])
    assert np.abs(starting[travelled(sparse, 0)]).max() <= step
    assert np.allclose(integers[:-1] * step, starting[travelled(sparse, 1)], atol=step)
    assert np.abs(integers[:-1]).max() > 100


def test_sent_and_left_make_the_whole_whatever_clipping_took(sparse: Stage, tmp_path: Path) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    round_ = newest(client)

    integers = client.encode(round_, update(100 * CHANGE))
    client.contribute(round_, integers)

    residual, codec = stored(tmp_path), sparse.manifest.body.weighted_codec
    assert residual.whole is not None
    assert residual.left is not None
    sent = residual.whole - residual.left
    assert np.array_equal(residual.whole, 100 * CHANGE)
    assert np.linalg.norm(sent) == pytest.approx(codec.clip_norm, rel=1e-2)
    assert np.count_nonzero(sent) <= KEPT
    level = codec.joint_norm / codec.levels * codec.weight_cap / RECORDS
    assert np.allclose(sent[travelled(sparse, 0)], integers[:-1] * level)


def test_a_retry_and_a_restart_in_the_same_round_begin_with_the_same_residual(
    sparse: Stage, tmp_path: Path
) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    contribute(client)
    sparse.publish(small_peers(sparse))
    sparse.open_round()
    round_ = newest(client)
    client.encode(round_, update())
    first = stored(tmp_path)
    client.encode(round_, update(2 * CHANGE))
    assert np.array_equal(stored(tmp_path).starting, first.starting)
    client.close()

    again = sparse.client(tmp_path)
    round_ = newest(again)
    again.contribute(round_, again.encode(round_, update()))

    after = stored(tmp_path)
    assert after.round_number == 1
    assert after.whole is not None
    assert np.array_equal(after.starting, first.starting)
    assert np.array_equal(after.whole, first.starting + CHANGE)


def test_a_sealed_contribution_keeps_what_it_left_when_it_is_encoded_again(
    sparse: Stage, tmp_path: Path
) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    round_ = contribute(client)
    before = stored(tmp_path).left

    integers = client.encode(round_, update(3 * CHANGE))
    client._feedback.keep(round_, integers)

    after = stored(tmp_path).left
    assert before is not None
    assert after is not None
    assert np.array_equal(after, before)


def test_what_was_encoded_and_never_sealed_leaves_nothing(sparse: Stage, tmp_path: Path) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    client.encode(newest(client), update())
    sparse.publish(small_peers(sparse))
    sparse.open_round()

    client.encode(newest(client), update())

    assert not stored(tmp_path).starting.any()


def test_a_crash_between_keeping_and_sealing_leaves_nothing(sparse: Stage, tmp_path: Path) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    round_ = newest(client)
    client._feedback.keep(round_, client.encode(round_, update()))
    assert stored(tmp_path).left is not None
    sparse.publish(small_peers(sparse))
    sparse.open_round()

    client.encode(newest(client), update())

    assert not stored(tmp_path).starting.any()


def test_a_round_that_moved_no_model_gives_back_what_was_sent(
    sparse: Stage, tmp_path: Path
) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    contribute(client)
    sparse.abort("too-few-contributions")
    sparse.open_round()

    client.encode(newest(client), update(np.zeros(SIZE)))

    assert np.array_equal(stored(tmp_path).starting, CHANGE)


def test_a_sum_without_it_gives_back_what_was_sent(sparse: Stage, tmp_path: Path) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    round_ = contribute(client)
    sparse.publish(small_peers(sparse), left_out={"cleveland": "not-admitted"})
    assert not client.outcome(round_).included
    sparse.open_round()

    client.encode(newest(client), update(np.zeros(SIZE)))

    assert np.array_equal(stored(tmp_path).starting, CHANGE)


def test_a_sum_with_it_gives_nothing_back(sparse: Stage, tmp_path: Path) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    round_ = contribute(client)
    sparse.publish(small_peers(sparse))
    assert client.outcome(round_).included
    left = stored(tmp_path).left
    sparse.open_round()

    client.encode(newest(client), update(np.zeros(SIZE)))

    assert left is not None
    assert np.array_equal(stored(tmp_path).starting, left)


def test_integers_that_were_not_encoded_last_are_refused_and_nothing_is_sealed(
    sparse: Stage, tmp_path: Path
) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    round_ = newest(client)
    integers = client.encode(round_, update())

    for others in (integers + 1, integers[:-1]):
        with pytest.raises(Refused) as caught:
            client.contribute(round_, others)
        assert caught.value.rule == "integers"

    assert not client.standing.sealed
    client.close()
    with pytest.raises(Refused) as caught:
        sparse.client(tmp_path).contribute(round_, integers)
    assert caught.value.rule == "integers"


def test_the_residual_is_for_its_owner_alone_and_says_nothing_of_itself(
    sparse: Stage, tmp_path: Path
) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    contribute(client)

    assert stat.S_IMODE((tmp_path / "residual.bin").stat().st_mode) == 0o600
    assert repr(stored(tmp_path)) == "Residual(round_number=0)"


@pytest.mark.parametrize("damage", [b"", b"{}\n", b"not json\n", b'{"round_number": 0}\nshort'])
def test_a_damaged_residual_is_rejected(sparse: Stage, tmp_path: Path, damage: bytes) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    (tmp_path / "residual.bin").write_bytes(damage)

    with pytest.raises(Rejected) as caught:
        client.encode(newest(client), update())

    assert caught.value.rule == "damaged-residual"


def test_a_cut_off_residual_is_rejected(sparse: Stage, tmp_path: Path) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    round_ = newest(client)
    client.encode(round_, update())
    file = tmp_path / "residual.bin"
    file.write_bytes(file.read_bytes()[:-1])

    with pytest.raises(Rejected) as caught:
        client.encode(round_, update())

    assert caught.value.rule == "damaged-residual"


def test_a_study_that_declares_no_feedback_keeps_nothing(tmp_path: Path) -> None:
    stage = compressed_stage(sparsity=SPARSE)
    client = stage.client(tmp_path)
    stage.open_round()
    round_ = contribute(client)
    stage.publish(small_peers(stage))
    client.outcome(round_)

    assert not (tmp_path / "residual.bin").exists()


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


def test_without_noise_an_update_that_is_not_finite_is_rejected_wherever_it_stands(
    sparse: Stage, tmp_path: Path
) -> None:
    client = sparse.client(tmp_path)
    sparse.open_round()
    round_ = newest(client)
    for place in range(SIZE):
        broken = CHANGE.copy()
        broken[place] = np.nan
        with pytest.raises(Rejected) as caught:
            client.encode(round_, update(broken))
        assert caught.value.rule == "non-finite-update"


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
