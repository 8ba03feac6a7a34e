"""The same model comes again under a new name, so that it counts as another (threat T5, script 4).

No rule on sets holds between two versions of the model; so the gain is a second sum of the same
updates without the victim. What stops it: the version grows only behind a freeze, a commitment and
a quorum of endorsements, and clients recompute the model from the aggregate that was committed to.
"""

from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.line import Line
from tests.adversarial.people import initial_model
from tests.adversarial.world import Played, World

from blindsum_client import model_chain
from blindsum_client.client import Client
from blindsum_crypto.errors import Refused
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_rules import succession
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.aggregate import Aggregate
from blindsum_rules.model import model_digest, model_salt
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec

SALT = b"a salt of the aggregator's fancy"


def nothing(*_: object) -> None:
    """A rule that is switched off."""


def resalted(world: World, played: Played, version: int) -> Signed[Spec]:
    """No commitment in the record, as after a failed gate, and the model under another digest."""
    return world.aggregator.spec_after(
        played.spec,
        world.leave(0),
        model_version=version,
        model_digest=model_digest(initial_model(world.study.layout), SALT),
    )


@pytest.mark.parametrize(
    ("version", "rule"), [(0, "model-version"), (1, "model-version-without-aggregate")]
)
def test_the_same_model_under_a_new_salt_after_a_gate_that_is_said_to_have_failed_is_refused(
    world: World, tmp_path: Path, version: int, rule: str
) -> None:
    spec = world.aggregator.spec()
    line = Line(world)
    line.announce(spec, world.accept(spec))
    client = line.client(world.clients[0], tmp_path / "client")
    next(client.rounds())
    salted = resalted(world, world.play(spec), version)

    refusals = {world.refused(name, AcceptDuty(salted)) for name in world.custodians}

    assert refusals == {rule}
    line.announce(salted, forged_acceptances(world, salted))
    assert refusal(client) == rule
    client.close()


def forged_acceptances(world: World, spec: Signed[Spec]) -> list[Signed[Acceptance]]:
    """What a wholly corrupt committee would sign; the client checks for itself."""
    body = Acceptance(world.study.study, spec.body.round_number, spec.digest, "")
    return [world.people.sign(body, name) for name in world.custodians]


def refusal(client: Client) -> str:
    with pytest.raises(Refused) as caught:
        next(client.rounds())
    return caught.value.rule


def test_the_control_that_with_the_rule_off_a_new_salt_gives_the_victims_vector_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "_check_model", nothing)
    played = world.play(world.aggregator.spec())

    again = world.play(resalted(world, played, 1), world.clients[:-1])

    assert np.array_equal(played.total - again.total, world.values_of(world.clients[-1]))


def test_under_the_same_version_a_new_salt_would_not_even_help(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "_check_model", nothing)
    played = world.play(world.aggregator.spec())
    spec = resalted(world, played, 0)
    freeze = world.aggregator.freeze(spec, world.collect(spec)[:-1])
    duty = EndorseDuty(1, freeze.digest)
    assert {world.refused(name, duty) for name in world.custodians} == {"no-differencing"}


# ---- the same with true endorsements and a false aggregate, which custodians cannot see


def false_aggregate(world: World, played: Played, aggregate: Aggregate, line: Line) -> Signed[Spec]:
    """Commit to another aggregate than the one that was opened, and present the old model anew."""
    round_id = played.spec.digest
    salt = model_salt(aggregate.salt, round_id)
    line.blobs[aggregate.commitment] = aggregate.encode()
    return world.aggregator.spec_after(
        played.spec,
        world.leave(0),
        played.endorsements,
        previous=PreviousRound(round_id, played.freeze.digest, aggregate.commitment),
        model_digest=model_digest(initial_model(world.study.layout), salt),
    )


@pytest.mark.parametrize(("opened", "rule"), [(False, "model-version"), (True, "model-digest")])
def test_an_aggregate_that_does_not_make_the_model_is_refused_by_clients(
    world: World, tmp_path: Path, *, opened: bool, rule: str
) -> None:
    """An aggregate of nothing changes no model; the true one makes another model than the old."""
    line, name = Line(world), world.clients[0]
    played = world.play(world.aggregator.spec())
    line.announce(played.spec, world.accept(played.spec))
    client = line.client(name, tmp_path / "client")
    client.contribute(next(client.rounds()), world.values_of(name))
    values = played.total if opened else np.zeros_like(played.total)

    spec = false_aggregate(world, played, Aggregate(SALT, values), line)

    line.announce(spec, world.accept(spec))
    assert refusal(client) == rule
    assert line.calls.count("SubmitHeader") == 1
    client.close()


def test_a_client_that_does_not_recompute_still_knows_the_model_that_it_trained_from(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line: with the model chain blind, a model seals under one version only."""
    monkeypatch.setattr(model_chain, "next_model", lambda _study, model, *_: model + np.float32(0))
    # Every model looks changed, whatever its bytes.
    monkeypatch.setattr(model_chain, "encode_model", lambda _: object())
    line, name = Line(world), world.clients[0]
    played = world.play(world.aggregator.spec())
    line.announce(played.spec, world.accept(played.spec))
    client = line.client(name, tmp_path / "client")
    client.contribute(next(client.rounds()), world.values_of(name))
    spec = false_aggregate(world, played, Aggregate(SALT, np.zeros_like(played.total)), line)

    line.announce(spec, world.accept(spec))

    assert refusal(client) == "model-under-another-version"
    client.close()


def test_the_control_that_clients_who_check_nothing_are_summed_again_without_the_victim(
    world: World,
) -> None:
    """The world's sealers have no memory and recompute nothing; no custodian can see it."""
    played = world.play(world.aggregator.spec())
    aggregate = Aggregate(SALT, np.zeros_like(played.total))
    spec = false_aggregate(world, played, aggregate, Line(world))

    again = world.play(spec, world.clients[:-1])

    assert np.array_equal(played.total - again.total, world.values_of(world.clients[-1]))
