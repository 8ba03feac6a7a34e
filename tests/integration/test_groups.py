"""A study in two groups, at a real aggregator: a round each, one model of both, one report."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import Integers
from tests.adversarial.people import found, initial_model
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.spoilers import garbage, under_other_seeds_but_true_words
from tests.adversarial.world import World, total_of

from blindsum_auditor.report import Level, Status
from blindsum_auditor.verify import verify
from blindsum_client.client import Client
from blindsum_client.joining import Membership
from blindsum_client.state_folder import StateFolder
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.groups import VISIBLE, clients_of_group, in_groups
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.next_model import next_model
from blindsum_rules.transitions import AggregatorState

pytestmark = pytest.mark.slow
GROUPS, CLIENTS = 2, 8


@pytest.fixture
def town(tmp_path: Path) -> Iterator[ServedStudy]:
    """Eight clients under the seal masking, dealt into two groups of four."""
    changes: dict[str, Any] = valid_now()
    people = found(clients=CLIENTS, seal="masking", **changes)
    people = people.with_manifest(clients=in_groups(people.study.clients, GROUPS))
    world = World(people, tmp_path / "custodians")
    with served(world, tmp_path / "aggregator") as study:
        yield study
    world.close()


def members(town: ServedStudy, group: int) -> tuple[str, ...]:
    return tuple(client.name for client in clients_of_group(town.world.study, group))


def sum_round(town: ServedStudy, number: int) -> Integers:
    """Let everybody who is invited contribute; the sum in clear, which the opened one must be."""
    spec = town.is_open(number)
    sent = town.world.seal_all(spec)
    for one in sent:
        town.send(one)
    assert town.carry(number) is AggregatorState.PUBLISHED
    assert np.array_equal(town.opened(number), total_of(sent))
    town.close(number)
    return total_of(sent)


def spoil_round(town: ServedStudy, number: int) -> None:
    """Let one member send what no gate lets pass."""
    spec = town.is_open(number)
    spoiler, *honest = spec.body.cohort
    town.send(garbage(town.world, spec, spoiler, under_other_seeds_but_true_words))
    for client in honest:
        town.send(town.world.seal(spec, client))
    assert town.carry(number) is AggregatorState.ABORTED
    town.close(number)


def client_of(town: ServedStudy, name: str, state: Path) -> Client:
    keys = town.world.people.keys
    study = town.world.study
    policy = ClientPolicy(allowed_seals=frozenset(study.seals))
    manifest = AmendedManifest(town.world.people.manifest)
    own = (keys.agreements[name],)
    membership = Membership(manifest, name, keys.identities[name], own, policy)
    return Client(membership, town.calls_of(name), StateFolder.at(state))


def test_groups_are_summed_in_turn_and_one_model_is_made_of_all(
    town: ServedStudy, tmp_path: Path
) -> None:
    manifest = town.world.study
    model = initial_model(manifest.layout)

    first = sum_round(town, 0)
    spoil_round(town, 1)  # The same group again, then.
    second = sum_round(town, 2)
    spec = town.is_open(3)

    specs = [town.spec(number).body for number in range(4)]
    turns = [(0, 0), (1, 0), (1, 0), (0, 1)]
    assert [(one.group, one.model_version) for one in specs] == turns
    assert [one.cohort for one in specs] == [members(town, group) for group, _ in turns]
    expected = next_model(manifest, model, first + second, spec.body.previous.round_id)
    for name in (members(town, 0)[0], members(town, 0)[1]):
        client = client_of(town, name, tmp_path / name)
        round_ = next(client.rounds())
        assert (round_.number, round_.model_version) == (3, 1)
        flat = np.concatenate([array.ravel() for array in round_.model.values()])
        assert np.array_equal(flat, expected)
        client.close()


def test_every_report_says_that_group_sums_are_visible(town: ServedStudy) -> None:
    for number in range(3):
        sum_round(town, number)

    report = verify(town.transcript, town.world.people.manifest.digest, Level.ENTITLED)

    assert not [finding for finding in report.findings if finding.status is Status.FAILED]
    chain = [finding for finding in report.findings if finding.check == "model-chain"]
    assert [finding.status for finding in chain if "000002" in finding.file] == [Status.OK]
    assert any(VISIBLE in limit for limit in report.limits)
