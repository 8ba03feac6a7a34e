"""A custodian releases a fixed function of its stored freeze (threats T5, T8 and T11)."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.release import Release
from blindsum_rules.seal_parameters import ckks_parameters
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


@pytest.fixture
def freeze(play: "Play", spec: Signed[Spec], admitted: list["Submission"]) -> Signed[Freeze]:
    """Clients 0 to 3."""
    return play.freeze(spec, admitted[:4])


def duty_of(play: "Play", spec: Signed[Spec], freeze: Signed[Freeze], *names: str) -> ReleaseDuty:
    return ReleaseDuty(0, freeze.digest, play.endorsements_of(spec, freeze, names or [B, C, D]))


def expected_release(
    play: "Play", name: str, spec: Signed[Spec], members: list["Submission"]
) -> dict[int, bytes]:
    """The parts computed straight from the clients' seeds, as the mathematics says."""
    seal = CkksCustodianSeal(ckks_parameters(spec.body), spec.digest)
    parts = play.study.committee.parts_of(play.study.custodian_index(name))
    return {
        part: seal.release(part, [(one.client, one.seeds[part]) for one in members], [])
        for part in parts
    }


def test_a_quorum_of_endorsements_releases_the_parts_of_the_set(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"], freeze: Signed[Freeze]
) -> None:
    play.perform(A, EndorseDuty(0, freeze.digest))

    (release,) = play.perform(A, duty_of(play, spec, freeze))

    verify(release, play.study.custodian_keys)
    body = release.body
    assert (body.study, body.round_number, body.round_id) == ("small-study", 0, spec.digest)
    assert body.freeze_digest == freeze.digest
    shares = {part.part: part.share for part in body.parts}
    assert shares == expected_release(play, A, spec, admitted[:4])


def test_the_same_release_again_has_the_same_bytes_also_after_a_restart(
    play: "Play", spec: Signed[Spec], freeze: Signed[Freeze]
) -> None:
    duty = duty_of(play, spec, freeze)
    (first,) = play.perform(A, duty)
    play.restart(A)
    (second,) = play.perform(A, duty)
    # Stored bytes need no endorsements any more.
    (third,) = play.perform(A, ReleaseDuty(0, freeze.digest, ()))
    assert signed_to_bytes(first) == signed_to_bytes(second) == signed_to_bytes(third)


def test_who_did_not_endorse_yet_records_the_freeze_as_its_own_first(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"], freeze: Signed[Freeze]
) -> None:
    (release,) = play.perform(A, duty_of(play, spec, freeze))

    assert isinstance(release.body, Release)
    (endorsement,) = play.perform(A, EndorseDuty(0, freeze.digest))
    assert isinstance(endorsement.body, Endorsement)
    (close,) = play.perform(A, CloseDuty(0))
    assert close.body.freeze_digest == freeze.digest
    other = play.freeze(spec, admitted)
    assert play.refused(A, EndorseDuty(0, other.digest)) == "one-freeze-per-round"


def test_too_few_endorsements_release_nothing(
    play: "Play", spec: Signed[Spec], freeze: Signed[Freeze]
) -> None:
    duty = duty_of(play, spec, freeze, B, C)
    assert play.refused(A, duty) == "quorum-of-endorsements"
    twice = ReleaseDuty(0, freeze.digest, (*duty.endorsements, duty.endorsements[0]))
    assert play.refused(A, twice) == "repeated-signer"
    # And nothing was recorded: another freeze is still free to be endorsed.
    play.perform(A, CloseDuty(0))
    assert play.perform(A, CloseDuty(0))[0].body.freeze_digest == b""


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"freeze_digest": b"x" * 32}, "wrong-freeze"),
        ({"round_id": b"x" * 32}, "wrong-round"),
        ({"round_number": 1}, "wrong-round"),
        ({"study": "another-study"}, "wrong-study"),
    ],
)
def test_endorsements_of_something_else_release_nothing(
    play: "Play", spec: Signed[Spec], freeze: Signed[Freeze], changes: dict[str, Any], rule: str
) -> None:
    body = replace(Endorsement("small-study", 0, spec.digest, freeze.digest, ""), **changes)
    others = tuple(play.people.sign(body, name) for name in (B, C, D))
    assert play.refused(A, ReleaseDuty(0, freeze.digest, others)) == rule


def test_forged_endorsements_release_nothing(
    play: "Play", spec: Signed[Spec], freeze: Signed[Freeze]
) -> None:
    true = duty_of(play, spec, freeze)
    forged = replace(true.endorsements[0], signature=true.endorsements[1].signature)
    duty = ReleaseDuty(0, freeze.digest, (forged, *true.endorsements[1:]))
    assert play.refused(A, duty) == "bad-signature"
    clients = tuple(play.people.sign(true.endorsements[0].body, f"client-0{i}") for i in range(3))
    assert play.refused(A, ReleaseDuty(0, freeze.digest, clients)) == "unknown-signer"


