"""A private study under attack: what its clients seal is noisy, and every sum costs budget."""

# ruff: noqa: ANN401 - `**changes` replaces any field of the manifest

from collections.abc import Iterable
from typing import Any

import numpy as np
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.people import People, found, initial_model
from tests.adversarial.world import World
from tests.rules.privacy.private_study import privately

from blindsum_client.encode import RoundBasis, encode_units
from blindsum_crypto.randomness import SystemRandomness
from blindsum_custodian.store.charges import stored_accounts
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.account import Account
from blindsum_rules.privacy.charging import Charging
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


def private_people(
    seal: str, clients: int, max_rounds: int, planned_rounds: int, **changes: Any
) -> People:
    """A study of clients of their own organisations; its budget pays the planned rounds."""
    people = found(clients=clients, seal=seal, **changes)
    study = privately(people.study, max_rounds=max_rounds, planned_rounds=planned_rounds)
    return people.with_manifest(
        codec=None,
        privacy=study.privacy,
        schedule=study.schedule,
        update_rule=study.update_rule,
    )


def noisy_integers(study: Manifest, spec: Signed[Spec]) -> Integers:
    """What a client with three records makes for a round: its clipped sum, rounded, with noise."""
    rows = np.linspace(-1.0, 1.0, 3 * study.layout.size).reshape(3, study.layout.size)
    basis = RoundBasis(spec.digest, initial_model(study.layout))
    integers, _ = encode_units([rows.astype(np.float32)], basis, study, SystemRandomness())
    return integers


def seal_all(world: World, spec: Signed[Spec]) -> list[Sent]:
    """Every invited client seals what it makes of its records."""
    return [
        world.seal(spec, client, noisy_integers(world.study, spec)) for client in spec.body.cohort
    ]


def accounts(world: World, custodian: str) -> dict[str, Account]:
    """A custodian's ledger."""
    charging = Charging.of(world.study)
    with world.custodian(custodian).store.reading() as connection:
        return {
            one.payer: charging.account(one.payer, one.steps, rounds=one.rounds)
            for one in stored_accounts(connection, world.study.study)
        }


def charges(world: World, custodians: Iterable[str]) -> set[int]:
    """How many sums each of these custodians charged each organisation, every number once."""
    return {account.rounds for name in custodians for account in accounts(world, name).values()}
