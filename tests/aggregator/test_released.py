"""Releases that take several pages: nothing opens before a custodian's last page is here."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adversarial.people import found
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World, total_of

from blindsum_aggregator.duties import load_duty, outstanding
from blindsum_aggregator.released import has_released, released_by
from blindsum_aggregator.service.custodians import _duty_to_message
from blindsum_aggregator.store.messages import MessageKind
from blindsum_auditor.verify import verify
from blindsum_custodian.duties import duty_from_message
from blindsum_rules import release
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import AggregatorState

SEVERAL_PAGES = 192  # bytes a page: of the 3 parts of each custodian 64 bytes, two leaves


@pytest.fixture(params=["ckks", "masking"])
def study(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ServedStudy]:
    """A round of six of whom one is absent, endorsed; every release takes several pages."""
    # A page of ckks has 30,720 bytes a part: two pages there, five of masking.
    page_bytes = SEVERAL_PAGES if request.param == "masking" else 3 * 20_000
    monkeypatch.setattr(release, "PAGE_BYTES", page_bytes)
    world = World(found((4, 2, 3), 6, request.param, None, **valid_now()), tmp_path / "world")
    with served(world, tmp_path / "aggregator", admission_grace_seconds=0) as running:
        spec = running.is_open(0)
        sent = [world.seal(spec, name) for name in spec.body.cohort[:-1]]
        for one in sent:
            running.send(one)
        running.study.clock = lambda: spec.body.contribute_deadline_unix + 1.0
        running.carry(0, AggregatorState.ENDORSED)
        for name in world.custodians:  # a quorum is there; let the others endorse too
            perform(running, name, MessageKind.ENDORSEMENT)
        running.expected = total_of(sent)  # type: ignore[attr-defined]
        yield running
    world.close()


def answers_to(study: ServedStudy, custodian: str, step: MessageKind) -> list[Signed[Any]]:
    """What one custodian answers to what it owes of one step; nothing is sent yet."""
    store = study.study.store
    answers: list[Signed[Any]] = []
    for key in store.read(lambda c: outstanding(study.study, c, custodian)):
        if key.step is step:
            duty = store.read(partial(load_duty, study.study, key, custodian))
            answers += study.world.perform(custodian, duty_from_message(_duty_to_message(duty)))
    return answers


def perform(study: ServedStudy, custodian: str, step: MessageKind) -> None:
    for answer in answers_to(study, custodian, step):
        study._answer(answer)


def pages_of(study: ServedStudy, custodian: str) -> list[Signed[Release]]:
    """A custodian's release, page by page."""
    return answers_to(study, custodian, MessageKind.RELEASE)


def here(study: ServedStudy) -> list[str]:
    return study.study.store.read(lambda c: released_by(study.study, c, 0))


def test_a_sum_opens_when_the_last_page_of_t_custodians_is_here(study: ServedStudy) -> None:
    first, second = study.world.custodians[:2]
    pages = {name: pages_of(study, name) for name in (first, second)}
    assert len(pages[first]) > 1

    for page in reversed(pages[first]):  # in any order, and more than once
        study._answer(page)
        study._answer(page)
    for page in pages[second][:-1]:
        study._answer(page)
    study.settle()
    assert here(study) == [first]
    assert study.row(0).state is AggregatorState.ENDORSED
    # Who lacks a page is asked again, and who has given all is not.
    store = study.study.store
    assert store.read(lambda c: outstanding(study.study, c, first)) == []
    assert [k.step for k in store.read(lambda c: outstanding(study.study, c, second))] == [
        MessageKind.RELEASE
    ]

    # What is asked for is what is missing: a long release goes on where it stood.
    assert pages_of(study, second) == pages[second][-1:]

    study._answer(pages[second][-1])
    assert study.carry(0, custodians=[first, second]) is AggregatorState.PUBLISHED

    assert np.array_equal(study.opened(0), study.expected)  # type: ignore[attr-defined]
    study.close(0)
    report = verify(study.transcript, study.world.people.manifest.digest)
    assert report.accepted, [one for one in report.findings if "ok" not in str(one.status)]


def test_a_custodian_gives_the_same_pages_however_often_it_is_asked(study: ServedStudy) -> None:
    name = study.world.custodians[0]
    assert pages_of(study, name) == pages_of(study, name)
    number = study.row(0).number
    assert not study.study.store.read(lambda c: has_released(study.study, c, number, name))
