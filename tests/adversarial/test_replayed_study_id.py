"""A study is begun again under its old id, and the first one's words are shown in it (threat T8).

A custodian keeps its keys and gets a new memory. Its own close of the first study would then be a
signature that it does not remember: it would take its memory for a restored one and stop for good.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.adversarial.world import Played, World

from blindsum_custodian.accept import AcceptDuty
from blindsum_rules import succession
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.signed import Signed


@pytest.fixture
def played(world: World) -> Played:
    """A round of the first study."""
    return world.play(world.aggregator.spec())


@pytest.fixture
def first(world: World, played: Played) -> tuple[World, tuple[Signed[Close], ...]]:
    """A study of which one round was played, and everybody's closes of it."""
    assert played.endorsements
    return world, world.leave(0)


@pytest.fixture
def again(first: tuple[World, tuple[Signed[Close], ...]], tmp_path: Path) -> Iterator[World]:
    """The same people under the same study id, with another manifest and new memories."""
    people = first[0].people.with_manifest(purpose="a second attempt")
    assert people.study.study == first[0].study.study
    second = World(people, tmp_path / "again")
    yield second
    second.close()


def test_closes_of_an_earlier_study_of_that_name_close_nothing_and_stop_nobody(
    first: tuple[World, tuple[Signed[Close], ...]], again: World
) -> None:
    spec = again.aggregator.spec()
    again.collect(spec)
    replayed = again.aggregator.spec_after(spec, first[1])

    for name in again.custodians:
        assert again.refused(name, AcceptDuty(replayed)) == "wrong-manifest"

    # Nobody was stopped by it: the study goes on with closes of its own.
    following = again.aggregator.spec_after(spec, again.leave(0))
    assert all(isinstance(one.body, Acceptance) for one in again.accept(following))


def test_endorsements_of_an_earlier_study_of_that_name_stop_nobody(
    played: Played, again: World
) -> None:
    spec = again.aggregator.spec()
    again.collect(spec)
    following = again.aggregator.spec_after(spec, again.leave(0))
    own = tuple(sorted(played.endorsements, key=lambda one: one.signer))
    carrying = again.aggregator.publish(replace(following.body, endorsements=own))

    for name in again.custodians:
        assert again.refused(name, AcceptDuty(carrying)) == "model-version"

    assert all(isinstance(one.body, Acceptance) for one in again.accept(following))


def test_the_control_were_they_let_through_a_custodian_would_stop_for_good(
    played: Played, again: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = again.aggregator.spec()
    again.collect(spec)
    following = again.aggregator.spec_after(spec, again.leave(0))
    carrying = again.aggregator.publish(
        replace(following.body, endorsements=tuple(played.endorsements))
    )
    monkeypatch.setattr(succession, "_check_model", lambda *_: None)

    stopped = [again.refused(name, AcceptDuty(carrying)) for name in again.custodians]

    assert "store-rolled-back" in stopped


def test_the_control_were_the_manifest_not_named_a_custodian_would_stop_for_good(
    first: tuple[World, tuple[Signed[Close], ...]],
    again: World,
) -> None:
    """The first study's closes as they were before: equal in everything but the manifest."""
    digest = again.people.manifest.digest
    nameless = tuple(
        again.people.sign(replace(one.body, manifest_digest=digest), one.signer) for one in first[1]
    )
    spec = again.aggregator.spec()
    again.collect(spec)
    replayed = again.aggregator.spec_after(spec, nameless)

    name = again.custodians[0]
    assert again.refused(name, AcceptDuty(replayed)) == "store-rolled-back"
    assert again.refused(name, AcceptDuty(spec)) == "store-rolled-back"
