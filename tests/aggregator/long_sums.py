"""A masked round of several chunks, endorsed: one client is absent, so there are pairs to open."""

import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tests.adversarial.hostile_aggregator import Integers
from tests.adversarial.people import People, found
from tests.adversarial.served_study import ServedStudy
from tests.adversarial.world import World, total_of

from blindsum_aggregator.duties import load_duty, outstanding
from blindsum_aggregator.service.custodians import _duty_to_message
from blindsum_aggregator.store.messages import MessageKind
from blindsum_crypto.masking.parameters import CHUNK_VALUES
from blindsum_custodian.duties import duty_from_message
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import AggregatorState

STEPS = 4
LAYOUT = Layout((NamedArray("weight", (3 * CHUNK_VALUES + 1_000,)),))


def people(validity: Mapping[str, int]) -> People:
    """The same people and the same manifest in every process that is told the same validity."""
    return found((4, 2, 3), 6, "masking", None, layout=LAYOUT, **validity)


def serve(world: World, folder: Path) -> ServedStudy:
    return ServedStudy(world, folder, admission_grace_seconds=0)


def endorse_without(study: ServedStudy, absent: str) -> Integers:
    """Carry round 0 until it is endorsed by everybody; the sum that its releases will open."""
    spec = study.is_open(0)
    sent = [study.world.seal(spec, name) for name in spec.body.cohort if name != absent]
    for one in sent:
        study.send(one)
    study.study.clock = lambda: spec.body.contribute_deadline_unix + 1.0
    study.carry(0, AggregatorState.ENDORSED)
    for name in study.world.custodians:
        for answer in answers_to(study, name, MessageKind.ENDORSEMENT):
            study._answer(answer)
    study.study.clock = time.time
    return total_of(sent)


def answers_to(study: ServedStudy, custodian: str, step: MessageKind) -> list[Signed[Any]]:
    """What one custodian answers to what it owes of one step; nothing is sent yet."""
    store = study.study.store
    answers: list[Signed[Any]] = []
    for key in store.read(lambda c: outstanding(study.study, c, custodian)):
        if key.step is step:
            duty = store.read(partial(load_duty, study.study, key, custodian))
            answers += study.world.perform(custodian, duty_from_message(_duty_to_message(duty)))
    return answers


def is_published_exactly(study: ServedStudy, total: Integers) -> bool:
    study._wait_until(lambda: study.row(0).state is AggregatorState.PUBLISHED)
    return bool(np.array_equal(study.opened(0), total))
