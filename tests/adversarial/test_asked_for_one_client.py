"""The aggregator asks for what opens one client, or one outside the frozen set (threat T11).

The gain is x_i. What stops it: a release is a pure function of U, which a quorum endorsed, and
under masking it holds no pair with both ends in U and nothing of anybody outside.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations

import numpy as np
import pytest
from tests.adversarial.collected_round import collected, seen
from tests.adversarial.hostile_aggregator import GATES, Integers, Sent
from tests.adversarial.world import World, total_of

from blindsum_aggregator.seals import aggregator_seal
from blindsum_crypto.errors import Aborted
from blindsum_crypto.seal import CustodianSeal, SealedMember
from blindsum_custodian import endorse, release
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.seals import custodian_seal
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.release import joined
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

CLIENTS = 8
SETS = 120


def random_sets(
    numbers: np.random.Generator, clients: Sequence[str], times: int
) -> list[list[str]]:
    sizes = numbers.integers(3, len(clients), times, endpoint=True)
    return [sorted(numbers.choice(clients, size, replace=False).tolist()) for size in sizes]


@pytest.fixture
def numbers() -> np.random.Generator:
    return np.random.default_rng(11)


# ---- a pure function of U


def test_a_request_has_no_place_for_a_client() -> None:
    # Pages that need not come again: they choose among what was released for the whole set.
    names = {"round_number", "freeze_digest", "endorsements", "pages_here"}
    assert {one.name for one in fields(ReleaseDuty)} == names
    assert {one.name for one in aggregator_pb2.ReleaseDuty.DESCRIPTOR.fields} == names


def test_whoever_asks_and_however_the_same_is_released_and_it_is_the_function_of_the_set(
    make_world: Callable[..., World], numbers: np.random.Generator
) -> None:
    world = make_world(clients=CLIENTS)
    spec = world.aggregator.spec()
    for clients in random_sets(numbers, world.clients, 3):
        round_ = collected(world, spec)
        freeze = world.aggregator.freeze(spec, round_.of(clients))
        endorsements = world.endorse(freeze)
        for place, name in enumerate(world.custodians):
            quorums = list(combinations(endorsements, world.study.quorum))
            answers = [
                world.release(freeze, asked[::order], [name])
                for asked in (*quorums[place:], endorsements)
                for order in (1, -1)
            ]
            assert answers.count(answers[0]) == len(answers)
            for part, share in joined(one.body for one in answers[0]).items():
                assert share == round_.function_of(clients, part)
        number = spec.body.round_number
        spec = world.aggregator.spec_after(spec, world.leave(number), endorsements)


# ---- what the released bytes say


def test_what_is_released_for_random_sets_gives_the_sum_of_the_honest_members_and_nothing_else(
    make_world: Callable[..., World], numbers: np.random.Generator
) -> None:
    world = make_world(clients=CLIENTS)
    round_ = collected(world, world.aggregator.spec())
    for clients in random_sets(numbers, world.clients, SETS):
        corrupt = numbers.choice(world.clients, numbers.integers(0, CLIENTS - 1), replace=False)
        honest = sorted(set(clients) - set(corrupt))
        if len(honest) < 2:
            continue

        known = seen(round_, clients, corrupt)

        assert known.gives(known.value(*honest))
        assert known.known_values() == len(set(corrupt)) + 1
        for client in set(world.clients) - set(corrupt):
            assert not known.gives(known.value(client))


def test_the_control_that_a_pair_of_two_members_as_well_gives_a_member_away(
    make_world: Callable[..., World], seal: str, numbers: np.random.Generator
) -> None:
    """With masking: the pair masks of the last two honest members. With ckks: one member's key."""
    world = make_world(clients=CLIENTS)
    round_ = collected(world, world.aggregator.spec())
    for clients in random_sets(numbers, world.clients, SETS // 10):
        victim, other, *corrupt = clients
        known = seen(round_, clients, corrupt)
        assert not known.gives(known.value(victim))

        as_well = known.pair_mask(victim, other) if seal == "masking" else known.self_masks(victim)
        known.learn(as_well)

        assert known.gives(known.value(victim))


def test_the_control_that_self_and_pairs_of_one_outside_the_set_give_it_away(
    make_world: Callable[..., World], seal: str, numbers: np.random.Generator
) -> None:
    world = make_world(clients=CLIENTS)
    round_ = collected(world, world.aggregator.spec())
    for clients in random_sets(numbers, world.clients[:-2], SETS // 10):
        victim = round_.outside(clients)[0]
        known = seen(round_, clients, ())
        assert not known.gives(known.value(victim))

        known.learn(known.self_masks(victim))
        if seal == "masking":
            peers = round_.outside([*clients, victim])
            known.learn(*(known.pair_mask(victim, peer) for peer in peers))

        assert known.gives(known.value(victim))


# ---- what custodians say to whoever asks for one client


def test_a_freeze_of_one_client_is_refused_and_nothing_opens_who_is_outside_the_set(
    world: World,
) -> None:
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    alone = world.aggregator.freeze(spec, sent[:1])
    duty = EndorseDuty(0, alone.digest)
    assert {world.refused(name, duty) for name in world.custodians} == {"min-cohort"}
    freeze = world.aggregator.freeze(spec, sent[1:])
    releases = world.release(freeze, world.endorse(freeze))
    for name in world.custodians:
        world.restart(name)
        assert world.refused(name, duty) == "one-freeze-per-round"
    for members in (sent, sent[:1], sent[:2], sent[2:]):
        with pytest.raises(Aborted) as caught:
            world.aggregator.open(spec, members, releases)
        assert caught.value.rule in GATES | {"part-length"}
    assert np.array_equal(world.aggregator.open(spec, sent[1:], releases), total_of(sent[1:]))


def test_the_control_that_without_the_checks_of_a_freeze_one_client_is_opened(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endorse, "check_freeze", lambda *_: None)
    monkeypatch.setattr(CustodianPolicy, "check_freeze", lambda *_: None)
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    alone = world.aggregator.freeze(spec, sent[:1])

    releases = world.release(alone, world.endorse(alone))

    assert np.array_equal(world.aggregator.open(spec, sent[:1], releases), sent[0].values)


@dataclass(frozen=True)
class Talkative:
    """A custodian's half that adds to every release what the aggregator would like to have.

    Under masking that is one member's leaf(pair/j) for every j, members of the set included; under
    ckks it is that member's key alone.
    """

    honest: CustodianSeal
    victim: str
    others: tuple[str, ...]

    def release(
        self, part: int, members: Iterable[tuple[str, bytes]], absent: Sequence[str]
    ) -> bytes:
        chosen = list(members)
        alone = [(self.victim, dict(chosen)[self.victim])]
        as_asked = self.honest.release(part, chosen, absent)
        return as_asked + self.honest.release(part, alone, self.others)


def opened_alone(
    world: World, spec: Signed[Spec], one: Sent, parts: Mapping[int, bytes]
) -> Integers:
    seal = aggregator_seal(spec, world.study)
    commitment = one.contribution.body.core.self_commitment
    member = SealedMember(one.client, commitment, one.sealed.pair_table)
    return seal.open(seal.load_sum(one.sealed.payload), [member], parts)


def test_the_control_that_custodians_who_release_pairs_of_members_as_well_give_a_member_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim, *others = world.clients
    monkeypatch.setattr(
        release,
        "custodian_seal",
        lambda spec: Talkative(custodian_seal(spec), victim, tuple(others)),
    )
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    freeze = world.aggregator.freeze(spec, sent[:4])
    releases = world.release(freeze, world.endorse(freeze))
    as_asked = aggregator_seal(spec, world.study).part_bytes(4)
    added = {
        part: share[as_asked:] for one in releases for part, share in joined([one.body]).items()
    }

    assert np.array_equal(opened_alone(world, spec, sent[0], added), sent[0].values)
