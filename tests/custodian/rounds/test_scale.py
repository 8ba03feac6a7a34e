"""A custodian's work grows with the clients and no faster: counted, never timed.

Whatever is done for one client of a round must not depend on how many there are. What is counted is
exact: calls of functions, SQL statements, and bytes that are hashed.
"""

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from blindsum_crypto import primitives
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.custodian import Duty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

pytestmark = pytest.mark.slow

A = "custodian-0"
SMALL, LARGE = 1000, 4000
ON_A_PAGE = 250
GROWTH = LARGE // SMALL
TOLERANCE = 1.06
"""For bisections, which ask two more times among four times as many clients."""


@dataclass
class Counting:
    """What was done while it was counted."""

    counts: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def of(self, play: "Play", monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        joined = primitives.length_prefixed

        def length_prefixed(*parts: bytes) -> bytes:
            self.counts["hashed bytes"] += sum(map(len, parts))
            return joined(*parts)

        def count_statement(*_: object) -> None:
            self.counts["statements"] += 1

        def count_call(_frame: FrameType, what: str, _argument: object) -> None:
            self.counts["calls"] += what in ("call", "c_call")

        engine = play.custodian(A).store._engine
        with monkeypatch.context() as patched:
            patched.setattr(primitives, "length_prefixed", length_prefixed)
            event.listen(engine, "before_cursor_execute", count_statement)
            sys.setprofile(count_call)
            try:
                yield
            finally:
                sys.setprofile(None)
                event.remove(engine, "before_cursor_execute", count_statement)


Counts = dict[str, Counter[str]]


def counted_round(play: "Play", monkeypatch: pytest.MonkeyPatch) -> Counts:
    """A whole round of everybody but a tenth of the cohort, counted step by step."""
    counted: Counts = {}

    # Any: answers of every kind.
    def perform(step: str, duty: Duty) -> tuple[Any, ...]:
        counting = Counting()
        with counting.of(play, monkeypatch):
            answers = play.perform(A, duty)
        counted[step] = counted.get(step, Counter()) + counting.counts
        assert not hasattr(answers[0].body, "rule"), answers[0].body
        return answers

    spec = play.spec()
    perform("accept", AcceptDuty(spec))
    shown = play.submissions(spec, play.clients[: len(play.clients) * 9 // 10])
    for page, start in enumerate(range(0, len(shown), ON_A_PAGE)):
        entries = shown[start : start + ON_A_PAGE]
        perform("admit", play.admit_duty(A, play.page(spec, entries, page=page), entries))
    freeze = play.freeze(spec, shown)
    (endorsement,) = perform("endorse", EndorseDuty(0, freeze.digest))
    perform("release", ReleaseDuty(0, freeze.digest, (endorsement,)))
    perform("close", CloseDuty(0))
    return counted


@pytest.fixture
def both(
    make_play: Callable[..., "Play"], monkeypatch: pytest.MonkeyPatch
) -> tuple[Counts, Counts]:
    """The same round among few clients and among four times as many: 5,000 in all."""
    few, many = (make_play(1, 1, 1, clients) for clients in (SMALL, LARGE))
    return counted_round(few, monkeypatch), counted_round(many, monkeypatch)


def test_no_step_of_a_round_grows_faster_than_its_clients(both: tuple[Counts, Counts]) -> None:
    few, many = both
    for step, counts in few.items():
        for what, count in counts.items():
            grown = many[step][what] / count
            assert grown <= GROWTH * TOLERANCE, f"{step}: {what} grew {grown:.2f} times"


def test_the_statements_of_a_page_do_not_depend_on_its_number(
    make_play: Callable[..., "Play"], monkeypatch: pytest.MonkeyPatch
) -> None:
    play = make_play(1, 1, 1, 400)
    spec = play.spec()
    play.perform(A, AcceptDuty(spec))
    submissions = play.submissions(spec, play.clients)
    statements = []
    for page in range(20):
        entries = submissions[page * 20 : (page + 1) * 20]
        counting = Counting()
        with counting.of(play, monkeypatch):
            play.perform(A, play.admit_duty(A, play.page(spec, entries, page=page), entries))
        statements.append(counting.counts["statements"])
    assert len(set(statements[1:])) == 1, statements


def test_earlier_rounds_of_the_same_set_cost_an_endorsement_nothing(
    play: "Play", monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under one model every earlier set is compared; an equal one need not be taken out for it."""
    spec = play.spec()
    statements = []
    for number in range(4):
        freeze = play.freeze(spec, play.opened(A, spec, play.clients))
        counting = Counting()
        with counting.of(play, monkeypatch):
            (endorsement,) = play.perform(A, EndorseDuty(number, freeze.digest))
        assert endorsement.body.freeze_digest == freeze.digest
        statements.append(counting.counts["statements"])
        spec = play.spec_after(spec, play.closes_of(spec, freeze, play.names[1:]))
    assert len(set(statements[1:])) == 1, statements


def test_nothing_of_a_page_stays_in_memory_behind_its_answer(
    make_play: Callable[..., "Play"],
) -> None:
    play = make_play(1, 1, 1, 400)
    spec = play.spec()
    play.perform(A, AcceptDuty(spec))
    submissions = play.submissions(spec, play.clients)
    alive = []
    for page in range(8):
        entries = submissions[page * 50 : (page + 1) * 50]
        play.perform(A, play.admit_duty(A, play.page(spec, entries, page=page), entries))
        gc.collect()
        alive.append(len(gc.get_objects()))
    # Fewer than one object for every client of a page: what stays is of no client.
    assert all(later - earlier < len(entries) for earlier, later in pairwise(alive)), alive
