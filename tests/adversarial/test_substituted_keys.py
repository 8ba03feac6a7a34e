"""Threat T12: the relay swaps a key in what it hands on: an agreement key, a wrap key, an identity.

The gain is a pair secret or a wrapped seed that it can read, and with them x_i. What stops it: a
party starts with the manifest's whole digest, told out of band; the manifest names every key, and
specs repeat the wrap keys; clients whose keys disagree are named before the sum, and a wrap to
another key is denied by name. The controls are clients that take keys as they are served.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adversarial.coalition import released_for_one
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.people import People
from tests.adversarial.released_secrets import opened_group, released_secrets
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World, total_of

from blindsum_aggregator.seals import aggregator_seal
from blindsum_cli.manifest_file import read_manifest
from blindsum_client.joining import read_membership
from blindsum_client.sealing import Sealer
from blindsum_crypto.custody import CustodySeeds, decode_seeds, wrap_info
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.primitives import digest
from blindsum_crypto.randomness import SeededRandomness, SystemRandomness
from blindsum_crypto.seal import SealedMember
from blindsum_custodian.accept import AcceptDuty
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_protos.convert.signed import sign
from blindsum_rules.header import core_digest
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.manifest import Manifest, Party
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.spec_checks import wrap_key_digests
from blindsum_rules.transitions import AggregatorState

VICTIM, PEER, CUSTODIAN = 1, 2, 0
DRAWN = SeededRandomness(b"the relay's own keys")
RELAY, RELAYS_CLIENT = Identity.generate(DRAWN), Identity.generate(DRAWN)
AGREEMENTS = [AgreementKey.generate(DRAWN) for _ in range(8)]
WRAPS = [WrapKey.generate("x25519", DRAWN) for _ in range(8)]

MASKING = pytest.mark.parametrize("seal", ["masking"], indirect=True)


def replaced(items: tuple[Any, ...], place: int, **changes: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return (*items[:place], replace(items[place], **changes), *items[place + 1 :])


def agreement_key(study: Manifest) -> Manifest:
    key = AGREEMENTS[PEER].public
    return replace(study, clients=replaced(study.clients, PEER, agreement_key=key))


def wrap_key(study: Manifest) -> Manifest:
    key = WRAPS[CUSTODIAN].public
    return replace(study, custodians=replaced(study.custodians, CUSTODIAN, wrap_key=key))


def identity(study: Manifest) -> Manifest:
    return replace(study, clients=replaced(study.clients, PEER, identity=RELAYS_CLIENT.public))


SWAPS = pytest.mark.parametrize("swap", [agreement_key, wrap_key, identity])
Swap = Callable[[Manifest], Manifest]


def forged(people: People, swap: Swap) -> Signed[Manifest]:
    """A manifest that holds together: the relay swaps the operator's key too, and signs itself."""
    study = replace(swap(people.study), operator=Party("operator", RELAY.public))
    return sign(study, "operator", RELAY)


def with_old_signature(people: People, swap: Swap) -> Signed[Manifest]:
    """The swapped key under the operator's own name and signature."""
    signed = sign(swap(people.study), "operator", RELAY)
    return replace(signed, signature=people.manifest.signature)


def written(folder: Path, manifest: Signed[Manifest]) -> Path:
    path = folder / "served.manifest"
    path.write_bytes(manifest_file_to_bytes(manifest, None))
    return path


def join(world: World, path: Path, believed: bytes) -> None:
    policy = ClientPolicy(allowed_seals=frozenset(world.study.seals))
    read_membership(path, believed.hex(), [world.people.key_ring(world.clients[VICTIM])], policy)


