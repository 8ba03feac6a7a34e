"""A custodian leaves a round, says what it endorsed, and forgets the wraps (threats T5, T27)."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.store.answers import Step, count_answers
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.close import Close
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.custodian.conftest import Submission
    from tests.custodian.rounds.conftest import Play

A, B, C, D = (f"custodian-{index}" for index in range(4))


@pytest.fixture
def spec(play: "Play") -> Signed[Spec]:
    return play.spec()


@pytest.fixture
def admitted(play: "Play", spec: Signed[Spec]) -> list["Submission"]:
    """Everybody's contributions, admitted by A in round 0."""
    return play.opened(A, spec, play.clients)


def store_bytes(play: "Play", name: str) -> bytes:
    """Everything that lies in the store's folder: database, write-ahead log, index of the log."""
    folder = play.paths(name)[0].parent
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def test_a_close_names_the_endorsed_freeze(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    freeze = play.freeze(spec, admitted)
    play.perform(A, EndorseDuty(0, freeze.digest))

    (close,) = play.perform(A, CloseDuty(0))

    verify(close, play.study.custodian_keys)
    assert close.body == Close("small-study", 0, freeze.digest, A, play.people.manifest.digest)


@pytest.mark.usefixtures("admitted")
def test_a_close_without_an_endorsement_names_none(play: "Play") -> None:
    (close,) = play.perform(A, CloseDuty(0))
    assert close.body == Close("small-study", 0, b"", A, play.people.manifest.digest)


@pytest.mark.usefixtures("admitted")
def test_a_close_is_signed_once_and_resent_as_stored_bytes(play: "Play") -> None:
    (first,) = play.perform(A, CloseDuty(0))
    play.restart(A)
    (second,) = play.perform(A, CloseDuty(0))
    assert signed_to_bytes(first) == signed_to_bytes(second)


def test_after_the_release_a_round_is_closed_with_its_freeze(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    freeze = play.freeze(spec, admitted)
    endorsements = play.endorsements_of(spec, freeze, [B, C, D])
    play.perform(A, ReleaseDuty(0, freeze.digest, endorsements))
    assert play.perform(A, CloseDuty(0))[0].body == Close(
        "small-study", 0, freeze.digest, A, play.people.manifest.digest
    )


def test_wraps_leave_the_disk_with_the_close(play: "Play", admitted: list["Submission"]) -> None:
    wraps = [one.wraps[0] for one in admitted]
    assert all(wrap in store_bytes(play, A) for wrap in wraps)

    play.perform(A, CloseDuty(0))

    left = store_bytes(play, A)
    for wrap in wraps:
        assert wrap not in left
        # Nor any stretch of it that a page boundary may have cut off.
        assert all(wrap[start : start + 48] not in left for start in range(0, len(wrap), 48))


@pytest.mark.parametrize("leaving", ["close", "accept"])
def test_released_shares_leave_the_disk_with_the_round(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"], leaving: str
) -> None:
    freeze = play.freeze(spec, admitted)
    endorsements = play.endorsements_of(spec, freeze, [B, C, D])
    (release,) = play.perform(A, ReleaseDuty(0, freeze.digest, endorsements))
    stretches = [
        part.share[start : start + 256]
        for part in release.body.parts
        for start in range(0, len(part.share) - 256, 256)
    ]
    assert any(stretch in store_bytes(play, A) for stretch in stretches)

    second = play.spec_after(spec, play.closes_of(spec, None, play.names[1:]))
    play.perform(A, CloseDuty(0) if leaving == "close" else AcceptDuty(second))

    left = store_bytes(play, A)
    assert not any(stretch in left for stretch in stretches)


def test_that_a_round_was_released_is_known_after_its_shares_are_erased(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    freeze = play.freeze(spec, admitted)
    play.perform(A, ReleaseDuty(0, freeze.digest, play.endorsements_of(spec, freeze, [B, C, D])))
    play.perform(A, CloseDuty(0))
    with play.custodian(A).store.reading() as connection:
        assert count_answers(connection, "small-study", 0, Step.RELEASE) == 1


def test_wraps_leave_the_disk_when_the_next_round_is_accepted(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    second = play.spec_after(spec, play.closes_of(spec, None, play.names[1:]))
    play.perform(A, AcceptDuty(second))
    left = store_bytes(play, A)
    assert not any(one.wraps[0][-48:] in left for one in admitted)


def test_seeds_never_rest_on_the_disk_in_clear(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    seeds = [seed for one in admitted for seed in one.seeds.values()]
    freeze = play.freeze(spec, admitted)
    endorsements = play.endorsements_of(spec, freeze, [B, C, D])
    for _ in range(2):
        assert not any(seed in store_bytes(play, A) for seed in seeds)
        play.perform(A, ReleaseDuty(0, freeze.digest, endorsements))


def test_a_crash_between_close_and_erasure_is_made_good_at_the_next_start(
    play: "Play", admitted: list["Submission"], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = play.custodian(A).store
    monkeypatch.setattr(type(store), "erase", lambda _: None)
    # A reader that stays holds the log; without it, closing the last connection would empty it.
    with store.reading() as connection:
        connection.exec_driver_sql("SELECT 1 FROM rounds").all()
        play.perform(A, CloseDuty(0))
        assert admitted[0].wraps[0][-48:] in store_bytes(play, A)
        monkeypatch.undo()

    play.restart(A)

    assert admitted[0].wraps[0][-48:] not in store_bytes(play, A)


def test_other_rounds_wraps_stay(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    second = play.spec_after(spec, play.closes_of(spec, None, play.names[1:]))
    later = play.opened(A, second, play.clients)
    play.perform(A, CloseDuty(0))
    assert all(one.wraps[0][-48:] in store_bytes(play, A) for one in later)
    assert len(admitted) == len(later)


@pytest.mark.parametrize("number", [8, 100])
def test_a_round_that_the_study_cannot_have_is_not_closed(play: "Play", number: int) -> None:
    assert play.refused(A, CloseDuty(number)) == "unknown-round"


def test_a_custodian_alone_closes_too(make_play: Callable[..., "Play"]) -> None:
    play = make_play(1, 1, 1)
    spec = play.spec()
    submissions = play.opened(A, spec, play.clients)
    freeze = play.freeze(spec, submissions)
    endorsements = play.perform(A, EndorseDuty(0, freeze.digest))
    play.perform(A, ReleaseDuty(0, freeze.digest, endorsements))
    assert play.perform(A, CloseDuty(0))[0].body == Close(
        "small-study", 0, freeze.digest, A, play.people.manifest.digest
    )
