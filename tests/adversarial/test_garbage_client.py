"""T15: a client sends garbage or a poisoned value, and would spoil the sum.

A round with garbage in it ends by the name of a gate, never with a wrong sum; the rounds after it
go on, and disjoint groups find out in whose half the garbage is. What no gate can see is said here
too: a poisoned value inside the range that an honest cohort could reach.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.adversarial.hostile_aggregator import Sent
from tests.adversarial.served_study import ServedStudy, served, valid_now
from tests.adversarial.spoilers import (
    Sealing,
    bound_of,
    garbage,
    poisoned,
    sealing_as,
    under_other_seeds,
    under_other_seeds_but_true_words,
)
from tests.adversarial.world import World, total_of

from blindsum_aggregator.store.messages import MessageKind
from blindsum_auditor.report import Level
from blindsum_auditor.verify import verify
from blindsum_crypto.ckks import opening as ckks_opening
from blindsum_crypto.errors import Refused
from blindsum_crypto.masking.secrets import Secrets
from blindsum_crypto.masking.values import Gates
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.manifest import Schedule
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState

pytestmark = pytest.mark.slow

SPOILER = "client-00"
GATES: dict[tuple[str, Sealing], str] = {
    ("ckks", under_other_seeds): "residual-gate",
    ("ckks", under_other_seeds_but_true_words): "residual-gate",
    ("masking", under_other_seeds): "self-commitment",
    ("masking", under_other_seeds_but_true_words): "padding-gate",
}
"""Which gate stops a payload that was sealed under other seeds than those in the wraps."""


@pytest.fixture
def make_study(
    make_world: Callable[..., World], tmp_path: Path
) -> Iterator[Callable[..., ServedStudy]]:
    """The honest aggregator at its port, for a manifest with these changes."""
    with ExitStack() as stack:

        def make(**changes: Any) -> ServedStudy:  # noqa: ANN401 - any field of a manifest
            folder = tmp_path / "aggregator"
            return stack.enter_context(served(make_world(**valid_now(), **changes), folder))

        yield make


@pytest.fixture
def study(make_study: Callable[..., ServedStudy]) -> ServedStudy:
    return make_study()


def sent_by_others(study: ServedStudy, spec: Signed[Spec], spoiler: str = SPOILER) -> list[Sent]:
    """Everybody but the spoiler contributes."""
    others = [name for name in spec.body.cohort if name != spoiler]
    sent = [study.world.seal(spec, name) for name in others]
    for one in sent:
        study.send(one)
    return sent


def test_an_honest_client_sends_no_garbage_because_it_opens_its_own_seal(world: World) -> None:
    spec = world.aggregator.spec()
    with sealing_as(under_other_seeds), pytest.raises(Refused) as caught:
        world.seal(spec, SPOILER)

    assert caught.value.rule == "own-opening"


@pytest.mark.parametrize("sealing_of", [under_other_seeds, under_other_seeds_but_true_words])
def test_garbage_ends_the_round_by_the_name_of_the_gate_and_the_next_round_goes_on(
    study: ServedStudy, seal: str, sealing_of: Sealing
) -> None:
    spec = study.is_open(0)
    sent_by_others(study, spec)
    study.send(garbage(study.world, spec, SPOILER, sealing_of))

    with capture_logs() as log:
        assert study.carry(0) is AggregatorState.ABORTED

    said = [line for line in log if line["event"] == "round-aborted"]
    gate = GATES[seal, sealing_of]
    assert [(line["round_number"], line["rule"]) for line in said] == [(0, gate)]
    (abort,) = study.messages(0, MessageKind.ABORT, Abort)
    assert abort.body.rule == gate
    assert study.row(0).commitment == b""
    assert not list((study.transcript / "rounds" / "000000").glob("aggregate*"))
    study.close(0)

    following = study.is_open(1)
    assert following.body.cohort == spec.body.cohort  # no other set may follow an endorsed one
    sent = [study.world.seal(following, name) for name in following.body.cohort]
    for one in sent:
        study.send(one)
    assert study.carry(1) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(1), total_of(sent))
    study.close(1)
    report = verify(study.transcript, study.world.people.manifest.digest, Level.ENTITLED)
    assert not report.failed


def test_a_value_that_no_honest_cohort_could_reach_ends_the_round_by_the_range_gate(
    study: ServedStudy,
) -> None:
    spec = study.is_open(0)
    sent = sent_by_others(study, spec)
    reached = int(total_of(sent)[0])
    beyond = bound_of(study.world, len(spec.body.cohort)) + 1 - reached
    study.send(poisoned(study.world, spec, SPOILER, beyond))

    with capture_logs() as log:
        assert study.carry(0) is AggregatorState.ABORTED

    assert [line["rule"] for line in log if line["event"] == "round-aborted"] == ["range-gate"]


def test_the_limit_a_poisoned_value_that_an_honest_cohort_could_reach_is_summed(
    study: ServedStudy,
) -> None:
    """No gate sees it: sealed vectors look alike, and SECURITY.md says so."""
    spec = study.is_open(0)
    sent = sent_by_others(study, spec)
    within = bound_of(study.world, len(spec.body.cohort)) - int(total_of(sent)[0])
    assert within > study.world.study.weighted_codec.coordinate_bound
    sent.append(poisoned(study.world, spec, SPOILER, within))
    study.send(sent[-1])

    assert study.carry(0) is AggregatorState.PUBLISHED

    assert np.array_equal(study.opened(0), total_of(sent))


# ---- disjoint groups of one version localise the garbage


def quota_of_three() -> Schedule:
    return Schedule(
        max_rounds=8,
        accept_seconds=60,
        contribute_seconds=600,
        release_seconds=300,
        pause_seconds=0,
        quota=3,
    )


def test_of_two_disjoint_groups_of_one_version_the_good_half_opens(
    make_study: Callable[..., ServedStudy],
) -> None:
    study = make_study(schedule=quota_of_three())
    world, spec = study.world, study.is_open(0)
    first_half, good_half = world.clients[:3], world.clients[3:]
    for one in (
        garbage(world, spec, SPOILER),
        world.seal(spec, first_half[1]),
        world.seal(spec, first_half[2]),
    ):
        study.send(one)
    assert study.carry(0) is AggregatorState.ABORTED
    study.close(0)

    following = study.is_open(1)
    assert following.body.cohort == good_half
    assert following.body.model_version == spec.body.model_version
    sent = [world.seal(following, name) for name in good_half]
    for one in sent:
        study.send(one)

    assert study.carry(1) is AggregatorState.PUBLISHED
    assert np.array_equal(study.opened(1), total_of(sent))
    study.close(1)
    report = verify(study.transcript, world.people.manifest.digest, Level.ENTITLED)
    assert not report.failed


# ---- negative control: the gates switched off


@pytest.fixture
def no_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off: everything that opens passes the gates before it is given out."""
    monkeypatch.setattr(ckks_opening.Opening, "_check", lambda *_: None)
    monkeypatch.setattr(Secrets, "check", lambda *_: None)
    monkeypatch.setattr(Gates, "opened", lambda gates: gates._values)


@pytest.mark.usefixtures("no_gates")
@pytest.mark.parametrize("sealing_of", [under_other_seeds, under_other_seeds_but_true_words])
def test_the_control_without_gates_a_wrong_sum_is_published_and_certified(
    study: ServedStudy, sealing_of: Sealing
) -> None:
    spec = study.is_open(0)
    sent = sent_by_others(study, spec)
    spoilt = garbage(study.world, spec, SPOILER, sealing_of)
    study.send(spoilt)

    assert study.carry(0) is AggregatorState.PUBLISHED

    assert not np.array_equal(study.opened(0), total_of([*sent, spoilt]))
    assert not np.array_equal(study.opened(0), total_of(sent))
    assert len(study.messages(0, MessageKind.CERTIFICATE, Certificate)) == 1
