"""Threat T16: the aggregator publishes another sum than the one that opened, and certifies it.

The gain is a model of its choice, or a client whose work does not count. Its certificate binds it:
whoever holds the sealed payloads adds them again, whoever is entitled opens them again, and either
finds a sum that is not the true one, of any size, in one coordinate or in all. The control is a
reader of the public files alone, who sees a certificate that is whole in itself, and is told what
was not checkable. Every chunk is recomputed; there is no check by samples.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.adversarial.hostile_aggregator import Integers
from tests.adversarial.served_study import served, valid_now
from tests.adversarial.world import World

from blindsum_aggregator.combining import Opened
from blindsum_aggregator.publishing import Publisher
from blindsum_aggregator.store.rounds import RoundRow
from blindsum_auditor.report import Level, Report
from blindsum_auditor.verify import verify
from blindsum_rules.transitions import AggregatorState

LEFT_OUT = "client-03"
Falsify = Callable[[World, Integers, bytes], tuple[Integers, bytes]]


def one_more(_: World, values: Integers, root: bytes) -> tuple[Integers, bytes]:
    """The smallest lie there is."""
    return np.concatenate([values[:1] + 1, values[1:]]), root


def without_one(world: World, values: Integers, root: bytes) -> tuple[Integers, bytes]:
    """A member of the certified set that does not count."""
    return values - world.values_of(LEFT_OUT), root


def of_other_payloads(_: World, values: Integers, root: bytes) -> tuple[Integers, bytes]:
    """Another sealed sum than that of the members' payloads."""
    return values, bytes([root[0] ^ 1]) + root[1:]


def honestly(_: World, values: Integers, root: bytes) -> tuple[Integers, bytes]:
    return values, root


@pytest.fixture
def play(
    make_world: Callable[..., World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Falsify], tuple[World, Path]]:
    """A round of the product's own aggregator, which publishes what `falsify` makes of its sum."""

    def played(falsify: Falsify) -> tuple[World, Path]:
        world = make_world(**valid_now())
        true = Publisher._publish

        def publish(publisher: Publisher, row: RoundRow, opened: Opened, root: bytes) -> None:
            values, other_root = falsify(world, opened.values, root)
            true(publisher, row, replace(opened, values=values), other_root)

        monkeypatch.setattr(Publisher, "_publish", publish)
        with served(world, tmp_path / "aggregator", keep_payloads=True) as study:
            spec = study.is_open(0)
            for client in spec.body.cohort:
                study.send(world.seal(spec, client))
            assert study.carry(0) is AggregatorState.PUBLISHED
            study.close(0)
            return world, study.transcript

    return played


def report(world: World, transcript: Path, level: Level) -> Report:
    return verify(transcript, world.people.manifest.digest, level)


def checks(found: Report) -> set[str]:
    return {finding.check for finding in found.failed}


@pytest.mark.parametrize("falsify", [one_more, without_one])
def test_a_sum_that_did_not_open_is_found_by_whoever_opens_it_again(
    play: Callable[[Falsify], tuple[World, Path]], falsify: Falsify
) -> None:
    world, transcript = play(falsify)

    assert checks(report(world, transcript, Level.ENTITLED)) == {"opening"}


def test_a_sealed_sum_of_other_payloads_is_found_by_whoever_adds_them_again(
    play: Callable[[Falsify], tuple[World, Path]],
) -> None:
    world, transcript = play(of_other_payloads)

    assert "sealed-sum" in checks(report(world, transcript, Level.SEALED))


@pytest.mark.parametrize("falsify", [one_more, of_other_payloads])
def test_the_control_that_who_reads_the_public_files_alone_finds_nothing_and_is_told_so(
    play: Callable[[Falsify], tuple[World, Path]], falsify: Falsify
) -> None:
    world, transcript = play(falsify)

    found = report(world, transcript, Level.PUBLIC)

    assert found.accepted
    assert {"sealed-sum", "opening"} <= {finding.check for finding in found.not_checkable}


def test_the_control_that_an_honest_sum_is_accepted_at_every_level(
    play: Callable[[Falsify], tuple[World, Path]],
) -> None:
    world, transcript = play(honestly)
    for level in Level:
        assert report(world, transcript, level).accepted
