"""T32: the aggregator shows different aggregates to different clients, to split their models.

A client acts on an aggregate only when its commitment stands in the next spec that a quorum of
custodians accepted, and at the end of the study in the accepted `end` spec. Custodians accept one
spec for a number, so there is one commitment for everybody. The model's own digest in that spec is
the second line.
"""

# The aggregator's answers are messages of many kinds.
# ruff: noqa: ANN401

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.adversarial.client_home import move_in, values_from
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.world import World

from blindsum_aggregator.store.messages import MessageKind
from blindsum_client.client import Client
from blindsum_client.memory import Position
from blindsum_crypto.errors import BlindsumError, Refused, Rejected
from blindsum_custodian.accept import AcceptDuty
from blindsum_protos.convert.signed import to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.aggregate import Aggregate
from blindsum_rules.certificate import Certificate
from blindsum_rules.manifest import Schedule
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState

pytestmark = pytest.mark.slow

HONEST, DECEIVED = "client-00", "client-01"
ANY_SEAL = pytest.mark.parametrize("seal", ["masking"], indirect=True)
"""Where what is sealed plays no part, and once is enough."""


@dataclass
class LyingLine:
    """One client's line to the aggregator, which answers this client alone with lies.

    Attributes:
        true: What the aggregator says to the others.
        blobs: What it serves instead, by the digest that is asked for.
        words: By the call's name, what becomes of its true answer.
    """

    true: Any
    blobs: dict[bytes, bytes] = field(default_factory=dict)
    words: dict[str, Callable[[Any], Any]] = field(default_factory=dict)

    def fetch_blob(self, digest: bytes) -> bytes:
        return self.blobs[digest] if digest in self.blobs else bytes(self.true.fetch_blob(digest))

    def unary(self, method: str, request: Any, timeout_seconds: float) -> Any:
        answer = self.true.unary(method, request, timeout_seconds)
        return self.words.get(method, lambda one: one)(answer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.true, name)


@dataclass
class Split:
    """A study of two rounds with two real clients, one of whom hears lies."""

    study: ServedStudy
    honest: Client
    deceived: Client
    line: LyingLine

    def play(self, number: int) -> None:
        """A round to which everybody contributes, published and closed."""
        spec = self.study.is_open(number)
        for place, client in enumerate((self.honest, self.deceived)):
            round_ = next(client.rounds())
            assert round_.number == number
            client.contribute(round_, values_from(place, spec.body.vector_length))
        for name in spec.body.cohort[2:]:
            self.study.send(self.study.world.seal(spec, name))
        assert self.study.carry(number) is AggregatorState.PUBLISHED
        self.study.close(number)

    def false_aggregate(self, number: int) -> Aggregate:
        """The aggregate of a round with another first value, under the same salt."""
        true = self.study.aggregate(number)
        values = true.values.copy()
        values[0] += 1000
        return Aggregate(true.salt, values)

    def lie_about(self, number: int) -> Aggregate:
        """Serve the false aggregate to the deceived, under the true commitment."""
        false = self.false_aggregate(number)
        self.line.blobs[self.study.row(number).commitment] = false.encode()
        return false

    def refusal_of_the_next_round(self) -> BlindsumError:
        with pytest.raises(BlindsumError) as caught:
            next(self.deceived.rounds())
        return caught.value


@pytest.fixture
def split(make_world: Callable[..., World], tmp_path: Path) -> Iterator[Split]:
    with ExitStack() as stack:
        world = make_world(schedule=two_rounds(), **valid_now())
        study = stack.enter_context(served(world, tmp_path / "aggregator"))
        honest, deceived = (
            stack.enter_context(closing(move_in(study, name, tmp_path / name).join()))
            for name in (HONEST, DECEIVED)
        )
        line = LyingLine(deceived._transport._calls)
        deceived._transport._calls = line
        yield Split(study, honest, deceived, line)


def two_rounds() -> Schedule:
    return Schedule(
        max_rounds=2,
        accept_seconds=60,
        contribute_seconds=600,
        release_seconds=300,
        pause_seconds=0,
        quota=0,
    )


def test_a_client_that_is_shown_a_false_aggregate_refuses_the_next_round_by_name(
    split: Split,
) -> None:
    split.play(0)
    split.lie_about(0)
    split.study.is_open(1)

    refusal = split.refusal_of_the_next_round()

    assert isinstance(refusal, Rejected)
    assert refusal.rule == "aggregate-commitment"
    assert split.deceived._follower.round_number == 0
    true_model = next(split.honest.rounds()).model
    split.line.blobs.clear()  # told the truth, it goes on
    told = next(split.deceived.rounds())
    assert told.number == 1
    assert all(np.array_equal(told.model[name], true_model[name]) for name in true_model)


