"""A custodian without its whole memory signs nothing (threat T25)."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindsum_crypto.errors import Refused
from blindsum_custodian import instance
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.instance import InstanceFile
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.store import database
from blindsum_custodian.store.database import Store
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.release import Release

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A, B, C, D = (f"custodian-{index}" for index in range(4))


def refused(begin: Callable[[Path, Path], Store], *paths: Path) -> str:
    with pytest.raises(Refused) as caught:
        begin(*paths)
    return caught.value.rule


def back_up(play: "Play", name: str) -> Path:
    """Copy the store of a stopped custodian, as a nightly backup would; not the instance file."""
    play.stop(name)
    copy = play.folder / "backup.sqlite"
    shutil.copy(play.paths(name)[0], copy)
    play.custodian(name)
    return copy


def put_back(play: "Play", name: str, copy: Path) -> None:
    play.stop(name)
    store_path = play.paths(name)[0]
    for path in store_path.parent.iterdir():
        path.unlink()
    shutil.copy(copy, store_path)


def test_an_old_store_that_is_put_back_signs_nothing(play: "Play") -> None:
    spec = play.spec()
    submissions = play.opened(A, spec, play.clients)
    copy = back_up(play, A)
    play.perform(A, EndorseDuty(0, play.freeze(spec, submissions).digest))

    put_back(play, A, copy)

    assert refused(Store.open, *play.paths(A)) == "instance-mismatch"


def test_with_the_check_off_an_old_store_would_endorse_a_second_freeze(
    play: "Play", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: two endorsed sets, whose difference is client 5's vector."""
    spec = play.spec()
    submissions = play.opened(A, spec, play.clients)
    copy = back_up(play, A)
    play.perform(A, EndorseDuty(0, play.freeze(spec, submissions).digest))
    put_back(play, A, copy)
    second = play.freeze(spec, submissions[:5])

    monkeypatch.setattr(database, "check_instance", lambda *_: None)

    (endorsement,) = play.perform(A, EndorseDuty(0, second.digest))
    assert isinstance(endorsement.body, Endorsement)
    duty = ReleaseDuty(0, second.digest, play.endorsements_of(spec, second, [B, C, D]))
    assert isinstance(play.perform(A, duty)[0].body, Release)


@pytest.mark.parametrize("decisions_lost", [1, 2])
def test_even_one_lost_decision_is_noticed(play: "Play", decisions_lost: int) -> None:
    play.perform(A, CloseDuty(0))
    copy = back_up(play, A)
    for number in range(1, decisions_lost + 1):
        play.perform(A, CloseDuty(number))
    put_back(play, A, copy)
    assert refused(Store.open, *play.paths(A)) == "instance-mismatch"


def test_a_store_that_lost_nothing_is_opened_again(play: "Play") -> None:
    (close,) = play.perform(A, CloseDuty(0))
    put_back(play, A, back_up(play, A))
    assert play.perform(A, CloseDuty(0)) == (close,)


def test_a_store_without_its_instance_file_signs_nothing(play: "Play") -> None:
    play.perform(A, CloseDuty(0))
    play.stop(A)
    store_path, instance_path = play.paths(A)
    instance_path.unlink()
    assert refused(Store.open, store_path, instance_path) == "instance-mismatch"
    elsewhere = play.folder / "nowhere" / "instance"
    assert refused(Store.open, store_path, elsewhere) == "instance-mismatch"
    # Nor is it begun anew over what it signed before.
    assert refused(Store.create, store_path, instance_path) == "store-exists"


def test_an_instance_without_its_store_signs_nothing(play: "Play") -> None:
    play.custodian(A)
    play.stop(A)
    store_path, instance_path = play.paths(A)
    store_path.unlink()
    assert refused(Store.open, store_path, instance_path) == "instance-mismatch"
    assert refused(Store.create, store_path, instance_path) == "store-exists"
    assert not store_path.exists()


def test_another_custodians_store_is_not_taken(play: "Play") -> None:
    for name in (A, B):
        play.custodian(name)
        play.stop(name)
    assert refused(Store.open, play.paths(A)[0], play.paths(B)[1]) == "instance-mismatch"


@pytest.mark.parametrize("words", ["", "{}", "[]", '{"instance_id": "a"}', "no json", "null"])
def test_a_damaged_instance_file_opens_nothing(play: "Play", words: str) -> None:
    play.custodian(A)
    play.stop(A)
    play.paths(A)[1].write_text(words)
    assert refused(Store.open, *play.paths(A)) == "instance-mismatch"


