"""T30, at the opening: a client's false commitment, or a custodian's lie that looks like one.

A false ct_ij beside a true h_ij shows only when j is absent and the custodians' leaves open it, and
so does a false h_i. A lying custodian's leaf looks the same. So a client is named only by what t
custodians released alike, or when 2t - 1 have answered and no t of them satisfy its commitment:
some t of those are honest.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adversarial.false_answers import (
    ABSENT,
    CHANGE,
    LIAR,
    VICTIM,
    failure,
    names_in,
    with_lie,
)
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.pair_liars import (
    PAD,
    lying_in_its_table,
    telling_another_secret,
    with_another_self_mask,
)
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World, total_of

from blindsum_aggregator import combining
from blindsum_crypto.errors import Aborted
from blindsum_custodian.custodian import Duty
from blindsum_rules.manifest import Schedule
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState


@pytest.fixture
def seal() -> str:
    """The seal that has pairs."""
    return "masking"


# ---- a false client: played below the port, answer by answer


def with_false_pad(world: World, spec: Signed[Spec]) -> Sent:
    """A true h_ij and a false ct_ij for whoever will be absent: nobody can dispute it."""
    return lying_in_its_table(world, spec, LIAR, [ABSENT], PAD)


def with_false_self_mask(world: World, spec: Signed[Spec]) -> Sent:
    return with_another_self_mask(world, spec, LIAR, CHANGE)


FALSE = pytest.mark.parametrize(
    ("lie", "rule"),
    [(with_false_pad, "pair-commitment"), (with_false_self_mask, "self-commitment")],
)
Lie = Callable[[World, Signed[Spec]], Sent]


def released(
    world: World, lie: Lie | None = None
) -> tuple[Signed[Spec], list[Sent], tuple[Signed[Release], ...]]:
    """A round without the absent client, in which the liar lies, released by everybody."""
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = world.seal_all(spec, [name for name in world.clients if name not in {LIAR, ABSENT}])
    sent.insert(0, world.seal(spec, LIAR) if lie is None else lie(world, spec))
    world.admit(spec, sent)
    freeze = world.aggregator.freeze(spec, sent)
    return spec, sent, world.release(freeze, world.endorse(freeze))


@FALSE
@pytest.mark.parametrize("committee", [(4, 2, 3), (7, 3, 5)], ids=str)
def test_a_false_client_is_named_by_2t_minus_1_answers_and_not_by_fewer(
    make_world: Callable[..., World], lie: Lie, rule: str, committee: tuple[int, int, int]
) -> None:
    world = make_world(committee)
    spec, sent, releases = released(world, lie)
    threshold = committee[1]

    for answered in range(threshold, len(releases) + 1):
        error = failure(world, spec, sent, releases[:answered])
        assert error.rule == rule
        assert names_in(error) == ([LIAR] if answered >= 2 * threshold - 1 else [])


def test_a_false_pad_for_somebody_who_is_there_is_never_looked_at(world: World) -> None:
    spec = world.aggregator.spec()
    world.accept(spec)
    sent = world.seal_all(spec, [name for name in world.clients if name != LIAR])
    sent.append(with_false_pad(world, spec))
    world.admit(spec, sent)
    freeze = world.aggregator.freeze(spec, sent)
    releases = world.release(freeze, world.endorse(freeze))

    assert np.array_equal(world.aggregator.open(spec, sent, releases), total_of(sent))


# ---- a lying custodian


def test_a_lying_custodian_gets_no_honest_client_named_and_is_outvoted(world: World) -> None:
    spec, sent, releases = released(world)
    lie = with_lie(world, releases[0], member=1)

    # The first part is {1}, which custodian-1 does not hold; the others contradict the lie.
    errors = [failure(world, spec, sent, [lie, honest]) for honest in releases[1:]]
    assert [one.rule for one in errors] == ["self-commitment", "twins-disagree", "twins-disagree"]
    assert [names_in(one) for one in errors] == [[], [], []]

    assert np.array_equal(world.aggregator.open(spec, sent, [lie, *releases[1:3]]), total_of(sent))


@FALSE
def test_a_lying_custodian_beside_a_false_client_gets_no_honest_client_named(
    world: World, lie: Lie, rule: str
) -> None:
    """It can hide the false one, whose name needs every attempt to agree on it; no more."""
    spec, sent, releases = released(world, lie)
    for liar in range(4):
        others = [one for place, one in enumerate(releases) if place != liar]
        false_release = with_lie(world, releases[liar], member=1)
        for answered in range(1, 4):
            error = failure(world, spec, sent, [false_release, *others[:answered]])
            assert error.rule in {rule, "self-commitment", "twins-disagree"}
            assert set(names_in(error)) <= {LIAR}


def test_the_control_when_two_answers_were_enough_the_honest_client_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, sent, releases = released(world)
    true: Callable[..., Aborted] = combining._failure
    monkeypatch.setattr(
        combining, "_failure", lambda failures, committee, _answered: true(failures, committee, 3)
    )

    error = failure(world, spec, sent, [with_lie(world, releases[0], member=1), releases[1]])

    assert names_in(error) == [VICTIM]


# ---- at the port: the opener waits, and the round goes on to its end


@pytest.fixture
def make_study(
    make_world: Callable[..., World], tmp_path: Path
) -> Iterator[Callable[[int], ServedStudy]]:
    """The honest aggregator at its port, which freezes at so many contributions."""
    with ExitStack() as stack:

        def make(quota: int) -> ServedStudy:
            world = make_world(schedule=with_quota(quota), **valid_now())
            return stack.enter_context(served(world, tmp_path / "aggregator"))

        yield make


def with_quota(quota: int) -> Schedule:
    return Schedule(
        max_rounds=8,
        accept_seconds=60,
        contribute_seconds=600,
        release_seconds=300,
        pause_seconds=0,
        quota=quota,
    )


@FALSE
@pytest.mark.slow
def test_with_two_answers_the_aggregator_waits_and_with_all_it_ends_the_round_by_name(
    make_study: Callable[[int], ServedStudy], lie: Lie, rule: str
) -> None:
    study = make_study(5)
    world, spec = study.world, study.is_open(0)
    for one in (lie(world, spec), *world.seal_all(spec, world.clients[1:5])):
        study.send(one)
    study.carry(0, AggregatorState.ENDORSED)

    study.carry(0, AggregatorState.RELEASED, custodians=world.custodians[:2])
    study.settle()
    assert study.row(0).state is AggregatorState.RELEASED

    assert study.carry(0) is AggregatorState.ABORTED
    assert study.row(0).rule == rule
    assert re.findall(r"client-\d+", study.row(0).expected) == [LIAR]
    study.close(0)
    assert study.is_open(1).body.model_version == 0


def test_a_false_pair_on_which_both_ends_agree_is_garbage_that_the_padding_gate_stops(
    make_study: Callable[[int], ServedStudy],
) -> None:
    """T15: the liar's accomplice is the one who is absent, and would say the same."""
    study = make_study(5)
    world, spec = study.world, study.is_open(0)
    lie = telling_another_secret(world, spec, LIAR, ABSENT)
    for one in (lie, *world.seal_all(spec, world.clients[1:5])):
        study.send(one)

    assert study.carry(0) is AggregatorState.ABORTED

    assert study.row(0).rule == "padding-gate"