@ANY_SEAL
def test_a_false_certificate_binds_nothing_and_the_next_spec_finds_the_false_aggregate(
    split: Split,
) -> None:
    """The aggregator signs a second certificate, for this client alone."""
    split.play(0)
    false = split.lie_about(0)
    (true,) = split.study.messages(0, MessageKind.CERTIFICATE, Certificate)
    forked = split.study.world.people.sign(
        replace(true.body, aggregate_commitment=false.commitment), "aggregator"
    )

    def with_the_fork(
        outcome: aggregator_pb2.RoundOutcome,
    ) -> aggregator_pb2.RoundOutcome:
        outcome.certificate.CopyFrom(to_wire(forked))
        return outcome

    split.line.words["GetOutcome"] = with_the_fork
    split.line.blobs[false.commitment] = false.encode()
    assert split.deceived.look_back(0).certificate == forked
    split.study.is_open(1)

    assert split.refusal_of_the_next_round().rule == "aggregate-commitment"


def false_spec(split: Split, number: int) -> Signed[Spec]:
    """The next spec, for the deceived alone: it commits to the false aggregate and its model."""
    true = split.study.spec(number)
    false = split.false_aggregate(number - 1)
    previous = replace(true.body.previous, aggregate_commitment=false.commitment)
    split.line.blobs[false.commitment] = false.encode()
    return split.study.world.aggregator.publish(replace(true.body, previous=previous))


def announced(split: Split, spec: Signed[Spec], *acceptances: Signed[Acceptance]) -> None:
    """Announce another spec to the deceived."""
    split.line.words["NextRound"] = lambda _: aggregator_pb2.RoundAnnouncement(
        spec=to_wire(spec), acceptances=[to_wire(one) for one in acceptances]
    )


@ANY_SEAL
def test_no_custodian_accepts_a_second_spec_that_commits_to_the_false_aggregate(
    split: Split,
) -> None:
    split.play(0)
    split.study.is_open(1)
    for name in split.study.world.custodians:  # an honest aggregator opens with a quorum
        split.study.owed(name)
    spec = false_spec(split, 1)

    for name in split.study.world.custodians:
        rule = split.study.world.refused(name, AcceptDuty(spec))
        assert rule == "one-spec-per-round-number"
    announced(split, spec)
    assert split.refusal_of_the_next_round().rule == "quorum-of-acceptances"
    announced(split, spec, *split.study.messages(1, MessageKind.ACCEPTANCE, Acceptance))
    assert split.refusal_of_the_next_round().rule == "wrong-round"


@ANY_SEAL
def test_a_corrupt_custodian_and_a_split_committee_do_not_carry_two_commitments(
    split: Split,
) -> None:
    """custodian-3 signs whatever it is asked, and custodian-2 is shown the false spec first."""
    split.play(0)
    world = split.study.world
    true, spec = split.study.spec(1), false_spec(split, 1)
    both = [
        world.people.sign(Acceptance(one.body.study, 1, one.digest, ""), "custodian-3")
        for one in (spec, true)
    ]
    for_the_lie = [*world.accept(spec, ["custodian-2"]), both[0]]
    for_the_truth = [*world.accept(true, ["custodian-0", "custodian-1"]), both[1]]

    announced(split, spec, *for_the_lie)

    assert len(for_the_truth) == world.study.quorum
    assert split.refusal_of_the_next_round().rule == "quorum-of-acceptances"


def test_at_the_end_of_the_study_the_end_spec_binds_the_last_aggregate(split: Split) -> None:
    split.play(0)
    split.play(1)
    split.lie_about(1)
    with pytest.raises(Refused) as too_early:
        split.honest.final()
    assert too_early.value.rule == "study-not-ended"
    split.study.end()

    assert split.refusal_of_the_next_round().rule == "aggregate-commitment"

    with pytest.raises(Refused) as caught:
        split.deceived.final()
    assert caught.value.rule == "study-not-ended"
    assert list(split.honest.rounds()) == []
    assert set(split.honest.final()) == {"weight", "bias"}


# ---- negative controls


@pytest.fixture
def no_commitment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off: an aggregate is the one that the accepted spec commits to."""
    monkeypatch.setattr(Aggregate, "check_commitment", lambda *_: None)


@pytest.mark.usefixtures("no_commitment")
@ANY_SEAL
def test_without_the_commitment_the_digest_of_the_model_still_refuses_the_round(
    split: Split,
) -> None:
    split.play(0)
    split.lie_about(0)
    split.study.is_open(1)

    assert split.refusal_of_the_next_round().rule == "model-digest"


@pytest.mark.usefixtures("no_commitment")
def test_the_control_without_both_the_models_split_and_nobody_notices(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Position, "check_model", lambda _: None)
    split.play(0)
    split.lie_about(0)

    split.play(1)
    split.study.end()

    assert list(split.honest.rounds()) == list(split.deceived.rounds()) == []
    told, true = split.deceived.final(), split.honest.final()
    assert not np.array_equal(told["weight"], true["weight"])
