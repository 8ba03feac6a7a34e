"""Two specs for one round number, or two models: a client is to seal twice (threats T6, T10).

The gain is the difference of two sums that no rule on freezes connects, because they are of two
round ids. What stops it: custodians and clients remember one spec for each round *number*, and an
aggregator that splits the committee gets a quorum of acceptances for one of them at most.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.line import Line
from tests.adversarial.world import FACE, World

from blindsum_client.client import Client
from blindsum_crypto.errors import Refused
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.store.evidence import evidence_of
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec

ONE_SPEC = "one-spec-per-round-number"
Acceptances = tuple[Signed[Acceptance], ...]


def two_cohorts(world: World) -> tuple[Signed[Spec], Signed[Spec]]:
    """Two specs of round 0: with everybody, and without the last client."""
    return world.aggregator.spec(), world.aggregator.spec(cohort=world.clients[:-1])


def two_models(world: World) -> tuple[Signed[Spec], Signed[Spec]]:
    """Two specs of round 1 with two new models, each after its own made-up aggregate."""
    played = world.play(world.aggregator.spec())
    closes = world.leave(0)
    one, other = (
        world.aggregator.spec_after(
            played.spec,
            closes,
            played.endorsements,
            model_digest=name * 32,
            previous=PreviousRound(played.spec.digest, played.freeze.digest, name * 32),
        )
        for name in (b"1", b"2")
    )
    return one, other


@pytest.mark.parametrize("two_specs", [two_cohorts, two_models])
def test_a_second_spec_of_a_number_is_refused_by_every_custodian_for_ever(
    world: World, two_specs: Callable[[World], tuple[Signed[Spec], Signed[Spec]]]
) -> None:
    one, other = two_specs(world)
    number = one.body.round_number
    accepted = world.accept(one)

    for _ in ("running", "restarted"):
        assert {world.refused(name, AcceptDuty(other)) for name in world.custodians} == {ONE_SPEC}
        assert world.accept(one) == accepted
        for name in world.custodians:
            world.restart(name)

    with world.custodian(world.custodians[0]).store.reading() as connection:
        kept = evidence_of(connection, world.study.study, number)
    assert [(one.rule, one.message) for one in kept] == [(ONE_SPEC, signed_to_bytes(other))]
    world.accept(world.aggregator.spec_after(one, world.leave(number)))
    assert {world.refused(name, AcceptDuty(other)) for name in world.custodians} == {ONE_SPEC}


def test_nothing_of_the_second_spec_is_admitted_or_endorsed(world: World) -> None:
    one, other = two_cohorts(world)
    world.accept(one)
    name = world.custodians[0]
    of_the_other = world.seal_all(other)
    page = world.aggregator.page(other, of_the_other)
    assert world.refused(name, world.aggregator.admit_duty(name, page, of_the_other)) == (
        "wrong-round"
    )
    (admission,) = world.admit(one, of_the_other, [name])
    assert {denial.rule for denial in admission.body.denials} == {"wrong-round"}
    freeze = world.aggregator.freeze(other, of_the_other)
    assert world.refused(name, EndorseDuty(0, freeze.digest)) == "wrong-round"


# Acceptances have nothing to do with the seal; the control opens sums.
@pytest.mark.parametrize("seal", ["ckks"], indirect=True)
@pytest.mark.parametrize(
    ("committee", "for_one"),
    [((4, 2, 3), split) for split in range(4)] + [((7, 3, 5), split) for split in range(6)],
    ids=str,
)
def test_however_the_committee_is_split_clients_are_shown_one_quorum_of_acceptances_at_most(
    make_world: Callable[..., World],
    tmp_path: Path,
    committee: tuple[int, int, int],
    for_one: int,
) -> None:
    world = make_world(committee)
    one, other = two_cohorts(world)
    corrupt = world.custodians[-(committee[1] - 1) :]
    honest = world.custodians[: -(committee[1] - 1)]
    accepted: dict[bytes, Acceptances] = {
        one.digest: world.accept(one, [*honest[:for_one], *corrupt]),
        other.digest: world.accept(
            other, [*honest[for_one:], *(f"{name}{FACE}other" for name in corrupt)]
        ),
    }
    believed = 0
    for place, spec in enumerate((one, other)):
        line = Line(world)
        line.announce(spec, accepted[spec.digest])
        client = line.client(world.clients[0], tmp_path / f"client-{place}")
        if len(accepted[spec.digest]) >= committee[2]:
            assert next(client.rounds()).round_id == spec.digest
            believed += 1
        else:
            assert refusal(client) == "quorum-of-acceptances"
        client.close()
    assert believed <= 1


def refusal(client: Client) -> str:
    """The rule by which the client refuses what is announced now."""
    with pytest.raises(Refused) as caught:
        next(client.rounds())
    return caught.value.rule


def accepted_by_all(world: World, spec: Signed[Spec], memory: str = "") -> Acceptances:
    """A quorum of acceptances, as a wholly corrupt committee would give for any spec."""
    return world.accept(spec, [f"{name}{FACE}{memory}" for name in world.custodians])


@pytest.mark.parametrize("sealed", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_client_refuses_a_second_spec_whatever_quorum_accepted_it(
    world: World, tmp_path: Path, *, sealed: bool, restarted: bool
) -> None:
    one, other = (
        world.aggregator.spec(),
        world.aggregator.spec(contribute_deadline_unix=int(world.aggregator.now) + 599),
    )
    line, name = Line(world), world.clients[0]
    line.announce(one, accepted_by_all(world, one, "one"))
    client = line.client(name, tmp_path / "client")
    round_ = next(client.rounds())
    if sealed:
        client.contribute(round_, world.values_of(name))
    second = line.announce(other, accepted_by_all(world, other, "other"))
    if restarted:
        client.close()
        client = line.client(name, tmp_path / "client")

    assert refusal(client) == ONE_SPEC

    assert refusal(client) == ONE_SPEC
    assert second.uploads == {}
    kept = client._memory.evidence()
    assert [(found.rule, found.signed) for found in kept] == [(ONE_SPEC, signed_to_bytes(other))]
    client.close()


def opened(
    world: World, spec: Signed[Spec], sent: Sequence[Sent], custodians: Sequence[str]
) -> Integers:
    """What custodians that accepted the spec let the aggregator open of what was sent."""
    world.admit(spec, sent, custodians)
    freeze = world.aggregator.freeze(spec, sent)
    releases = world.release(freeze, world.endorse(freeze, custodians), custodians)
    return world.aggregator.open(spec, sent, releases)


def summed(world: World, line: Line, spec: Signed[Spec], memory: str, folder: Path) -> Integers:
    """One round of real clients and custodians with the memory of that name, to its sum."""
    custodians = [f"{name}{FACE}{memory}" for name in world.custodians]
    staged = line.announce(spec, world.accept(spec, custodians))
    for name in spec.body.cohort:
        line.contribute(name, folder / memory / name)
    return opened(world, spec, line.sent(staged), custodians)


def test_the_control_that_with_a_memory_for_each_round_id_the_victims_vector_is_given_away(
    world: World, tmp_path: Path
) -> None:
    """State keyed by round id, not by number: what everybody knows of one spec is not there for
    the other. Both are accepted, all but the victim seal twice, and the sums are subtracted."""
    one, other = two_cohorts(world)
    line = Line(world)

    larger = summed(world, line, one, "one", tmp_path)
    smaller = summed(world, line, other, "other", tmp_path)

    assert np.array_equal(larger - smaller, world.values_of(world.clients[-1]))


def test_the_control_that_with_a_memory_for_each_round_id_two_models_are_both_trained_and_summed(
    world: World,
) -> None:
    """T6: the aggregator gets a sum of each model, and leaves the victim out of one.

    Everybody sends the same for both models, so that what the sums give away is seen exactly.
    """
    one, other = two_models(world)
    for name in world.custodians:
        world.stop(name)
        for memory in world.memory_of(name):
            shutil.copytree(memory.parent, world.folder / name / "other" / memory.parent.name)
    victim, forgetful = world.clients[-1], [f"{name}{FACE}other" for name in world.custodians]

    sums = []
    for spec, custodians, members in (
        (one, world.custodians, world.clients),
        (other, forgetful, world.clients[:-1]),
    ):
        world.accept(spec, custodians)
        sums.append(opened(world, spec, world.seal_all(spec, members), custodians))

    assert np.array_equal(sums[0] - sums[1], world.values_of(victim))
