"""Threat T15: a client wraps garbage, or deals seeds that do not fit together.

Custodians never see what is sealed, so a client could give them anything: bytes that open to
nothing, a seed of somebody else, or one seed to one twin and another to the next. The gain is a
round that stalls when it is too late to leave the client out, or an honest custodian that stands as
a liar. What stops it: headers commit to every seed, custodians check before they admit, and what
they cannot use they deny by name before the freeze; the round goes on without the client, or with
it, where enough others hold what they need.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from tests.adversarial.coalition import pooled
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.world import World, total_of

from blindsum_crypto.custody import SEED_BYTES, CustodySeeds, encode_seeds, wrap_info
from blindsum_crypto.primitives import WrapSuite, hpke_wrap
from blindsum_custodian import judging
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_rules.header import core_digest, wrap_digest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

CLIENT = 2
FALSE_SEED = b"\x5a" * SEED_BYTES


def with_wraps(world: World, sent: Sent, wraps: dict[int, bytes]) -> Sent:
    """The client's own contribution with other wraps for these custodians, signed for by it."""
    chosen = tuple(wraps.get(place, wrap) for place, wrap in enumerate(sent.sealed.wraps))
    digests = tuple(wrap_digest(wrap) for wrap in chosen)
    body = replace(sent.contribution.body, wrap_digests=digests)
    signed = world.people.sign(body, sent.client)
    return Sent(replace(sent.sealed, contribution=signed, wraps=chosen), sent.values)


def wrapped(world: World, sent: Sent, place: int, held: bytes, named: int | None = None) -> bytes:
    """A wrap to one custodian, under the info of it or of another."""
    custodian = world.study.custodians[place]
    name = world.custodians[place if named is None else named]
    bound_to = core_digest(sent.contribution.body.core_bytes)
    info = wrap_info(world.study.study, 0, name, bound_to)
    return hpke_wrap(cast(WrapSuite, custodian.wrap_suite), custodian.wrap_key, info, held)


def garbage(_: World, sent: Sent, place: int) -> bytes:
    return bytes(reversed(sent.sealed.wraps[place]))


def for_another_custodian(world: World, sent: Sent, place: int) -> bytes:
    held = world.study.committee.parts_of(place)
    seeds_of_all = pooled(world, sent, world.custodians)
    other = (place + 1) % len(world.custodians)
    return wrapped(world, sent, place, encode_seeds(seeds_of_all, held), other)


def too_few_seeds(world: World, sent: Sent, place: int) -> bytes:
    seeds_of_all = pooled(world, sent, world.custodians)
    held = world.study.committee.parts_of(place)[:-1]
    return wrapped(world, sent, place, encode_seeds(seeds_of_all, held))


def another_seed_than_its_twins(world: World, sent: Sent, place: int) -> bytes:
    parts = world.study.committee.parts_of(place)
    dealt = dict(pooled(world, sent, world.custodians)) | {parts[0]: FALSE_SEED}
    return wrapped(world, sent, place, encode_seeds(CustodySeeds(dealt), parts))


Bad = Callable[[World, Sent, int], bytes]
BAD_WRAPS = pytest.mark.parametrize(
    ("bad", "rule"),
    [
        (garbage, "bad-wrap"),
        (for_another_custodian, "bad-wrap"),
        (too_few_seeds, "seeds-length"),
        (another_seed_than_its_twins, "seed-commitment-mismatch"),
    ],
)


def with_one_bad(world: World, spec: Signed[Spec], bad: Bad, *places: int) -> list[Sent]:
    """Everybody's contributions; one client's wraps to these custodians are bad."""
    sent = world.seal_all(spec)
    wraps = {place: bad(world, sent[CLIENT], place) for place in places}
    sent[CLIENT] = with_wraps(world, sent[CLIENT], wraps)
    return sent


def without_client(sent: list[Sent]) -> list[Sent]:
    return [one for place, one in enumerate(sent) if place != CLIENT]


@BAD_WRAPS
def test_who_gets_a_bad_wrap_denies_its_client_by_name_and_the_others_open_the_round_with_it(
    world: World, bad: Bad, rule: str
) -> None:
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = with_one_bad(world, spec, bad, 0)

    admissions = world.admit(spec, sent)

    denied = {one.signer: [(d.client, d.rule) for d in one.body.denials] for one in admissions}
    denying, *others = world.custodians
    assert denied == {denying: [(sent[CLIENT].client, rule)], **{name: [] for name in others}}
    freeze = world.aggregator.freeze(spec, sent)
    assert world.refused(denying, EndorseDuty(0, freeze.digest)) == "not-admitted"
    releases = world.release(freeze, world.endorse(freeze, others), others)
    assert np.array_equal(world.aggregator.open(spec, sent, releases), total_of(sent))


@BAD_WRAPS
def test_where_a_quorum_is_lacking_the_round_goes_on_without_the_client(
    world: World, bad: Bad, rule: str
) -> None:
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = with_one_bad(world, spec, bad, 0, 1)
    admissions = world.admit(spec, sent)
    assert [[d.rule for d in one.body.denials] for one in admissions] == [[rule], [rule], [], []]

    freeze = world.aggregator.freeze(spec, without_client(sent))

    releases = world.release(freeze, world.endorse(freeze))
    total = world.aggregator.open(spec, without_client(sent), releases)
    assert np.array_equal(total, total_of(without_client(sent)))


def test_the_control_that_without_commitments_an_honest_custodian_stands_as_the_liar(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every custodian releases what it was dealt, and one of them stands alone with it."""
    monkeypatch.setattr(judging, "check_seed", lambda *_: None)
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = with_one_bad(world, spec, another_seed_than_its_twins, 0)
    assert all(one.body.denials == () for one in world.admit(spec, sent))
    freeze = world.aggregator.freeze(spec, sent)

    releases = world.release(freeze, world.endorse(freeze))

    opened = world.aggregator.opening(spec, sent, releases)
    assert opened.disagreeing == (0,)


def test_the_control_that_a_wrap_that_nobody_looks_at_stalls_the_round_after_its_freeze(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check off: everybody admits and endorses, and then nobody can release."""
    monkeypatch.setattr(judging.Judge, "_check_seeds", lambda *_: None)
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = with_one_bad(world, spec, garbage, *range(len(world.custodians)))
    world.admit(spec, sent)
    freeze = world.aggregator.freeze(spec, sent)
    endorsements = world.endorse(freeze)

    duty = ReleaseDuty(0, freeze.digest, endorsements)
    refusals = {world.refused(name, duty) for name in world.custodians}

    assert refusals == {"bad-wrap"}
