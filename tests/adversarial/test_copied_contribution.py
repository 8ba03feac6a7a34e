"""T7: a client resubmits a victim's sealed bytes as its own, and would have it counted twice.

The gap in Willow's first proof (eprint 2026/264). Three bindings name the client whose sealed
bytes they are: the wraps' info (through the digest of the core header), the commitments to the
seeds, and the leaves that the custodians release; under masking the commitment to the self mask is
a fourth, and the pairs a fifth. A payload digest that occurs twice is no rule: a copier who arrives
first would evict the victim with it. `test_copied_contribution_unbound.py` has the controls.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.copying import COPIER, VICTIM, copied, denials_of, denied, signed_by
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World, total_of

from blindsum_crypto import custody
from blindsum_crypto.custody import CustodySeeds, decode_seeds, encode_seeds, wrap_info
from blindsum_crypto.errors import Aborted, Refused, Rejected
from blindsum_crypto.primitives import hpke_wrap
from blindsum_crypto.randomness import SystemRandomness
from blindsum_protos.convert.contribution import core_header_bytes
from blindsum_rules.header import core_digest, wrap_digest
from blindsum_rules.transitions import AggregatorState


@pytest.mark.parametrize("copier_first", [False, True], ids=["victim first", "copier first"])
def test_every_custodian_denies_a_copied_contribution_and_admits_the_victim(
    world: World, *, copier_first: bool
) -> None:
    spec = world.aggregator.spec()
    world.accept(spec)
    victim, *others = world.seal_all(spec, [name for name in world.clients if name != COPIER])
    copy = copied(world, victim)
    page = [copy, victim, *others] if copier_first else [victim, copy, *others]

    assert denials_of(world, spec, page) == denied(copy, "bad-wrap")

    freeze = world.aggregator.freeze(spec, [victim, *others])
    releases = world.release(freeze, world.endorse(freeze))
    opened = world.aggregator.open(spec, [victim, *others], releases)
    assert np.array_equal(opened, total_of([victim, *others]))


def test_a_freeze_with_a_copied_contribution_is_endorsed_by_nobody(world: World) -> None:
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = world.seal_all(spec, [name for name in world.clients if name != COPIER])
    copy = copied(world, sent[0])
    world.admit(spec, [*sent, copy])

    freeze = world.aggregator.freeze(spec, [*sent, copy])

    for name in world.custodians:
        with pytest.raises(AssertionError, match="not-admitted"):
            world.endorse(freeze, [name])


@pytest.fixture
def study(make_world: Callable[..., World], tmp_path: Path) -> Iterable[ServedStudy]:
    """The honest aggregator at its port."""
    with served(make_world(**valid_now()), tmp_path / "aggregator") as running:
        yield running


def test_a_copier_who_arrives_first_is_left_out_by_name_and_the_victim_is_summed(
    study: ServedStudy,
) -> None:
    world, spec = study.world, study.is_open(0)
    victim, *others = world.seal_all(spec, [name for name in world.clients if name != COPIER])
    copy = copied(world, victim)

    study.send(copy)
    for one in (victim, *others):
        study.send(one)

    assert study.carry(0) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(0), total_of([victim, *others]))
    (freeze,) = study.frozen(0)
    assert {one.client for one in freeze.body.members} == {VICTIM, *(one.client for one in others)}
    assert [(one.client, one.rule) for one in freeze.body.left_out] == [(COPIER, "bad-wrap")]


def test_the_victims_own_header_is_refused_from_the_copier_and_taken_from_the_victim(
    study: ServedStudy,
) -> None:
    world, spec = study.world, study.is_open(0)
    victim = world.seal(spec, VICTIM)

    with pytest.raises(Refused) as caught:
        study.upload(victim, COPIER)
    assert caught.value.rule == "not-own-contribution"
    with pytest.raises(Rejected) as forged:
        study.upload(signed_by(world, victim, COPIER), COPIER)
    assert forged.value.rule == "unknown-signer"

    assert study.send(victim).body.client == VICTIM


def test_a_forged_signature_under_the_victims_name_does_not_evict_the_victim(world: World) -> None:
    """The aggregator colludes with the copier and shows the forgery first."""
    spec = world.aggregator.spec()
    world.accept(spec)
    victim = world.seal(spec, VICTIM)
    forged = signed_by(world, victim, COPIER)
    page = world.aggregator.page(spec, [forged])

    for name in world.custodians:
        duty = world.aggregator.admit_duty(name, page, [forged])
        assert world.refused(name, duty) == "contribution-signature"

    # A signature is in no digest: the same page comes again with the true one.
    assert {one.body.denials for one in world.admit(spec, [victim])} == {()}


# ---- a corrupt custodian helps: it knows its own seeds of the victim, and not the last part


def seeds_known_to(world: World, custodian: str, victim: Sent) -> CustodySeeds:
    index = world.study.custodian_index(custodian)
    bound_to = core_digest(victim.contribution.body.core_bytes)
    info = wrap_info(world.study.study, 0, custodian, bound_to)
    opened = world.people.keys.wraps[custodian].unwrap(info, victim.sealed.wraps[index])
    return decode_seeds(world.study.committee.parts_of(index), opened)


def wrapped_again(world: World, victim: Sent, seeds: CustodySeeds, *, own_words: bool) -> Sent:
    """The victim's payload with true wraps of these seeds, under the copier's name.

    `own_words`: with commitments that the copier made of these seeds; else with the victim's.
    """
    body, study = victim.contribution.body, world.study
    commitments = tuple(
        custody.commitment(body.core.round_id, COPIER, part, seed) for part, seed in seeds.items()
    )
    core = replace(
        body.core,
        client=COPIER,
        seed_commitments=commitments if own_words else body.core.seed_commitments,
    )
    core_bytes = core_header_bytes(core)
    wraps = tuple(
        hpke_wrap(
            "x25519",
            custodian.wrap_key,
            wrap_info(study.study, 0, custodian.name, core_digest(core_bytes)),
            encode_seeds(seeds, study.committee.parts_of(index)),
        )
        for index, custodian in enumerate(study.custodians)
    )
    renamed = replace(
        body,
        core=core,
        core_bytes=core_bytes,
        wrap_digests=tuple(wrap_digest(wrap) for wrap in wraps),
    )
    contribution = world.people.sign(renamed, COPIER)
    sealed = replace(victim.sealed, contribution=contribution, wraps=wraps)
    return Sent(sealed, victim.values)


def with_a_guess(world: World, known: CustodySeeds) -> CustodySeeds:
    """All parts: those that the corrupt custodian knows, and a drawn one for the part it lacks."""
    drawn = custody.deal(world.study.committee, SystemRandomness())
    return CustodySeeds({**drawn.by_part, **known.by_part})


def test_a_copier_with_a_corrupt_custodian_is_denied_by_the_victims_commitments(
    world: World,
) -> None:
    spec = world.aggregator.spec()
    world.accept(spec)
    victim = world.seal(spec, VICTIM)
    seeds = with_a_guess(world, seeds_known_to(world, "custodian-0", victim))
    copy = wrapped_again(world, victim, seeds, own_words=False)

    assert denials_of(world, spec, [victim, copy]) == denied(copy, "seed-commitment-mismatch")


def test_a_copier_with_a_corrupt_custodian_and_its_own_commitments_only_spoils_the_sum(
    world: World,
) -> None:
    """Admitted, since it is a contribution like any garbage: no gate lets it into a sum."""
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = world.seal_all(spec, [name for name in world.clients if name != COPIER])
    seeds = with_a_guess(world, seeds_known_to(world, "custodian-0", sent[0]))
    sent.append(wrapped_again(world, sent[0], seeds, own_words=True))
    assert denials_of(world, spec, sent) == {()}
    freeze = world.aggregator.freeze(spec, sent)
    releases = world.release(freeze, world.endorse(freeze))

    with pytest.raises(Aborted) as caught:
        world.aggregator.open(spec, sent, releases)

    assert caught.value.rule in {"residual-gate", "self-commitment", "pair-commitment"}
