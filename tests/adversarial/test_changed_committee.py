"""Threat T27: the committee is changed so that nobody remembers the last freeze.

Operator and aggregator work together. They have a sum over all clients from the old committee and
want one over all but x_i from the new one, whose newcomers begin with an empty memory. What stops
them: a committee is followed by another only with a quorum of its own closes, and a newcomer reads
the whole study before it signs anything of it.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pytest
from tests.adversarial.amended_world import AmendedWorld
from tests.adversarial.world import Played, World, total_of

from blindsum_custodian import accept as accepting
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_rules.close import Close
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

OLD = tuple(f"custodian-{index}" for index in range(4))
HALF = (OLD[0], OLD[1], "custodian-4", "custodian-5")
NEW = tuple(f"custodian-{index}" for index in range(4, 8))


@pytest.fixture
def amended(world: World) -> AmendedWorld:
    """The world's study, of which a sum over everybody was opened by the old committee."""
    found = AmendedWorld(world)
    found.start(OLD)
    return found


Closing = Callable[[bytes], Sequence[Signed[Close]]]
"""Who closes the last round, and so leaves it to the committee of an amendment."""


def changed(
    amended: AmendedWorld, played: Played, closing: Closing, names: Sequence[str]
) -> Signed[Spec]:
    """The next round, of the same model, under another committee whose newcomers just started."""
    amendment = amended.amendment(committee=amended.committee(*names))
    closes = closing(amendment.digest)
    in_force = amended.put_in_force(amendment)
    amended.start([name for name in names if name not in OLD])
    return amended.spec_after(played.spec, closes, **in_force)


def left_by(amended: AmendedWorld, *names: str) -> Closing:
    """These custodians close round 0, as they are asked."""
    return lambda handed_to: amended.world.leave(0, names, handed_to)


def forged(amended: AmendedWorld, names: Sequence[str], handed_to: bytes) -> list[Signed[Close]]:
    """Closes that these custodians' keys would sign, and that name no freeze."""
    study = amended.original.body.study
    body = Close(study, 0, b"", "", amended.original.digest, handed_to)
    return [amended.world.people.sign(body, name) for name in names]


def test_without_closes_of_the_old_committee_nobody_accepts_the_new_one(
    amended: AmendedWorld,
) -> None:
    world = amended.world
    played = world.play(world.aggregator.spec())
    amended.committee(*HALF)  # its keys

    of_the_new = changed(amended, played, partial(forged, amended, HALF[1:]), HALF)
    news = of_the_new.body.amendments
    two = forged(amended, OLD[2:], of_the_new.body.handed_to)
    of_two = amended.spec_after(played.spec, two, amendments=news)
    of_none = amended.spec_after(played.spec, (), amendments=news)

    for spec, rule in (
        (of_the_new, "unknown-signer"),
        (of_two, "quorum-of-closes"),
        (of_none, "quorum-of-closes"),
    ):
        for name in ("custodian-4", "custodian-5", OLD[0]):
            assert world.refused(name, AcceptDuty(spec)) == rule


def test_with_closes_of_the_old_committee_the_new_one_sums_exactly(amended: AmendedWorld) -> None:
    world = amended.world
    played = world.play(world.aggregator.spec())
    spec = changed(amended, played, left_by(amended, *OLD[1:]), HALF)

    second = world.play(spec)

    assert np.array_equal(second.total, total_of(second.sent))
    assert np.array_equal(second.total, played.total)
    for name in OLD[2:]:  # who left closed what it sat in, and does nothing more
        assert world.refused(name, AcceptDuty(spec)) == "not-seated"
        assert world.refused(name, EndorseDuty(1, second.freeze.digest)) == "unknown-round"


@pytest.mark.parametrize("names", [HALF, NEW], ids=["two are new", "all are new"])
def test_the_new_committee_remembers_the_old_ones_freeze(
    amended: AmendedWorld, names: tuple[str, ...]
) -> None:
    world = amended.world
    played = world.play(world.aggregator.spec())
    spec = changed(amended, played, left_by(amended, *OLD), names)

    sent = world.collect(spec)
    freeze = world.aggregator.freeze(spec, sent[:-1])

    for name in names:
        assert world.refused(name, EndorseDuty(1, freeze.digest)) == "no-differencing"


def test_one_honest_custodian_among_the_closes_is_enough_to_be_remembered(
    amended: AmendedWorld,
) -> None:
    """Two of three that close lie, which is more than t-1: the third still names the freeze."""
    world = amended.world
    played = world.play(world.aggregator.spec())

    def one_honest(handed_to: bytes) -> list[Signed[Close]]:
        return [*world.leave(0, OLD[:1], handed_to), *forged(amended, OLD[2:], handed_to)]

    spec = changed(amended, played, one_honest, NEW)

    sent = world.collect(spec)
    freeze = world.aggregator.freeze(spec, sent[:-1])

    for name in NEW:
        assert world.refused(name, EndorseDuty(1, freeze.digest)) == "no-differencing"


def test_a_newcomer_from_whom_the_last_round_is_kept_accepts_nothing(
    amended: AmendedWorld,
) -> None:
    world = amended.world
    played = world.play(world.aggregator.spec())
    spec = changed(amended, played, left_by(amended, *OLD), NEW)
    del world.aggregator.published[played.freeze.digest]

    assert world.refused(NEW[0], AcceptDuty(spec)) == "aggregator-unreachable"
    del world.aggregator.published[played.spec.digest]
    assert world.refused(NEW[1], AcceptDuty(spec)) == "aggregator-unreachable"


def test_control_a_committee_that_forgets_gives_x_i_away(
    amended: AmendedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = amended.world
    played = world.play(world.aggregator.spec())
    spec = changed(amended, played, left_by(amended, *OLD), NEW)
    monkeypatch.setattr(accepting, "keep_lesson", lambda *_: None)

    second = world.play(spec, spec.body.cohort[:-1])

    victim = spec.body.cohort[-1]
    assert np.array_equal(played.total - second.total, world.values_of(victim))


def test_control_a_committee_changed_without_closes_gives_x_i_away(
    amended: AmendedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The freeze stays unknown, because nobody who knows it was asked to close the round."""
    world = amended.world
    played = world.play(world.aggregator.spec())
    monkeypatch.setattr("blindsum_rules.succession._check_closes", lambda *_: None)
    spec = changed(amended, played, lambda _: (), NEW)

    second = world.play(spec, spec.body.cohort[:-1])

    victim = spec.body.cohort[-1]
    assert np.array_equal(played.total - second.total, world.values_of(victim))
