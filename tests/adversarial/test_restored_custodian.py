"""Threat T25: a custodian comes back with an old memory, and would endorse a second freeze.

A backup of its store lacks the instance file and is refused by it. A snapshot of the whole machine
has both; what tells on it is what others hold of this custodian. So before it attends, it compares
what the aggregator has of its answers with its memory, and whenever it is shown a signature of its
own that it does not know, it stops for good. The controls: custodians without either check.

A hostile aggregator may keep silent about the answers that it has; then a restored machine is one
of the t-1 custodians that may be corrupt, and the quorum rule stands behind it (threat T3).
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World, total_of

from blindsum_crypto.errors import Refused
from blindsum_custodian.custodian import Custodian
from blindsum_custodian.duties import held_in_status
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.recollect import Held, check_remembered
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.store import database
from blindsum_custodian.store.answers import Step
from blindsum_protos.calling import AggregatorCalls
from blindsum_protos.convert.call import Caller
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.transitions import AggregatorState

A = "custodian-0"


def kept(world: World, name: str) -> Path:
    """A snapshot of a stopped custodian's machine: store and instance file."""
    world.custodian(name)
    world.stop(name)
    copy = world.folder / "snapshots" / name
    shutil.copytree(world.folder / name, copy)
    world.custodian(name)
    return copy


def put_back(world: World, name: str, copy: Path, *parts: str) -> None:
    """Restore these folders of a snapshot, without starting the custodian."""
    world.stop(name)
    for part in parts:
        shutil.rmtree(world.folder / name / part)
        shutil.copytree(copy / part, world.folder / name / part)


def refusal(start: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(Refused) as caught:
        start(*arguments)
    return caught.value.rule


# ---- a backup of the store


def test_a_custodian_restored_from_a_backup_signs_nothing_and_the_others_open_the_round(
    world: World,
) -> None:
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    backup = kept(world, A)
    freeze = world.aggregator.freeze(spec, sent)
    endorsements = world.endorse(freeze)

    put_back(world, A, backup, "store")

    assert refusal(world.custodian, A) == "instance-mismatch"
    others = world.custodians[1:]
    releases = world.release(freeze, endorsements[1:], others)
    assert np.array_equal(world.aggregator.open(spec, sent, releases), total_of(sent))


def test_the_control_that_without_the_check_restored_custodians_give_the_victims_vector_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    backups = {name: kept(world, name) for name in world.custodians}
    whole = world.aggregator.freeze(spec, sent)
    larger = world.aggregator.open(spec, sent, world.release(whole, world.endorse(whole)))
    monkeypatch.setattr(database, "check_instance", lambda *_: None)
    for name, backup in backups.items():
        put_back(world, name, backup, "store")
    without = world.aggregator.freeze(spec, sent[:-1])

    releases = world.release(without, world.endorse(without))

    smaller = world.aggregator.open(spec, sent[:-1], releases)
    assert np.array_equal(larger - smaller, sent[-1].values)


# ---- a snapshot of the machine


@pytest.fixture
def study(make_world: Callable[..., World], tmp_path: Path) -> Iterator[ServedStudy]:
    with served(make_world(**valid_now()), tmp_path / "aggregator") as running:
        yield running


def told_of(study: ServedStudy, name: str) -> tuple[Held, ...]:
    """What the real aggregator says that it has of a custodian, over its port."""
    caller = Caller(name, study.world.people.keys.identities[name])
    calls = AggregatorCalls(f"127.0.0.1:{study.port}", study.world.study, caller)
    study.calls.append(calls)
    request = aggregator_pb2.StatusRequest(study=study.world.study.study)
    return held_in_status(calls.unary("GetStatus", request, 10), name)


def attends(study: ServedStudy, name: str) -> Custodian:
    """What a custodian does before it takes any duty."""
    custodian = study.world.custodian(name)
    check_remembered(custodian.seat, told_of(study, name))
    return custodian


def test_a_snapshot_of_a_whole_machine_is_told_by_what_the_aggregator_has_of_it(
    study: ServedStudy,
) -> None:
    world, spec = study.world, study.is_open(0)
    sent = [world.seal(spec, client) for client in world.clients]
    for one in sent:
        study.send(one)
    snapshot = kept(world, A)
    study.carry(0, AggregatorState.ENDORSED)
    while Held(0, Step.ENDORSE) not in told_of(study, A):  # a quorum may have come before it
        assert study.owed(A)
    attends(study, A)

    put_back(world, A, snapshot, "store", "instance")

    assert refusal(attends, study, A) == "answer-forgotten"
    assert refusal(attends, study, A) == "answer-forgotten"
    others = world.custodians[1:]
    assert study.carry(0, custodians=others) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(0), total_of(sent))


def test_shown_its_own_endorsement_by_anybody_it_stops_for_good(world: World) -> None:
    """The second line, with a signature as the proof: it outlives what the aggregator says."""
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    snapshot = kept(world, A)
    freeze = world.aggregator.freeze(spec, sent)
    endorsements = world.endorse(freeze)
    put_back(world, A, snapshot, "store", "instance")

    shown = ReleaseDuty(0, freeze.digest, endorsements)

    assert world.refused(A, shown) == "store-rolled-back"
    assert world.refused(A, EndorseDuty(0, freeze.digest)) == "store-rolled-back"
    world.stop(A)
    assert refusal(world.custodian, A) == "store-rolled-back"


def test_the_control_that_a_snapshot_that_nobody_tells_on_endorses_a_second_freeze(
    world: World,
) -> None:
    """One custodian of four: its second endorsement is there, and no quorum of them."""
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    snapshot = kept(world, A)
    whole, without = world.aggregator.freeze(spec, sent), world.aggregator.freeze(spec, sent[:-1])
    (first,) = world.endorse(whole, [A])
    put_back(world, A, snapshot, "store", "instance")

    (second,) = world.endorse(without, [A])

    assert first.signer == second.signer == A
    assert first.body.freeze_digest != second.body.freeze_digest
    for_without = (second, *world.endorse(without, [world.custodians[1]]))
    assert len(for_without) < world.study.quorum
    name = world.custodians[1]
    duty = ReleaseDuty(0, without.digest, for_without)
    assert world.refused(name, duty) == "quorum-of-endorsements"
