"""T15, below 2 · min_cohort: a garbage client spoils a round, and two signatures exclude it.

No gate can say whose garbage it was, and no disjoint group is large enough to find out. Then
operator and officer sign an exception for one round without the client that they suspect.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.spoilers import garbage
from tests.adversarial.world import World, total_of

from blindsum_aggregator.store.messages import MessageKind
from blindsum_auditor.report import Level, Report
from blindsum_auditor.verify import verify
from blindsum_cli.calls import Endpoint, operate
from blindsum_crypto.errors import BlindsumError
from blindsum_rules.certificate import Certificate
from blindsum_rules.exception import DifferencingException, SignedException
from blindsum_rules.freeze import LeftOut
from blindsum_rules.manifest import Party
from blindsum_rules.requests import OperatorAction
from blindsum_rules.transitions import AggregatorState

pytestmark = pytest.mark.slow

SPOILER, SECOND = "client-00", "client-01"
WHY = "its sealed vector spoiled round 0"


@pytest.fixture
def study(make_world: Callable[..., World], tmp_path: Path) -> Iterator[ServedStudy]:
    """Five clients, of whom three are the fewest: no two disjoint groups, and an officer."""
    people = make_world(clients=5).people
    officer = Party("officer", people.keys.identities["officer"].public)
    world = make_world(clients=5, officer=officer, **valid_now())
    with ExitStack() as stack:
        yield stack.enter_context(served(world, tmp_path / "aggregator"))


def hand_in(
    study: ServedStudy,
    number: int,
    without: tuple[str, ...],
    **changes: Any,  # noqa: ANN401
) -> tuple[SignedException, str]:
    """Operator and officer sign, and the operator hands it in at the port."""
    people = study.world.people
    clients = tuple(name for name in people.clients if name not in without)
    words = clients, WHY, people.manifest.digest
    body = replace(DifferencingException(people.study.study, number, 0, *words), **changes)
    signed = SignedException(*(people.sign(body, name) for name in ("operator", "officer")))
    said = operate(
        people.manifest,
        people.keys.identities["operator"],
        Endpoint(f"127.0.0.1:{study.port}"),
        (OperatorAction.EXCEPT_ROUND, body.round_number, WHY),
        signed,
    )
    return signed, said


def spoil(study: ServedStudy, number: int, *spoilers: str) -> None:
    """A round in which these clients send garbage; a gate ends it."""
    spec = study.is_open(number)
    for name in spec.body.cohort:
        wrong = name in spoilers
        study.send(garbage(study.world, spec, name) if wrong else study.world.seal(spec, name))
    assert study.carry(number) is AggregatorState.ABORTED
    assert study.row(number).rule in {"residual-gate", "self-commitment"}


def published(study: ServedStudy, number: int) -> None:
    """A round of honest contributions alone, by whoever is invited."""
    spec = study.is_open(number)
    sent = [study.world.seal(spec, name) for name in spec.body.cohort]
    for one in sent:
        study.send(one)
    assert study.carry(number) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(number), total_of(sent))
    study.close(number)


def audited(study: ServedStudy) -> Report:
    report = verify(study.transcript, study.world.people.manifest.digest, Level.ENTITLED)
    assert not report.failed, report.failed
    return report


def test_an_exception_lets_the_round_after_the_garbage_complete_without_its_client(
    study: ServedStudy,
) -> None:
    spoil(study, 0, SPOILER)

    exception, said = hand_in(study, 1, (SPOILER,))
    study.close(0)
    published(study, 1)

    assert f"gives away the contribution of {SPOILER} alone" in said
    assert study.spec(1).body.cohort == study.world.clients[1:]
    (certificate,) = study.messages(1, MessageKind.CERTIFICATE, Certificate)
    assert certificate.body.exception_digest == exception.digest
    (used,) = audited(study).exceptions
    assert "operator 'operator' and officer 'officer'" in used.in_words
    assert WHY in used.in_words
    assert used.gives_away == (
        f"beside the sum of round 0 it gives away the contribution of {SPOILER} alone",
    )

    # The model has changed by it, so everybody may come together again.
    assert study.is_open(2).body.cohort == study.world.clients
    (file,) = (study.transcript / "rounds").glob("*/exception.pb")
    assert file.parent.name == "000001"


def test_an_exception_for_the_round_at_hand_leaves_the_garbage_out_that_has_come(
    study: ServedStudy,
) -> None:
    spoil(study, 0, SPOILER)
    study.close(0)
    spec = study.is_open(1)
    spoilt = garbage(study.world, spec, SPOILER)
    study.send(spoilt)

    hand_in(study, 1, (SPOILER,))
    sent = [study.world.seal(spec, name) for name in spec.body.cohort if name != SPOILER]
    for one in sent:
        study.send(one)

    assert study.carry(1) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(1), total_of(sent))
    (freeze,) = study.frozen(1)
    digest = spoilt.contribution.digest
    assert freeze.body.left_out == (LeftOut(SPOILER, digest, "not-in-exception"),)
    study.close(1)
    assert len(audited(study).exceptions) == 1


def test_a_second_garbage_client_needs_a_second_exception(study: ServedStudy) -> None:
    spoil(study, 0, SPOILER, SECOND)
    hand_in(study, 1, (SPOILER,))
    study.close(0)
    spoil(study, 1, SECOND)
    study.close(1)
    study.settle()
    assert [row.number for row in study.rows] == [0, 1]  # No set is left that needs none.

    _, said = hand_in(study, 2, (SPOILER, SECOND))
    study.refresh()
    published(study, 2)

    assert f"round 0 that gives away the sum over {SPOILER}, {SECOND}" in said
    assert f"round 1 that gives away the contribution of {SECOND} alone" in said
    assert [one.round_number for one in audited(study).exceptions] == [1, 2]


def test_an_exception_below_the_floors_or_too_late_is_refused_at_the_port(
    study: ServedStudy,
) -> None:
    spoil(study, 0, SPOILER)

    for number, without, changes, rule in (
        (1, study.world.clients[:3], {}, "min-cohort"),
        (0, (SPOILER,), {}, "exception-round"),
        (1, (SPOILER,), {"model_version": 1}, "exception-version"),
    ):
        with pytest.raises(BlindsumError) as caught:
            hand_in(study, number, tuple(without), **changes)
        assert caught.value.rule == rule
    study.close(0)
    assert study.is_open(1).body.cohort == study.world.clients
