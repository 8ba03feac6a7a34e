"""What was signed for one round is shown to custodians in another round or study (threat T8).

The gain would be to open sealed bytes once more, over another set. What stops it: the round id and
the study stand in every signed body, in the info of every wrap and in every leaf. The other study
has the same people, with the same keys. Clients and aggregator: `test_replay_to_clients.py`,
`test_replay_to_aggregator.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import GATES, Sent
from tests.adversarial.world import Played, World

from blindsum_crypto.errors import Aborted
from blindsum_custodian import release
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.admit import AdmitDuty
from blindsum_custodian.custodian import Duty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.seals import custodian_seal
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules import header_checks
from blindsum_rules.admission import HeaderPage
from blindsum_rules.close import Close
from blindsum_rules.exception import DifferencingException
from blindsum_rules.freeze import Freeze
from blindsum_rules.header import wrap_digest
from blindsum_rules.manifest import Party
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

A = "custodian-0"


def nothing(*_: object) -> None:
    """A rule that is switched off."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """A round that was carried through: every one of its messages was accepted in its own place."""

    world: World
    played: Played
    page: Signed[HeaderPage]
    closes: tuple[Signed[Close], ...]


@dataclass(frozen=True, eq=False)
class There:
    """Where the recorded messages are shown again: an open round, with all of its own at hand."""

    world: World
    spec: Signed[Spec]
    sent: list[Sent]
    freeze: Signed[Freeze]

    def serve(self, *messages: Signed[Any]) -> None:
        """The hostile aggregator serves what it recorded."""
        for message in messages:
            self.world.aggregator.published[message.digest] = signed_to_bytes(message)

    def admit_duty(self, page: Signed[HeaderPage], sent: list[Sent]) -> AdmitDuty:
        return self.world.aggregator.admit_duty(A, page, sent)


@pytest.fixture
def recorded(world: World) -> Recorded:
    played = world.play(world.aggregator.spec())
    page = world.aggregator.page(played.spec, played.sent)
    return Recorded(world, played, page, world.leave(0))


@pytest.fixture
def next_round(recorded: Recorded) -> There:
    """The next round of the study, of a new model, so that no rule on sets holds between them."""
    world, played = recorded.world, recorded.played
    spec = world.aggregator.spec_after(played.spec, recorded.closes, played.endorsements)
    return opened(world, spec)


@pytest.fixture
def other_study(make_world: Callable[..., World]) -> There:
    """Round 0 of another study of the same people."""
    world = make_world(study="another-study")
    return opened(world, world.aggregator.spec())


def opened(world: World, spec: Signed[Spec]) -> There:
    world.accept(spec)
    sent = world.seal_all(spec)
    return There(world, spec, sent, world.aggregator.freeze(spec, sent))


@pytest.fixture(params=["next_round", "other_study"])
def there(request: pytest.FixtureRequest) -> There:
    place: There = request.getfixturevalue(request.param)
    return place


def wrong(there: There) -> str:
    """The rule that a message of the recorded round breaks there."""
    return "wrong-round" if there.spec.body.round_number else "wrong-study"


def test_a_spec_is_answered_in_its_own_round_alone(
    recorded: Recorded, next_round: There, other_study: There
) -> None:
    """In the next round it gets its stored acceptance again, and moves nothing."""
    spec = recorded.played.spec
    assert next_round.world.accept(spec, [A])[0].body.round_id == spec.digest
    assert next_round.world.custodian(A).attendance()[-1].round_number == 1
    assert other_study.world.refused(A, AcceptDuty(spec)) == "spec-study"


def test_a_contribution_is_denied_and_its_client_is_not_evicted_by_it(
    recorded: Recorded, there: There
) -> None:
    old = recorded.played.sent
    (admission,) = there.world.admit(there.spec, old, [A])
    assert {denial.rule for denial in admission.body.denials} == {wrong(there)}
    assert len(admission.body.denials) == len(old)
    (admission,) = there.world.admit(there.spec, there.sent, [A], page=1)
    assert admission.body.denials == ()


def with_wraps_of(there: There, own: Sent, old: Sent, *, signed: bool) -> Sent:
    """A contribution of this round around the wraps of another; with its client's word or not."""
    contribution, wraps = own.contribution, old.sealed.wraps
    if signed:
        digests = tuple(wrap_digest(wrap) for wrap in wraps)
        body = replace(contribution.body, wrap_digests=digests)
        contribution = there.world.people.sign(body, own.client)
    sealed = replace(own.sealed, contribution=contribution, wraps=wraps)
    return Sent(sealed, own.values)


def test_wraps_open_in_their_own_round_alone(recorded: Recorded, there: There) -> None:
    old = recorded.played.sent[0]
    unsigned = with_wraps_of(there, there.sent[0], old, signed=False)
    page = there.world.aggregator.page(there.spec, [unsigned])
    assert there.world.refused(A, there.admit_duty(page, [unsigned])) == "wrap-digest-mismatch"
    there.world.admit(there.spec, there.sent[:1], [A])

    colluding = with_wraps_of(there, there.sent[1], recorded.played.sent[1], signed=True)

    (admission,) = there.world.admit(there.spec, [colluding], [A], page=1)
    assert [denial.rule for denial in admission.body.denials] == ["bad-wrap"]


def test_a_page_is_answered_in_its_own_round_alone(
    recorded: Recorded, next_round: There, other_study: There
) -> None:
    duty = recorded.world.aggregator.admit_duty(A, recorded.page, recorded.played.sent)
    (stored,) = next_round.world.perform(A, duty)
    assert stored.body.round_id == recorded.played.spec.digest
    assert other_study.world.refused(A, duty) == "wrong-study"
    # Under this round's number its id is still the other's.
    relabelled = next_round.world.aggregator.publish(replace(recorded.page.body, round_number=1))
    duty = next_round.admit_duty(relabelled, recorded.played.sent)
    assert next_round.world.refused(A, duty) == "wrong-round"