def refusal(action: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(Refused) as caught:
        action(*arguments)
    return caught.value.rule


# ---- the manifest that is served


@SWAPS
def test_a_client_and_a_custodian_refuse_a_served_manifest_by_the_digest_they_were_told(
    world: World, tmp_path: Path, swap: Swap
) -> None:
    served_manifest = written(tmp_path, forged(world.people, swap))
    told = world.people.manifest.digest

    assert refusal(join, world, served_manifest, told) == "manifest-digest"
    assert refusal(read_manifest, served_manifest, told.hex()) == "manifest-digest"
    true = written(tmp_path, world.people.manifest)
    join(world, true, told)
    assert read_manifest(true, told.hex())[0].digest == told


@SWAPS
def test_nor_is_a_swapped_key_believed_under_the_operators_signature(
    world: World, tmp_path: Path, swap: Swap
) -> None:
    changed = with_old_signature(world.people, swap)
    path = written(tmp_path, changed)

    assert refusal(join, world, path, changed.digest) == "unsigned-manifest"
    assert refusal(read_manifest, path, changed.digest.hex()) == "unsigned-manifest"


@SWAPS
def test_the_control_that_who_takes_the_digest_from_the_relay_too_takes_its_keys(
    world: World, tmp_path: Path, swap: Swap
) -> None:
    """Trust on first use: the forged manifest is whole in itself."""
    manifest = forged(world.people, swap)
    path = written(tmp_path, manifest)

    join(world, path, manifest.digest)

    assert read_manifest(path, manifest.digest.hex())[0].body == manifest.body


@pytest.mark.parametrize("swap", [agreement_key, wrap_key])
def test_a_custodian_refuses_a_spec_of_the_forged_manifest_or_of_its_wrap_keys(
    world: World, swap: Swap
) -> None:
    manifest = forged(world.people, swap)
    of_forged = world.aggregator.spec(amendment_digest=manifest.digest)
    of_its_keys = world.aggregator.spec(
        wrap_key_digests=(digest("blindsum/test"), *wrap_key_digests(world.study)[1:])
    )

    for name in world.custodians:
        assert world.refused(name, AcceptDuty(of_forged)) == "spec-amendment"
        assert world.refused(name, AcceptDuty(of_its_keys)) == "spec-wrap-keys"


# ---- clients that took other keys, among some that did not


def sealed_under(world: World, spec: Signed[Spec], study: Manifest, client: str) -> Sent:
    """What a client seals that believes in this manifest's keys."""
    keys = world.people.keys
    agreements = Agreements(client, keys.agreements[client], study.agreement_keys)
    sealer = Sealer(study, client, keys.identities[client], SystemRandomness(), agreements)
    values = world.values_of(client)
    return Sent(sealer.seal(spec, values), values)


@pytest.fixture
def study(make_world: Callable[..., World], tmp_path: Path) -> Iterator[ServedStudy]:
    with served(make_world(**valid_now()), tmp_path / "aggregator") as running:
        yield running


@MASKING
def test_a_pair_whose_keys_disagree_is_named_and_left_out_before_the_sum(
    study: ServedStudy,
) -> None:
    """The victim was given another key of one peer, and the peer its true one."""
    world, spec = study.world, study.is_open(0)
    victim, peer = world.clients[VICTIM], world.clients[PEER]
    believed = agreement_key(world.study)
    study.send(sealed_under(world, spec, believed, victim))
    others = [world.seal(spec, client) for client in spec.body.cohort if client != victim]
    for one in others:
        study.send(one)

    assert study.carry(0) is AggregatorState.PUBLISHED

    (freeze,) = study.frozen(0)
    named = {one.client: one.rule for one in freeze.body.left_out}
    assert named == {victim: "pair-dispute", peer: "pair-dispute"}
    summed = [one for one in others if one.client != peer]
    assert np.array_equal(study.opened(0), total_of(summed))


def test_a_wrap_to_another_key_than_the_manifests_is_denied_by_its_custodian_by_name(
    world: World,
) -> None:
    spec = world.aggregator.spec()
    victim = sealed_under(world, spec, wrap_key(world.study), world.clients[VICTIM])
    world.accept(spec)
    sent = [victim, world.seal(spec, world.clients[PEER])]

    admissions = world.admit(spec, sent)

    denials = {one.signer: [(d.client, d.rule) for d in one.body.denials] for one in admissions}
    assert denials.pop(world.custodians[CUSTODIAN]) == [(victim.client, "bad-wrap")]
    assert set(map(tuple, denials.values())) == {()}


# ---- the controls: keys as they are served


@MASKING
def test_the_control_that_whose_peers_keys_are_all_the_relays_is_opened_alone(
    world: World,
) -> None:
    """Custody holds; every pair secret of the victim is one that the relay computes."""
    spec = world.aggregator.spec()
    victim = world.clients[VICTIM]
    relays = {client: AGREEMENTS[place] for place, client in enumerate(world.clients)}
    clients = tuple(
        one if one.name == victim else replace(one, agreement_key=relays[one.name].public)
        for one in world.study.clients
    )
    believed = replace(world.study, clients=clients)
    world.accept(spec)
    others = [world.seal(spec, client) for client in world.clients if client != victim]
    sent = sorted(
        [sealed_under(world, spec, believed, victim), *others], key=lambda one: one.client
    )
    world.admit(spec, sent)
    freeze = world.aggregator.freeze(spec, sent)

    releases = world.release(freeze, world.endorse(freeze))

    secrets = released_secrets(world, releases, world.clients, [])
    public = {victim: world.study.agreement_keys[victim]}
    known = {
        (victim, peer): Agreements(peer, key, public).pair_secret(spec.digest, victim)
        for peer, key in relays.items()
        if peer != victim
    }
    (upload,) = (one for one in sent if one.client == victim)
    opened = opened_group(world, spec, [upload], secrets, known)
    assert np.array_equal(opened, world.values_of(victim))


def test_the_control_that_who_wraps_to_the_relays_keys_is_opened_without_any_custodian(
    world: World, seal: str
) -> None:
    spec = world.aggregator.spec()
    victim = world.clients[VICTIM]
    custodians = tuple(
        replace(one, wrap_key=WRAPS[place].public)
        for place, one in enumerate(world.study.custodians)
    )
    sent = sealed_under(world, spec, replace(world.study, custodians=custodians), victim)
    body, committee = sent.contribution.body, world.study.committee
    seeds: dict[int, bytes] = {}
    for place, name in enumerate(world.custodians):
        info = wrap_info(body.core.study, 0, name, core_digest(body.core_bytes))
        held = WRAPS[place].unwrap(info, sent.sealed.wraps[place])
        seeds |= decode_seeds(committee.parts_of(place), held)

    parts = released_for_one(spec, sent, CustodySeeds(seeds))

    product = aggregator_seal(spec, world.study)
    member = SealedMember(victim, body.core.self_commitment, sent.sealed.pair_table)
    opened = product.open(product.load_sum(sent.sealed.payload), [member], parts)
    assert seal in world.study.seals
    assert np.array_equal(opened, sent.values)
