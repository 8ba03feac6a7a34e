"""Whatever duties come in whatever order, with restarts in between, a custodian keeps its word."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.custodian import Duty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.release import ReleaseDuty
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play

A, B, C, D = (f"custodian-{index}" for index in range(4))
RESTART = None


def duties_in(play: "Play", spec: Signed[Spec], members: "list[int]") -> list[Duty]:
    """What an aggregator may ask in one round, for all clients and for one client fewer."""
    submissions = play.submissions(spec, play.clients)
    pages = [play.page(spec, submissions), play.page(spec, submissions[:4])]
    duties: list[Duty] = [
        AcceptDuty(spec),
        play.admit_duty(A, pages[0], submissions),
        play.admit_duty(A, pages[1], submissions[:4]),
        CloseDuty(spec.body.round_number),
    ]
    for count in members:
        freeze = play.freeze(spec, submissions[:count])
        endorsements = play.endorsements_of(spec, freeze, [B, C, D])
        duties.append(EndorseDuty(spec.body.round_number, freeze.digest))
        duties.append(ReleaseDuty(spec.body.round_number, freeze.digest, endorsements))
    return duties


def everything(play: "Play") -> tuple[list[Duty], list[list[Duty]]]:
    """All duties of two rounds, each proposed in two ways, and some orderly beginnings."""
    first, other = play.spec(), play.spec(cohort=tuple(play.clients[:5]))
    begun = duties_in(play, first, [6, 4])
    frozen = play.read_freeze(
        next(duty.freeze_digest for duty in begun if isinstance(duty, EndorseDuty))
    )
    # The next round's closes, signed by others, either forget the first freeze or remember it.
    forgets = play.spec_after(first, play.closes_of(first, None, [B, C, D]))
    remembers = play.spec_after(first, play.closes_of(first, frozen, [B, C, D]))
    later = [duties_in(play, forgets, [6, 5]), duties_in(play, remembers, [6, 5])]
    beginnings = [[], begun[:2], *(begun[:2] + duties[:2] for duties in later)]
    return [*begun, AcceptDuty(other), *later[0], *later[1]], beginnings


class Words:
    """Everything that a custodian signed, in order, held against what it may never say."""

    def __init__(self) -> None:
        self.said: dict[tuple[Any, ...], bytes] = {}
        self.frozen: dict[int, bytes] = {}
        self.closed: dict[int, bytes] = {}
        self.accepted: set[int] = set()
        self.released: set[int] = set()

    def hear(self, answer: Signed[Any]) -> None:
        body = answer.body
        if isinstance(body, Refusal):
            return
        number = body.round_number
        place = (type(body), number, getattr(body, "page", 0))
        data = signed_to_bytes(answer)
        again = place in self.said
        assert self.said.setdefault(place, data) == data, "two answers in one place"
        if number in self.closed and not isinstance(body, Close):
            # A release records the endorsement behind it, which may be asked for much later.
            recorded = isinstance(body, Endorsement) and number in self.released
            assert again or recorded, "something new after the close"
        if isinstance(body, Acceptance):
            self.accepted.add(number)
        if isinstance(body, Admission | Endorsement | Release):
            assert number in self.accepted, "work in a round that was not accepted"
        if isinstance(body, Endorsement | Release):
            frozen = self.frozen.setdefault(number, body.freeze_digest)
            assert frozen == body.freeze_digest, "two freezes of one round"
        if isinstance(body, Release):
            self.released.add(number)
        if isinstance(body, Close):
            self.closed[number] = body.freeze_digest
            assert body.freeze_digest == self.frozen.get(number, b""), "a close that lies"


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(beginning=2, steps=[14, 20, 13])  # release, close, then the endorsement it recorded
@given(beginning=st.integers(0, 3), steps=st.lists(st.integers(-1, 24), max_size=30))
def test_in_any_order_of_duties_a_custodian_keeps_its_word(
    play: "Play", tmp_path_factory: pytest.TempPathFactory, beginning: int, steps: list[int]
) -> None:
    play.folder = Path(tmp_path_factory.mktemp("order"))
    play.running.pop(A, None)
    duties, beginnings = everything(play)
    chosen = [RESTART if step < 0 else duties[step] for step in steps]
    words = Words()
    try:
        for duty in [*beginnings[beginning], *chosen]:
            if duty is RESTART:
                play.custodian(A)
                play.restart(A)
                continue
            for answer in play.perform(A, duty):
                event(getattr(answer.body, "rule", type(answer.body).__name__))
                words.hear(answer)
    finally:
        if A in play.running:
            play.stop(A)