def test_a_freeze_that_a_quorum_endorsed_is_still_checked_by_each(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"]
) -> None:
    unseen = play.submission(spec, "client-05")
    with_unseen = play.freeze(spec, [*admitted[:3], unseen])
    assert play.refused(A, duty_of(play, spec, with_unseen)) == "not-admitted"
    too_few = play.freeze(spec, admitted[:2])
    assert play.refused(A, duty_of(play, spec, too_few)) == "min-cohort"


def test_another_freeze_than_the_endorsed_is_never_released(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"], freeze: Signed[Freeze]
) -> None:
    play.perform(A, EndorseDuty(0, freeze.digest))
    other = play.freeze(spec, admitted)
    assert play.refused(A, duty_of(play, spec, other)) == "one-freeze-per-round"
    play.perform(A, duty_of(play, spec, freeze))
    assert play.refused(A, duty_of(play, spec, other)) == "one-freeze-per-round"


def test_nothing_new_is_released_after_the_close(
    play: "Play", spec: Signed[Spec], freeze: Signed[Freeze]
) -> None:
    play.perform(A, EndorseDuty(0, freeze.digest))
    play.perform(A, CloseDuty(0))
    assert play.refused(A, duty_of(play, spec, freeze)) == "round-closed"


def test_a_release_is_not_sent_again_after_the_close(
    play: "Play", spec: Signed[Spec], freeze: Signed[Freeze]
) -> None:
    """Who closed a round can open its sum no more, whoever asks and whoever takes the store."""
    duty = duty_of(play, spec, freeze)
    play.perform(A, duty)
    play.perform(A, CloseDuty(0))
    assert play.refused(A, duty) == "round-closed"
    play.restart(A)
    assert play.refused(A, duty) == "round-closed"


def test_nothing_is_released_in_a_round_that_was_never_accepted(
    play: "Play", spec: Signed[Spec]
) -> None:
    freeze = play.freeze(spec, play.submissions(spec, play.clients))
    assert play.refused(A, duty_of(play, spec, freeze)) == "unknown-round"


def test_the_request_cannot_choose_what_is_released(
    play: "Play", spec: Signed[Spec], admitted: list["Submission"], freeze: Signed[Freeze]
) -> None:
    """Threat T11: whatever is served or asked after the endorsement, the stored set is released."""
    play.perform(A, EndorseDuty(0, freeze.digest))
    # The aggregator now serves another set under the endorsed digest; nobody asks for it again.
    other = play.freeze(spec, admitted)
    play.published[freeze.digest] = play.published[other.digest]

    (release,) = play.perform(A, duty_of(play, spec, freeze))

    shares = {part.part: part.share for part in release.body.parts}
    assert shares == expected_release(play, A, spec, admitted[:4])
    assert shares != expected_release(play, A, spec, admitted)


def test_twins_release_the_same_bytes(play: "Play", spec: Signed[Spec]) -> None:
    submissions = play.submissions(spec, play.clients)
    page = play.page(spec, submissions)
    freeze = play.freeze(spec, submissions[:4])
    shares: dict[int, set[bytes]] = {}
    for name in (A, B, C, D):
        play.perform(name, AcceptDuty(spec))
        play.perform(name, play.admit_duty(name, page, submissions))
        others = [other for other in (A, B, C, D) if other != name]
        (release,) = play.perform(name, duty_of(play, spec, freeze, *others))
        for part in release.body.parts:
            shares.setdefault(part.part, set()).add(part.share)
    assert sorted(shares) == list(play.study.committee.parts)
    assert all(len(same) == 1 for same in shares.values())


@pytest.mark.slow
def test_a_round_of_many_pages_is_released_whole(make_play: Callable[..., "Play"]) -> None:
    """More members than are read from the store at once, over several pages."""
    play = make_play(1, 1, 1, 300)
    spec = play.spec()
    play.perform(A, AcceptDuty(spec))
    submissions = play.submissions(spec, play.clients)
    for page in range(3):
        shown = submissions[page * 100 : (page + 1) * 100]
        play.perform(A, play.admit_duty(A, play.page(spec, shown, page=page), shown))
    members = [one for index, one in enumerate(submissions) if index % 7]
    freeze = play.freeze(spec, members)

    endorsements = play.perform(A, EndorseDuty(0, freeze.digest))
    (release,) = play.perform(A, ReleaseDuty(0, freeze.digest, endorsements))

    shares = {part.part: part.share for part in release.body.parts}
    assert shares == expected_release(play, A, spec, members)
