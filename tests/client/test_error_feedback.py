"""Error feedback: what is left of an update is kept, by round, for the next one, and for nobody."""

import stat
from pathlib import Path

import numpy as np
import pytest
from tests.client.compressed import FEEDBACK, KEPT, SIZE, SPARSE, compressed_stage, small_peers
from tests.client.feedback import CHANGE, RECORDS, contribute, newest, stored, travelled, update
from tests.client.stage import Stage

from blindsum_crypto.errors import Refused, Rejected


@pytest.fixture
def sparse() -> Stage:
    return compressed_stage(sparsity=SPARSE, local_methods=FEEDBACK)


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


def test_rounds_that_moved_no_model_begin_anew_with_the_same_residual(
    sparse: Stage, tmp_path: Path
) -> None:
    """The update is trained from the same model again: added to itself it would count twice."""
    client = sparse.client(tmp_path)
    sparse.open_round()
    contribute(client)
    sparse.publish(small_peers(sparse))
    left = stored(tmp_path).left
    assert left is not None
    for _ in range(3):
        sparse.open_round()
        contribute(client)
        sparse.abort("too-few-contributions")
    sparse.open_round()

    contribute(client)

    residual = stored(tmp_path)
    assert residual.whole is not None
    assert np.array_equal(residual.starting, left)
    assert np.array_equal(residual.whole, left + CHANGE)


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