@pytest.mark.parametrize("content", [b"", b"no database at all, and long enough to look like one"])
def test_a_damaged_store_is_not_opened(play: "Play", content: bytes) -> None:
    play.custodian(A)
    play.stop(A)
    play.paths(A)[0].write_bytes(content)
    assert refused(Store.open, *play.paths(A)) == "instance-mismatch"


def test_a_store_is_held_by_one_process_at_a_time(play: "Play") -> None:
    play.custodian(A)
    assert refused(Store.open, *play.paths(A)) == "store-in-use"
    assert refused(Store.create, *play.paths(A)) == "store-in-use"


def test_two_stores_on_one_file_notice_each_other(play: "Play") -> None:
    """A cloned instance file gives a second process the lock, but not the count."""
    play.custodian(A)
    store_path, instance_path = play.paths(A)
    clone = play.folder / "clone" / "instance"
    clone.parent.mkdir()
    shutil.copy(instance_path, clone)
    second = play.seat(A, Store.open(store_path, clone))
    play.perform(A, CloseDuty(0))

    assert second.perform(CloseDuty(1))[0].body.rule == "instance-mismatch"

    second.store.close()


def test_an_answer_does_not_leave_before_the_instance_file_has_followed(
    play: "Play", monkeypatch: pytest.MonkeyPatch
) -> None:
    play.perform(A, CloseDuty(0))

    def full(_self: InstanceFile, _instance: instance.Instance) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(InstanceFile, "write", full)
        with pytest.raises(OSError, match="no space"):
            play.perform(A, CloseDuty(1))
        # Neither may the stored answer, although it is committed.
        with pytest.raises(OSError, match="no space"):
            play.perform(A, CloseDuty(1))

    (close,) = play.perform(A, CloseDuty(1))
    assert close.body.round_number == 1
    assert play.restart(A).perform(CloseDuty(1)) == (close,)


def test_a_stop_between_commit_and_instance_file_loses_nothing(
    play: "Play", monkeypatch: pytest.MonkeyPatch
) -> None:
    play.custodian(A)

    def stopped(_self: InstanceFile, _instance: instance.Instance) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as moment:
        moment.setattr(InstanceFile, "write", stopped)
        with pytest.raises(KeyboardInterrupt):
            play.perform(A, CloseDuty(0))

    play.restart(A)

    assert play.perform(A, CloseDuty(0))[0].body.freeze_digest == b""


def test_its_own_forgotten_close_in_a_spec_stops_a_custodian(play: "Play") -> None:
    """A snapshot of the whole machine holds store and instance file; its own signature does not."""
    spec = play.spec()
    play.perform(A, AcceptDuty(spec))
    forgotten = play.closes_of(spec, None, [A, B, C])
    second = play.spec_after(spec, forgotten)

    assert play.refused(A, AcceptDuty(second)) == "store-rolled-back"

    # From then on it signs nothing at all, also not after a restart.
    assert play.refused(A, CloseDuty(0)) == "store-rolled-back"
    play.stop(A)
    assert refused(Store.open, *play.paths(A)) == "store-rolled-back"


def test_its_own_forgotten_endorsement_stops_a_custodian(play: "Play") -> None:
    spec = play.spec()
    submissions = play.opened(A, spec, play.clients)
    freeze = play.freeze(spec, submissions)
    duty = ReleaseDuty(0, freeze.digest, play.endorsements_of(spec, freeze, [A, B, C]))
    assert play.refused(A, duty) == "store-rolled-back"
    assert play.refused(A, AcceptDuty(spec)) == "store-rolled-back"


def test_a_forged_signature_of_its_own_stops_nobody(play: "Play") -> None:
    spec = play.spec()
    play.opened(A, spec, play.clients)
    (close,) = play.perform(A, CloseDuty(0))
    forged = play.people.sign(Endorsement("small-study", 0, spec.digest, b"f" * 32, A), B)
    pretended = type(forged)(forged.body, forged.body_bytes, A, forged.signature)
    closes = (close, *play.closes_of(spec, None, [B, C]))
    second = play.spec_after(spec, closes)
    bad = play.publish(replace(second.body, endorsements=(pretended,)))

    assert play.refused(A, AcceptDuty(bad)) == "model-version"
    assert play.perform(A, AcceptDuty(second))[-1].signer == A


def test_its_own_close_that_it_remembers_stops_nobody(play: "Play") -> None:
    spec = play.spec()
    play.perform(A, AcceptDuty(spec))
    (close,) = play.perform(A, CloseDuty(0))
    second = play.spec_after(spec, (close, *play.closes_of(spec, None, [B, C])))
    (acceptance,) = play.perform(A, AcceptDuty(second))
    assert acceptance.body.round_id == second.digest
