"""Threat T4: phantom clients, the n-1 attack: a cohort of one victim and of the attacker's own.

Whoever brings k identities into a roster knows k of the vectors of every sum, and takes them out
of it. What stands against it: enrolment is the operator's and the officer's signature, custodians
and clients count organisations and not identities, and the report says among how many clients a sum
really hides each. Phantoms under invented organisations are beyond any of this, and are said to be.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.people import found
from tests.adversarial.served_study import served, valid_now
from tests.adversarial.world import World

from blindsum_auditor.limits import LIMITS
from blindsum_auditor.verify import verify
from blindsum_crypto.errors import Refused
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_rules import manifest_checks
from blindsum_rules.anonymity import AnonymitySet, anonymity_of, smallest_anonymity
from blindsum_rules.local_policy import ClientPolicy, check_manifest_against
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState

PHANTOMS = 4
VICTIM, HONEST = PHANTOMS, PHANTOMS + 1
ONE_HOUSE = ["shell"] * PHANTOMS + ["hospital-a", "hospital-b"]
"""Four identities of one organisation, the victim's, and one more honest one."""


def without_phantoms(world: World, total: Integers, members: list[Sent]) -> Integers:
    """What the attacker computes from a sum: it knows its own vectors."""
    return total - sum(world.values_of(one.client) for one in members[:PHANTOMS])


def victim_and_phantoms(world: World, spec: Signed[Spec]) -> list[Sent]:
    return world.collect(spec)[: VICTIM + 1]


# ---- the manifest


@pytest.mark.parametrize("houses", [["shell"] * 6, ["shell"] * 5 + ["hospital-a"]])
def test_a_roster_of_fewer_organisations_than_its_floor_is_refused_by_every_custodian(
    make_world: Callable[..., World], houses: list[str]
) -> None:
    world = make_world(organisations=houses, min_organisations=3)

    for name in world.custodians:
        with pytest.raises(Refused) as caught:
            world.custodian(name)
        assert caught.value.rule == "min-organisations"


def test_a_client_refuses_to_join_a_study_that_would_sum_it_with_one_organisation_alone(
    make_world: Callable[..., World],
) -> None:
    study = make_world(organisations=ONE_HOUSE, min_organisations=2).study

    with pytest.raises(Refused) as caught:
        check_manifest_against(ClientPolicy(min_organisations_floor=3), study)

    assert caught.value.rule == "own-min-organisations"
    check_manifest_against(ClientPolicy(min_organisations_floor=2), study)


# ---- a round with one honest client


def test_a_freeze_of_the_victim_and_phantoms_is_endorsed_by_nobody_and_a_wider_one_is(
    make_world: Callable[..., World],
) -> None:
    world = make_world(organisations=ONE_HOUSE, min_organisations=3)
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    chosen = world.aggregator.freeze(spec, sent[: VICTIM + 1])

    refusals = {world.refused(name, EndorseDuty(0, chosen.digest)) for name in world.custodians}

    assert refusals == {"min-organisations"}
    whole = world.aggregator.freeze(spec, sent)
    total = world.aggregator.open(spec, sent, world.release(whole, world.endorse(whole)))
    left = without_phantoms(world, total, sent)
    assert np.array_equal(left, sent[VICTIM].values + sent[HONEST].values)
    assert anonymity_of(world.study, world.clients) == AnonymitySet(1, 2, 2)


def test_a_spec_that_invites_the_victim_and_phantoms_alone_is_accepted_by_nobody(
    make_world: Callable[..., World],
) -> None:
    """The same, chosen when the round is opened: one honest client is invited."""
    world = make_world(organisations=ONE_HOUSE, min_organisations=3)
    spec = world.aggregator.spec(cohort=world.clients[: VICTIM + 1])

    refusals = {world.refused(name, AcceptDuty(spec)) for name in world.custodians}

    assert refusals == {"spec-cohort"}


def test_were_such_a_roster_signed_no_round_of_it_would_be_accepted(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest_checks, "_check_floors", lambda *_: None)
    world = make_world(organisations=["shell"] * 5 + ["hospital-a"], min_organisations=3)

    refusals = {
        world.refused(name, AcceptDuty(world.aggregator.spec())) for name in world.custodians
    }

    assert refusals == {"spec-cohort"}


def test_the_control_without_the_floor_phantoms_leave_the_victims_vector(
    make_world: Callable[..., World],
) -> None:
    """The floor off: identities are counted, and there are enough of them."""
    world = make_world(organisations=ONE_HOUSE, min_organisations=1)
    spec = world.aggregator.spec()
    members = victim_and_phantoms(world, spec)
    freeze = world.aggregator.freeze(spec, members)

    total = world.aggregator.open(spec, members, world.release(freeze, world.endorse(freeze)))

    assert np.array_equal(without_phantoms(world, total, members), members[VICTIM].values)
    hidden = anonymity_of(world.study, freeze.body.clients)
    assert hidden == AnonymitySet(1, 1, 1)
    assert hidden.in_words.startswith("nobody")


# ---- the report


@pytest.mark.parametrize(
    ("floor", "members", "hidden", "says"),
    [
        (3, HONEST + 1, AnonymitySet(1, 2, 2), "each client among at least 2 of 2 organisations"),
        (2, VICTIM + 1, AnonymitySet(1, 1, 1), "nobody"),
    ],
)
def test_the_report_of_an_auditor_says_among_how_many_a_sum_really_hides_each(
    make_world: Callable[..., World],
    tmp_path: Path,
    floor: int,
    members: int,
    hidden: AnonymitySet,
    says: str,
) -> None:
    """The honest aggregator's transcript. Five contributions, and one of them hides in nothing."""
    world = make_world(
        organisations=ONE_HOUSE,
        min_organisations=floor,
        schedule=replace(found().study.schedule, quota=members),
        **valid_now(),
    )
    with served(world, tmp_path / "aggregator") as study:
        spec = study.is_open(0)
        for client in spec.body.cohort[:members]:
            study.send(world.seal(spec, client))
        assert study.carry(0) is AggregatorState.PUBLISHED
        study.close(0)
        transcript = study.transcript

    report = verify(transcript, world.people.manifest.digest)

    assert report.accepted
    (one,) = report.anonymity
    assert (one.members, one.hidden) == (members, hidden)
    assert report.anonymity_in_words.startswith(says)
    assert smallest_anonymity(world.study).clients <= hidden.clients


def test_invented_organisations_are_beyond_the_floor_and_the_report_says_so(
    make_world: Callable[..., World],
) -> None:
    """The limit: whoever signs the roster says which organisations there are."""
    world = make_world(organisations=[*(f"shell-{n}" for n in range(PHANTOMS)), "a", "b"])
    spec = world.aggregator.spec()
    members = victim_and_phantoms(world, spec)
    freeze = world.aggregator.freeze(spec, members)

    total = world.aggregator.open(spec, members, world.release(freeze, world.endorse(freeze)))

    assert np.array_equal(without_phantoms(world, total, members), members[VICTIM].values)
    assert any("organisations are independent" in limit for limit in LIMITS)
