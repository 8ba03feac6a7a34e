"""A split view: two freezes of one round are asked for, and their sums subtracted (threat T3).

The gain is x_i, when the second freeze leaves client i out. What stops it: a custodian endorses one
freeze of a round for ever, keeps that before its signature leaves, and the quorum rule.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.world import FACE, World

from blindsum_crypto.errors import Refused
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.store.evidence import evidence_of
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules import manifest_checks
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

SCRIPT = Path(__file__).parent / "dying_endorser.py"
Endorsements = tuple[Signed[Endorsement], ...]


@dataclass(frozen=True, eq=False)
class TwoFreezes:
    """One round, frozen twice: with everybody, and without the last client."""

    world: World
    spec: Signed[Spec]
    sent: list[Sent]
    whole: Signed[Freeze]
    without: Signed[Freeze]

    def difference(
        self, whole: Endorsements, without: Endorsements, honest: tuple[list[str], list[str]]
    ) -> Integers:
        """Ask these honest custodians and the corrupt ones for both releases, and subtract."""
        aggregator = self.world.aggregator
        release = self.world.release(self.whole, whole, [*honest[0], *corrupt_in(self.world)])
        larger = aggregator.open(self.spec, self.sent, release)
        release = self.world.release(self.without, without, [*honest[1], *faces_in(self.world)])
        return larger - aggregator.open(self.spec, self.sent[:-1], release)


def corrupt_in(world: World) -> list[str]:
    """The t - 1 last custodians, who sign whatever each of their two memories allows."""
    return list(world.custodians[len(honest_in(world)) :])


def faces_in(world: World) -> list[str]:
    return [f"{name}{FACE}other" for name in corrupt_in(world)]


def honest_in(world: World) -> list[str]:
    return list(world.custodians[: len(world.custodians) - world.study.threshold + 1])


def freeze_twice(world: World) -> TwoFreezes:
    spec = world.aggregator.spec()
    everybody = [*world.custodians, *faces_in(world)]
    world.accept(spec, everybody)
    sent = world.seal_all(spec)
    world.admit(spec, sent, everybody)
    whole, without = world.aggregator.freeze(spec, sent), world.aggregator.freeze(spec, sent[:-1])
    return TwoFreezes(world, spec, sent, whole, without)


def one_word(two: TwoFreezes, name: str, *, whole_first: bool) -> tuple[Endorsements, Endorsements]:
    """Ask an honest custodian for both freezes; it endorses the first and refuses the second."""
    order = (two.whole, two.without) if whole_first else (two.without, two.whole)
    endorsed = two.world.endorse(order[0], [name])
    duty = EndorseDuty(0, order[1].digest)
    assert two.world.refused(name, duty) == "one-freeze-per-round"
    return (endorsed, ()) if whole_first else ((), endorsed)


# What custodians sign twice, or not, has nothing to do with the seal; the controls open sums.
@pytest.mark.parametrize("seal", ["ckks"], indirect=True)
@pytest.mark.parametrize(
    ("committee", "whole_first"),
    [((4, 2, 3), split) for split in range(4)] + [((7, 3, 5), split) for split in range(6)],
    ids=str,
)
def test_however_the_honest_are_split_corrupt_custodians_get_one_freeze_endorsed_at_most(
    make_world: Callable[..., World], committee: tuple[int, int, int], whole_first: int
) -> None:
    two = freeze_twice(make_world(committee))
    world, quorum = two.world, committee[2]
    whole = world.endorse(two.whole, corrupt_in(world))
    without = world.endorse(two.without, faces_in(world))
    for place, name in enumerate(honest_in(world)):
        for_whole, for_without = one_word(two, name, whole_first=place < whole_first)
        whole, without = whole + for_whole, without + for_without

    lacking = [
        (freeze, endorsements)
        for freeze, endorsements in ((two.whole, whole), (two.without, without))
        if len(endorsements) < quorum
    ]

    assert lacking
    for (freeze, endorsements), name in product(lacking, honest_in(world)):
        endorsed_here = any(one.signer == name for one in endorsements)
        rule = "quorum-of-endorsements" if endorsed_here else "one-freeze-per-round"
        assert world.refused(name, ReleaseDuty(0, freeze.digest, endorsements)) == rule


@pytest.mark.parametrize("committee", [(4, 2, 2), (7, 3, 4)], ids=str)
def test_the_control_that_below_the_quorum_rule_the_difference_is_the_victims_vector(
    make_world: Callable[..., World],
    monkeypatch: pytest.MonkeyPatch,
    committee: tuple[int, int, int],
) -> None:
    world = make_world(committee)
    with pytest.raises(Refused) as caught:
        check_manifest(world.study)
    assert caught.value.rule == "quorum-rule"
    monkeypatch.setattr(manifest_checks, "check_quorum_rule", lambda *_: None)
    two = freeze_twice(world)
    enough = committee[2] - len(corrupt_in(world))
    first, second = honest_in(world)[:enough], honest_in(world)[enough : 2 * enough]
    whole = world.endorse(two.whole, [*first, *corrupt_in(world)])
    without = world.endorse(two.without, [*second, *faces_in(world)])

    difference = two.difference(whole, without, (first, second))

    assert np.array_equal(difference, two.sent[-1].values)


def test_a_second_freeze_is_refused_for_ever_and_kept_as_evidence(world: World) -> None:
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    whole, without = world.aggregator.freeze(spec, sent), world.aggregator.freeze(spec, sent[:-1])
    endorsements = world.endorse(whole)
    name = world.custodians[0]
    asked = EndorseDuty(0, without.digest)
    # What a coalition might have signed; it makes no difference to who endorsed another freeze.
    body = Endorsement(world.study.study, 0, spec.digest, without.digest, "")
    forced = tuple(world.people.sign(body, other) for other in world.custodians[1:])

    def refuses() -> None:
        assert world.refused(name, asked) == "one-freeze-per-round"
        duty = ReleaseDuty(0, without.digest, forced)
        assert world.refused(name, duty) == "one-freeze-per-round"

    refuses()
    world.restart(name)
    refuses()
    world.release(whole, endorsements)
    refuses()
    world.perform(name, CloseDuty(0))
    refuses()
    world.accept(world.aggregator.spec_after(spec, world.leave(0), endorsements))
    world.restart(name)
    refuses()

    with world.custodian(name).store.reading() as connection:
        kept = evidence_of(connection, world.study.study, 0)
    assert [(one.rule, one.message) for one in kept] == [
        ("one-freeze-per-round", signed_to_bytes(without))
    ]


def test_the_control_that_custodians_without_memory_give_the_victims_vector_away(
    world: World,
) -> None:
    """Everybody forgets between the two freezes: nothing but the memory stood in the way."""
    spec = world.aggregator.spec()
    sent = world.collect(spec)
    whole = world.aggregator.freeze(spec, sent)
    larger = world.aggregator.open(spec, sent, world.release(whole, world.endorse(whole)))
    forgetful = [f"{name}{FACE}forgetful" for name in world.custodians]
    world.accept(spec, forgetful)
    world.admit(spec, sent, forgetful)
    without = world.aggregator.freeze(spec, sent[:-1])

    endorsements = world.endorse(without, forgetful)
    releases = world.release(without, endorsements, forgetful)

    smaller = world.aggregator.open(spec, sent[:-1], releases)
    assert np.array_equal(larger - smaller, sent[-1].values)


def lives_and_deaths(
    folder: Path, seal: str, script: str, times: int, stride: int
) -> dict[str, int]:
    """How often the killed custodian's word went to which freeze, and whether it left before."""
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), seal, script, str(times), str(stride)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    counted: dict[str, int] = json.loads(ran.stdout)
    return counted


# A memory of freezes knows nothing of seals, so one of them is enough here.


@pytest.mark.slow
def test_killed_two_hundred_times_between_persist_and_answer_it_never_endorses_a_second_freeze(
    tmp_path: Path,
) -> None:
    counted = lives_and_deaths(tmp_path, "ckks", "after the commit", 200, 2)
    assert counted.pop("victims") == 0
    assert set(counted) <= {"whole, silent", "whole, answered"}
    assert sum(counted.values()) == 200
    assert counted["whole, silent"] > 150


@pytest.mark.slow
def test_killed_before_persisting_it_has_answered_nothing_and_endorses_the_other_freeze_alone(
    tmp_path: Path,
) -> None:
    counted = lives_and_deaths(tmp_path, "ckks", "before the commit", 40, 450)
    assert counted == {"without, silent": 40, "victims": 0}


@pytest.mark.slow
def test_the_control_that_a_signature_that_leaves_before_it_is_kept_gives_the_victim_away(
    tmp_path: Path, seal: str
) -> None:
    assert lives_and_deaths(tmp_path, seal, "control", 3, 1) == {
        "whole and without, answered": 3,
        "victims": 3,
    }
