"""Threat T5b: sums of many rounds of changing models are taken apart again (So et al. 2021).

Under every model version another set of clients is summed, which no rule against differencing
forbids: the models differ. But a client that goes on training changes little from round to round,
so a hundred sums are a hundred equations in a dozen unknowns, and least squares solve them (So,
Ali, Guler, Jiao and Avestimehr, "Securing Secure Aggregation: Mitigating Multi-Round Privacy
Leakage", arXiv 2106.03328). The seal opens nothing but sums and does not help here; noise does.

The attacker is the aggregator with one client: it knows who was in which sum, and its client's
vectors and noise, which it takes off.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.encoding import encode
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.units import encode_units
from blindsum_rules.differencing import EarlierFreeze, check_no_differencing
from blindsum_rules.manifest import DifferencingScope
from blindsum_rules.privacy.derivation import plan_for_epsilon
from blindsum_rules.privacy.effective_noise import Cohort
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.plan import Plan
from blindsum_rules.privacy.setting import Setting

ROUNDS: Final = 100
CLIENTS: Final = 12
MIN_COHORT: Final = 8
SIZE: Final = 64
CLIP_NORM: Final = 1.0
DRIFT: Final = 0.05
"""How far an update is from the client's usual one, over its norm."""

Floats = npt.NDArray[np.float64]
Sent = Callable[[Floats], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Course:
    """A hundred rounds: who took part, and what everybody's update was.

    Attributes:
        taking_part: 0 or 1, shape (rounds, clients).
        usual: What is to be recovered: norm C, independent directions, shape (clients, size).
        updates: Of every round, shape (rounds, clients, size).
    """

    taking_part: Floats
    usual: Floats
    updates: Floats


@pytest.fixture(scope="module")
def course() -> Course:
    draw = np.random.default_rng(20_211_006)
    taking_part = np.zeros((ROUNDS, CLIENTS))
    for row in taking_part:
        row[draw.permutation(CLIENTS)[: draw.integers(MIN_COHORT, CLIENTS + 1)]] = 1
    usual = directions(draw.standard_normal((CLIENTS, SIZE)))
    drift = DRIFT * directions(draw.standard_normal((ROUNDS, CLIENTS, SIZE)))
    return Course(taking_part, usual, CLIP_NORM * directions(usual + drift))


def directions(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit


def sums_without_noise(course: Course) -> Floats:
    """Every round's opened sum, by the codec of a study without noise, in the unit of updates."""
    codec = Codec(clip_norm=CLIP_NORM, levels=1 << 16, weight_cap=100, weight_scale=0.1)
    randomness = SeededRandomness(b"T5b without noise")

    def sent(update: Floats) -> npt.NDArray[np.int64]:
        return encode(update, 100, codec, randomness)[:-1]

    return summed(course, sent) * (codec.joint_norm / codec.levels)


def sums_with_noise(course: Course, codec: UnitCodec) -> Floats:
    """Every round's opened sum in a private study of the unit client, less what a colluder knows.

    The last client colludes: neither its vector nor its noise is in what is left.
    """
    randomness = SeededRandomness(b"T5b with noise")

    def sent(update: Floats) -> npt.NDArray[np.int64]:
        return encode_units([update[np.newaxis]], codec, randomness)[0]

    return summed(course, sent, colluders=1) * (codec.clip_norm / codec.levels)


def summed(course: Course, sent: Sent, colluders: int = 0) -> Floats:
    rounds = []
    for members, updates in zip(course.taking_part, course.updates, strict=True):
        honest = np.flatnonzero(members[: CLIENTS - colluders])
        rounds.append(np.sum([sent(updates[client]) for client in honest], axis=0))
    return np.array(rounds, np.float64)


def solved(taking_part: Floats, sums: Floats, ridge: float = 0.0) -> Floats:
    """The least squares' answer, or with a ridge that of whoever knows how long updates are."""
    normal = taking_part.T @ taking_part + ridge * np.eye(taking_part.shape[1])
    answer: Floats = np.linalg.solve(normal, taking_part.T @ sums).astype(np.float64)
    return answer


def error_over_prior(estimate: Floats, truth: Floats) -> Floats:
    """Of each client: |estimate - truth|^2 over |0 - truth|^2, the error of knowing nothing."""
    wrong: Floats = ((estimate - truth) ** 2).sum(axis=1) / (truth**2).sum(axis=1)
    return wrong


def plan_of(epsilon: float) -> Plan:
    setting = Setting(
        cohort=Cohort((1,) * CLIENTS, MIN_COHORT, MIN_COHORT),
        dimension=SIZE,
        rounds=ROUNDS,
        delta=1e-5,
        unit=Unit.CLIENT,
        allow_few_clients=True,
    )
    return plan_for_epsilon(setting, epsilon)


def estimates(course: Course, codec: UnitCodec) -> tuple[Floats, Floats]:
    """Both attacks' errors over the prior's, of each honest client: least squares, and ridge."""
    taking_part = course.taking_part[:, : CLIENTS - 1]
    truth: Floats = course.usual[: CLIENTS - 1]
    sums = sums_with_noise(course, codec)
    noise = taking_part.sum(axis=1).mean() * codec.share.variance / codec.levels**2
    ridge = noise / (CLIP_NORM**2 / SIZE)
    return (
        error_over_prior(solved(taking_part, sums), truth),
        error_over_prior(solved(taking_part, sums, ridge), truth),
    )


def test_the_rule_against_differencing_lets_these_rounds_through(course: Course) -> None:
    earlier: list[EarlierFreeze] = []
    for number, row in enumerate(course.taking_part):
        members = frozenset(f"client-{client}" for client in np.flatnonzero(row))
        check_no_differencing(members, number, earlier, DifferencingScope.VERSION, None, number)
        earlier.append(EarlierFreeze(number, number, bytes(32), members))

    assert len({freeze.clients for freeze in earlier}) > ROUNDS / 2


def test_the_rule_of_a_whole_study_would_refuse_the_second_round(course: Course) -> None:
    first, second = (
        frozenset(f"client-{client}" for client in np.flatnonzero(row))
        for row in course.taking_part[:2]
    )
    assert first != second
    earlier = [EarlierFreeze(0, 0, bytes(32), first)]

    with pytest.raises(Refused) as caught:
        check_no_differencing(second, 1, earlier, DifferencingScope.STUDY, None, 1)

    assert caught.value.rule == "no-differencing"


def test_without_noise_every_clients_update_is_recovered(course: Course) -> None:
    estimate = solved(course.taking_part, sums_without_noise(course))

    # The norm of the error is below 5 % of the update's: what the updates drift about anyway.
    assert error_over_prior(estimate, course.usual).max() < DRIFT**2


def test_fewer_rounds_than_clients_do_not_suffice(course: Course) -> None:
    """The attack needs time: that is why one study's short course may not show it."""
    few = course.taking_part[: CLIENTS - 1]
    sums = sums_without_noise(course)[: CLIENTS - 1]
    estimate: Floats = np.linalg.lstsq(few, sums, rcond=None)[0].astype(np.float64)

    assert error_over_prior(estimate, course.usual).max() > 0.05


@pytest.mark.parametrize("epsilon", [1.0, 3.0, 8.0])
def test_with_noise_at_the_studys_epsilon_it_does_no_better_than_the_prior(
    course: Course, epsilon: float
) -> None:
    plan = plan_of(epsilon)
    assert plan.guarantee.epsilon <= epsilon

    least_squares, ridge = estimates(course, UnitCodec.of_plan(plan, CLIP_NORM))

    assert least_squares.min() > 10
    assert ridge.mean() > 0.98
    assert ridge.min() > 0.9


def test_the_control_that_both_attacks_succeed_where_noise_is_too_small(course: Course) -> None:
    codec = UnitCodec.of_plan(plan_of(3.0), CLIP_NORM)
    quiet = replace(codec, share=replace(codec.share, variance=codec.share.variance // 10**6))

    least_squares, ridge = estimates(course, quiet)

    assert least_squares.max() < 0.05
    assert ridge.max() < 0.05
