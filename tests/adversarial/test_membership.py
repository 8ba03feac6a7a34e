"""Threat T18: whoever reads the aggregates infers whether a record took part.

A canary audit (Jagielski, Ullman and Oprea, NeurIPS 2020; Nasr et al., USENIX Security 2023): the
same study is run many times with a canary record and without it, and the best attack that there is
on a noisy sum, a threshold on what the aggregates have in common with the canary, decides which it
was. How well it does is a lower bound of epsilon, with Clopper and Pearson's confidence, and it
must stay below the epsilon that the plan prints. The attacker is the worst that is accounted for:
it is the aggregator with one hospital, whose noise it takes off, and knows every other record.

A lower bound below the promise proves no promise; one above it would disprove it, as the controls
show: with a quarter of the noise, or none, the same audit says so.
"""

from collections.abc import Callable
from dataclasses import replace
from math import log
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import beta  # type: ignore[import-untyped]
from tests.integration.noise_check import broken, statements

from blindsum_crypto.randomness import Randomness, SeededRandomness
from blindsum_rules.codec.parameters import FINE_BITS
from blindsum_rules.codec.rounding import round_stochastically
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.units import encode_units, sum_units
from blindsum_rules.privacy.derivation import plan_for_epsilon
from blindsum_rules.privacy.effective_noise import Cohort
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw
from blindsum_rules.privacy.plan import Plan
from blindsum_rules.privacy.setting import Setting

pytestmark = pytest.mark.slow

HOSPITALS: Final = 4
HONEST: Final = HOSPITALS - 1
ROUNDS: Final = 3
SIZE: Final = 12
CLIP_NORM: Final = 0.5
TRIALS: Final = 2_000
"""Studies with the canary, and as many without."""

CONFIDENCE: Final = 0.99

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Encode = Callable[[Floats, UnitCodec, Randomness], Integers]

CANARY: Final = np.full((1, SIZE), 3.0)
"""Much longer than C, so that it is clipped to all the influence that a record may have."""

OTHERS: Final = 0.2 * np.sin(np.arange(HONEST * 2 * SIZE, dtype=np.float64)).reshape(
    HONEST, 2, SIZE
)


def plan_of(epsilon: float, mechanism: Mechanism) -> Plan:
    setting = Setting(
        cohort=Cohort((1,) * HOSPITALS, HOSPITALS, HOSPITALS),
        dimension=SIZE,
        rounds=ROUNDS,
        delta=1e-5,
        units_per_client=3,
        mechanism=mechanism,
    )
    return plan_for_epsilon(setting, epsilon)


def with_noise(units: Floats, codec: UnitCodec, randomness: Randomness) -> Integers:
    return encode_units([units], codec, randomness)[0]


def without_noise(units: Floats, codec: UnitCodec, randomness: Randomness) -> Integers:
    return round_stochastically(sum_units([units], codec)[0], randomness)


def scores(codec: UnitCodec, encode: Encode, randomness: Randomness) -> tuple[Floats, Floats]:
    """What the attacker computes from the aggregates of each study: with the canary, and without.

    Without it a record of zeros stands in its place, which is what zero-out compares.
    """
    direction = sum_units([CANARY], codec)[0] / float(codec.levels << FINE_BITS)
    known = sum(sum_units([others], codec)[0] for others in OTHERS) / float(1 << FINE_BITS)

    def score(record: Floats) -> float:
        first = np.vstack([OTHERS[0], record])
        sums = [
            np.sum(
                [encode(units, codec, randomness) for units in (first, *OTHERS[1:])],
                axis=0,
            )
            for _ in range(ROUNDS)
        ]
        return float(sum((one - known) @ direction for one in sums))

    present = [score(CANARY) for _ in range(TRIALS)]
    absent = [score(np.zeros_like(CANARY)) for _ in range(TRIALS)]
    return np.array(present), np.array(absent)


def at_least(hits: int, trials: int) -> float:
    """Below a true rate but for half of what is left of `CONFIDENCE` (Clopper and Pearson 1934)."""
    return float(beta.ppf((1 - CONFIDENCE) / 2, hits, trials - hits + 1)) if hits else 0.0


def at_most(hits: int, trials: int) -> float:
    return 1 - at_least(trials - hits, trials)


