"""One sealed vector for a round number, for ever, whatever is asked, lost or restored (T14)."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.client.people import initial_arrays, peers, vector

from blindsum_client.update import Update
from blindsum_crypto.errors import Refused

if TYPE_CHECKING:
    from tests.client.stage import Stage


def test_a_receipt_names_the_contribution(stage: "Stage", tmp_path: Path) -> None:
    staged = stage.open_round()
    client = stage.client(tmp_path / "state")

    receipt = client.contribute(next(client.rounds()), vector(1))

    upload = staged.uploads["cleveland"]
    assert receipt.body.contribution_digest == upload.contribution.digest
    assert receipt.body.client == "cleveland"
    assert len(upload.payload) == upload.contribution.body.core.payload_bytes


def test_the_same_integers_again_give_the_same_receipt_and_send_nothing(
    stage: "Stage", tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())

    first, again = (client.contribute(round_, vector(1)) for _ in range(2))

    assert first == again
    assert stage.calls.count("SubmitHeader") == 1


def test_other_integers_for_the_same_round_are_refused(stage: "Stage", tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    client.contribute(round_, vector(1))

    with pytest.raises(Refused) as caught:
        client.contribute(round_, vector(2))

    assert caught.value.rule == "one-seal-per-round"
    assert stage.calls.count("SubmitHeader") == 1


def test_a_contribution_that_was_not_sent_is_sent_as_it_was_sealed_after_a_restart(
    stage: "Stage", tmp_path: Path
) -> None:
    """Nothing of the first integers was kept, so other ones cannot be told apart; the stored bytes
    are what leaves."""
    staged = stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    sealed = client._contributor._seal(round_, vector(1))
    stored = sealed.payload_file.read_bytes()
    client.close()

    stage.client(tmp_path / "state").contribute(round_, vector(2))

    assert bytes(staged.uploads["cleveland"].payload) == stored
    assert staged.uploads["cleveland"].contribution == sealed.contribution
    assert staged.uploads["cleveland"].wraps == sealed.wraps


def test_a_round_that_another_one_followed_is_refused(stage: "Stage", tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    old = next(rounds)
    stage.abort()
    stage.open_round()
    next(rounds)

    with pytest.raises(Refused) as caught:
        client.contribute(old, vector(1))

    assert caught.value.rule == "stale-round"


def test_a_round_of_the_same_number_from_elsewhere_is_refused(
    stage: "Stage", tmp_path: Path
) -> None:
    stage.open_round()
    foreign = next(stage.client(tmp_path / "a").rounds())
    stage.rounds.clear()
    stage.now += 1
    stage.open_round()
    client = stage.client(tmp_path / "b")
    client.contribute(next(client.rounds()), vector(1))

    with pytest.raises(Refused) as caught:
        client.contribute(foreign, vector(1))

    assert caught.value.rule == "one-seal-per-round"


def test_a_contribution_after_the_deadline_is_refused(stage: "Stage", tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    stage.now += stage.manifest.body.schedule.contribute_seconds + 301

    with pytest.raises(Refused) as caught:
        client.contribute(round_, vector(1))

    assert caught.value.rule == "spec-late"
    assert stage.calls.count("SubmitHeader") == 0


def test_a_trainer_that_spoils_its_copy_of_the_model_does_not_spoil_the_chain(
    stage: "Stage", tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    round_ = next(rounds)
    round_.model["weight"][:] = 1e9
    client.contribute(round_, vector(1))
    stage.publish(peers())
    stage.open_round()

    assert np.array_equal(next(rounds).model["weight"].ravel(), stage.model[:6])


def test_updates_go_from_arrays_to_the_next_model(stage: "Stage", tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    round_ = next(rounds)
    change = {name: np.full_like(array, 0.5) for name, array in initial_arrays().items()}
    for name in peers():
        stage.upload_as(name, client.encode(round_, Update(change, records=200)))

    client.contribute(round_, client.encode(round_, Update(change, records=800)))
    stage.publish()
    stage.open_round()

    following = next(rounds).model
    for name, array in initial_arrays().items():
        assert np.allclose(following[name], array + 0.5, atol=2e-3)


# ---- restored folders


def back_up(tmp_path: Path) -> Path:
    """Copy the state folder as a backup would: without the anchor beside it."""
    copy = tmp_path / "backup"
    shutil.copytree(tmp_path / "state", copy)
    return copy


def restore(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "state")
    shutil.copytree(tmp_path / "backup", tmp_path / "state")


def test_a_folder_restored_from_before_the_seal_does_not_seal_again(
    stage: "Stage", tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    client.close()
    back_up(tmp_path)
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), vector(1))
    client.close()
    restore(tmp_path)

    restored = stage.client(tmp_path / "state")
    with pytest.raises(Refused) as caught:
        restored.contribute(round_, vector(2))

    assert caught.value.rule == "restored-state"
    assert stage.calls.count("SubmitHeader") == 1


def test_the_control_that_without_the_anchor_a_restored_folder_would_seal_twice(
    stage: "Stage", tmp_path: Path
) -> None:
    staged = stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    client.close()
    back_up(tmp_path)
    anchor = (tmp_path / "state.anchor").read_bytes()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), vector(1))
    client.close()
    first = staged.uploads.pop("cleveland")
    restore(tmp_path)
    (tmp_path / "state.anchor").write_bytes(anchor)

    restored = stage.client(tmp_path / "state")
    restored.contribute(next(restored.rounds()), vector(2))

    assert staged.uploads["cleveland"].payload != first.payload


def test_a_restored_folder_goes_on_with_the_next_round(stage: "Stage", tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    client.close()
    back_up(tmp_path)
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), vector(1))
    client.close()
    restore(tmp_path)
    stage.publish(peers())
    stage.open_round()

    restored = stage.client(tmp_path / "state")
    round_ = next(restored.rounds())
    restored.contribute(round_, vector(2))

    assert round_.number == 1
    assert stage.calls.count("SubmitHeader") == 2


def test_a_folder_restored_from_after_the_seal_sends_identical_bytes(
    stage: "Stage", tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    client._contributor._seal(round_, vector(1))
    client.close()
    back_up(tmp_path)
    client = stage.client(tmp_path / "state")
    client.contribute(round_, vector(1))
    client.close()
    sent = list(stage.calls.received)
    stage.rounds[0].uploads.clear()  # the aggregator, too, could ask for it again
    stage.calls.received.clear()
    restore(tmp_path)

    stage.client(tmp_path / "state").contribute(round_, vector(2))

    assert stage.calls.received == sent
    assert len(sent) == 2


def test_a_folder_restored_without_its_anchor_is_refused(stage: "Stage", tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), vector(1))
    client.close()
    (tmp_path / "state.anchor").unlink()

    with pytest.raises(Refused) as caught:
        stage.client(tmp_path / "state")
    assert caught.value.rule == "anchor-missing"


def test_an_anchor_that_fell_behind_its_folder_is_raised_again(
    stage: "Stage", tmp_path: Path
) -> None:
    """A crash between the row and the anchor: nothing was sent yet, the row is the truth."""
    stage.open_round()
    client = stage.client(tmp_path / "state")
    anchor = (tmp_path / "state.anchor").read_bytes()
    client.contribute(next(client.rounds()), vector(1))
    client.close()
    sealed = (tmp_path / "state.anchor").read_bytes()
    (tmp_path / "state.anchor").write_bytes(anchor)

    stage.client(tmp_path / "state").close()

    assert (tmp_path / "state.anchor").read_bytes() == sealed != anchor


def test_an_emptied_folder_beside_its_anchor_seals_no_round_again(
    stage: "Stage", tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client.contribute(next(client.rounds()), vector(1))
    client.close()
    shutil.rmtree(tmp_path / "state")

    emptied = stage.client(tmp_path / "state")
    with pytest.raises(Refused) as caught:
        next(emptied.rounds())

    assert caught.value.rule == "nothing-staged"  # it was passed over
    assert emptied._follower.round_number == 0
    assert stage.calls.count("SubmitHeader") == 1