@pytest.mark.slow
def test_a_client_and_a_custodian_together_are_both_named_when_everybody_answered(
    make_study: Callable[[int], ServedStudy], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client masks with what custodian-0 will say, and not with what its seeds give.

    custodian-1 does not hold the part in question, so the two of them would open the sum, and
    honest twins would stand there as those who differ. What t custodians released alike is true.
    """
    study = make_study(0)
    world, spec = study.world, study.is_open(0)
    sent = [with_false_self_mask(world, spec), *world.seal_all(spec, world.clients[1:])]
    for one in sent:
        study.send(one)
    true = world.perform

    def perform(name: str, duty: Duty) -> tuple[Signed[Any], ...]:
        answers = true(name, duty)
        if name == "custodian-0" and isinstance(answers[-1].body, Release):
            return (with_lie(world, answers[-1], member=0),)
        return answers

    monkeypatch.setattr(world, "perform", perform)
    study.carry(0, AggregatorState.ENDORSED)
    for name in ("custodian-2", "custodian-0", "custodian-1"):
        study.owed(name)
        study.settle()
    assert study.row(0).state is AggregatorState.RELEASED  # one answer more will tell

    assert study.carry(0) is AggregatorState.ABORTED
    assert study.row(0).rule == "self-commitment"
    assert "['client-00']" in study.row(0).expected
    assert "unlike those of t others: custodian-0" in study.row(0).expected