def bound_at(threshold: float, present: Floats, absent: Floats, delta: float) -> float:
    """The epsilon that this threshold's two error rates leave possible, at least."""
    told, falsely = int((present > threshold).sum()), int((absent > threshold).sum())
    missed, rightly = present.size - told, absent.size - falsely
    bounds = [
        (at_least(told, present.size) - delta, at_most(falsely, absent.size)),
        (at_least(rightly, absent.size) - delta, at_most(missed, present.size)),
    ]
    return max(log(high / low) if high > low else 0.0 for high, low in bounds)


def audited_epsilon(present: Floats, absent: Floats, delta: float) -> float:
    """A lower bound of epsilon: the threshold from half of the trials, its rates from the others.

    So the choice of the threshold costs no confidence.
    """
    half = TRIALS // 2
    candidates = np.quantile(
        np.concatenate([present[:half], absent[:half]]), np.arange(0, 1, 0.005)
    )
    best = max(candidates, key=lambda one: bound_at(one, present[:half], absent[:half], delta))
    return bound_at(float(best), present[half:], absent[half:], delta)


@pytest.mark.parametrize("mechanism", Mechanism)
@pytest.mark.parametrize("epsilon", [1.0, 3.0])
def test_the_best_attack_on_a_canary_stays_below_the_stated_epsilon(
    epsilon: float, mechanism: Mechanism
) -> None:
    plan = plan_of(epsilon, mechanism)
    promise = plan.guarantee

    audited = audited_epsilon(
        *scores(UnitCodec.of_plan(plan, CLIP_NORM), with_noise, SeededRandomness(b"T18 honest")),
        promise.delta,
    )

    assert promise.epsilon <= epsilon
    assert audited < promise.epsilon


@pytest.mark.parametrize("epsilon", [1.0, 3.0])
def test_the_control_that_a_quarter_of_the_deviation_breaks_the_promise(epsilon: float) -> None:
    plan = plan_of(epsilon, Mechanism.SKELLAM)
    codec = UnitCodec.of_plan(plan, CLIP_NORM)
    quiet = replace(codec, share=replace(codec.share, variance=codec.share.variance // 16))

    audited = audited_epsilon(
        *scores(quiet, with_noise, SeededRandomness(b"T18 a quarter")), plan.guarantee.delta
    )

    assert audited > plan.guarantee.epsilon


def test_the_control_that_without_noise_the_canary_is_always_told() -> None:
    plan = plan_of(3.0, Mechanism.SKELLAM)
    codec = UnitCodec.of_plan(plan, CLIP_NORM)

    present, absent = scores(codec, without_noise, SeededRandomness(b"T18 no noise"))

    assert present.min() > absent.max()
    assert audited_epsilon(present, absent, plan.guarantee.delta) > plan.guarantee.epsilon


def test_the_audits_confidence_is_clopper_and_pearsons() -> None:
    """Known answers: their interval of 0 and of 5 of 10, at 99 %."""
    assert at_most(0, 1_000) == pytest.approx(1 - 0.005 ** (1 / 1_000))
    assert at_least(0, 1_000) == 0.0
    assert (at_least(5, 10), at_most(5, 10)) == pytest.approx((0.1283, 0.8717), abs=1e-4)


# ---- an update of zeros shows the noise and nothing else


ZERO_CODEC: Final = UnitCodec(
    clip_norm=CLIP_NORM,
    dimension=10**5,
    levels=1024,
    units_per_client=1,
    share=NoiseLaw(Mechanism.SKELLAM, 2500),
)


def zero_sum(omitting: int = 0) -> Integers:
    """The sum of four hospitals whose records are all zeros; some of them omit their noise."""
    zeros, randomness = np.zeros((1, ZERO_CODEC.dimension)), SeededRandomness(b"T18 zeros")
    encoders = [without_noise] * omitting + [with_noise] * (HOSPITALS - omitting)
    total: Integers = np.sum([encode(zeros, ZERO_CODEC, randomness) for encode in encoders], axis=0)
    return total


def test_a_sum_of_zeros_is_noise_of_all_shares_and_nothing_else() -> None:
    said = statements([zero_sum()], HOSPITALS * ZERO_CODEC.share.variance)

    assert [one for one in said if not one.holds] == []


def test_the_control_that_one_hospital_without_noise_shows_in_a_sum_of_zeros() -> None:
    found = broken([zero_sum(omitting=1)], HOSPITALS * ZERO_CODEC.share.variance)

    assert "variance of round 0" in found