def test_a_freeze_is_endorsed_in_its_own_round_alone(recorded: Recorded, there: There) -> None:
    there.world.admit(there.spec, there.sent)
    there.serve(recorded.played.freeze)
    duty = EndorseDuty(there.spec.body.round_number, recorded.played.freeze.digest)
    assert {there.world.refused(name, duty) for name in there.world.custodians} == {wrong(there)}
    there.world.endorse(there.freeze)


def test_endorsements_release_their_own_freeze_alone(recorded: Recorded, there: There) -> None:
    there.world.admit(there.spec, there.sent)
    old = recorded.played.endorsements
    duty = ReleaseDuty(there.spec.body.round_number, there.freeze.digest, old)
    assert {there.world.refused(name, duty) for name in there.world.custodians} == {wrong(there)}
    there.world.release(there.freeze, there.world.endorse(there.freeze))


def test_releases_open_the_sum_of_their_own_round_alone(recorded: Recorded, there: There) -> None:
    aggregator = there.world.aggregator
    with pytest.raises(Aborted) as caught:
        aggregator.open(there.spec, there.sent, recorded.played.releases)
    assert caught.value.rule in GATES
    there.world.admit(there.spec, there.sent)
    releases = there.world.release(there.freeze, there.world.endorse(there.freeze))
    mixed = (recorded.played.releases[0], releases[1])
    with pytest.raises(Aborted) as caught:
        aggregator.open(there.spec, there.sent, mixed)
    assert caught.value.rule == "twins-disagree"
    total = aggregator.open(there.spec, there.sent, releases)
    assert np.array_equal(total, recorded.played.total)


def test_closes_end_their_own_round_alone(recorded: Recorded, there: There) -> None:
    number = there.spec.body.round_number
    after = there.world.aggregator.spec_after
    replayed = after(there.spec, recorded.closes)
    rule = wrong(there)
    assert {there.world.refused(name, AcceptDuty(replayed)) for name in there.world.custodians} == {
        rule
    }
    there.world.accept(after(there.spec, there.world.leave(number)))


def test_endorsements_earn_their_own_rounds_model_alone(recorded: Recorded, there: There) -> None:
    old = recorded.played.endorsements
    there.world.admit(there.spec, there.sent)
    there.world.endorse(there.freeze)
    closes = there.world.leave(there.spec.body.round_number)
    replayed = there.world.aggregator.spec_after(there.spec, closes, old)
    assert there.world.refused(A, AcceptDuty(replayed)) == "model-version-without-aggregate"


def exceptions(world: World, **changes: Any) -> tuple[Signed[DifferencingException], ...]:  # noqa: ANN401
    words = ("a spoiled vector", world.people.manifest.digest)
    body = DifferencingException(world.study.study, 1, 0, world.clients[:-1], *words)
    body = replace(body, **changes)
    return tuple(world.people.sign(body, signer) for signer in ("operator", "officer"))


def test_an_exception_is_good_for_its_own_round_and_study_alone(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    officer = Party("officer", world.people.keys.identities["officer"].public)
    world = make_world(officer=officer)
    spec = world.play(world.aggregator.spec()).spec
    true = exceptions(world)
    for number in (1, 2):
        spec = world.aggregator.spec_after(spec, world.leave(number - 1))
        freeze = world.aggregator.freeze(spec, world.collect(spec)[:-1])
        foreign = exceptions(world, study="another-study")
        assert world.refused(A, EndorseDuty(number, freeze.digest, *foreign)) == "exception-study"
        duty: Duty = EndorseDuty(number, freeze.digest, *true)
        if number == 1:
            assert world.perform(A, duty)[0].body.freeze_digest == freeze.digest
        else:
            assert world.refused(A, duty) == "exception-round"


# ---- the controls: each binding that is switched off lets the replay one step further


def admitted_again(recorded: Recorded, there: There) -> list[Sent]:
    """Show the recorded contributions once more; the victim's is left out."""
    fewer = recorded.played.sent[:-1]
    there.world.admit(there.spec, fewer)
    return fewer


def test_without_the_headers_round_the_leaves_still_open_nothing(
    recorded: Recorded, next_round: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_checks, "_check_round", nothing)
    fewer = admitted_again(recorded, next_round)
    freeze = next_round.world.aggregator.freeze(next_round.spec, fewer)
    releases = next_round.world.release(freeze, next_round.world.endorse(freeze))
    for spec in (recorded.played.spec, next_round.spec):
        with pytest.raises(Aborted) as caught:
            next_round.world.aggregator.open(spec, fewer, releases)
        assert caught.value.rule in GATES


def test_without_the_headers_study_the_wraps_still_open_nothing(
    recorded: Recorded, other_study: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_checks, "_check_round", nothing)
    (admission,) = other_study.world.admit(other_study.spec, recorded.played.sent, [A])
    assert {denial.rule for denial in admission.body.denials} == {"bad-wrap"}


def test_the_control_that_leaves_of_no_round_open_sealed_bytes_again_and_give_the_victim_away(
    recorded: Recorded, next_round: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_checks, "_check_round", nothing)
    old = recorded.played.spec
    monkeypatch.setattr(release, "custodian_seal", lambda _, *others: custodian_seal(old, *others))
    fewer = admitted_again(recorded, next_round)
    freeze = next_round.world.aggregator.freeze(next_round.spec, fewer)

    releases = next_round.world.release(freeze, next_round.world.endorse(freeze))

    smaller = next_round.world.aggregator.open(old, fewer, releases)
    victim = recorded.played.sent[-1]
    assert np.array_equal(recorded.played.total - smaller, victim.values)
