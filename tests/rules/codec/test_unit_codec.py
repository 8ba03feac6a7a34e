"""The private codec's numbers: its plan's, within what stays exact, and asked when a site joins."""

import math
from typing import Any

import numpy as np
import pytest
from tests.rules.codec.given_randomness import Given

from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.parameters import FINE_BITS, MAX_LEVELS
from blindsum_rules.codec.rounding import round_stochastically
from blindsum_rules.codec.unit_codec import UnitCodec
from blindsum_rules.codec.units import encode_units
from blindsum_rules.privacy.derivation import plan_for_noise
from blindsum_rules.privacy.effective_noise import evenly
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw, noise_table
from blindsum_rules.privacy.setting import MAX_DIMENSION, MAX_UNITS, Setting

NUMBERS: dict[str, Any] = {
    "clip_norm": 1.0,
    "dimension": 8,
    "levels": 4096,
    "units_per_client": 50,
    "share": NoiseLaw(Mechanism.SKELLAM, 100),
}


def codec(**changes: Any) -> UnitCodec:  # noqa: ANN401 - any of its numbers
    return UnitCodec(**(NUMBERS | changes))


@pytest.mark.parametrize("units", [0, 1, 50])
def test_a_site_with_as_many_units_as_agreed_may_join(units: int) -> None:
    codec().check_units(units)


def test_a_site_with_more_units_than_agreed_is_refused_when_it_joins() -> None:
    with pytest.raises(Refused) as caught:
        codec().check_units(51)
    assert caught.value.rule == "units-per-client"
    assert "51" not in str(caught.value), "how many records a site holds is its own affair"


def test_the_worst_sum_that_is_permitted_stays_exact_in_64_bits() -> None:
    largest = codec(levels=MAX_LEVELS, units_per_client=MAX_UNITS)
    worst = largest.units_per_client * (largest.levels << FINE_BITS)
    assert worst + (1 << FINE_BITS) <= 1 << 61
    edge = np.array([worst, -worst], np.int64)
    for theta in (0, (1 << FINE_BITS) - 1):
        rounded = round_stochastically(edge, Given([theta] * 2))
        bound = MAX_UNITS * MAX_LEVELS
        assert rounded.tolist() == [(worst + theta) >> FINE_BITS, (theta - worst) >> FINE_BITS]
        assert int(np.abs(rounded).max()) == bound < largest.coordinate_bound


@pytest.mark.parametrize("mechanism", list(Mechanism))
def test_the_codec_of_a_plan_has_its_numbers_and_its_bound(mechanism: Mechanism) -> None:
    cohort = evenly(clients=5, organisations=5, min_cohort=4)
    setting = Setting(
        cohort=cohort,
        dimension=25,
        rounds=20,
        delta=1e-5,
        units_per_client=300,
        mechanism=mechanism,
    )
    plan = plan_for_noise(setting, 4.0)
    private = UnitCodec.of_plan(plan, 0.5)
    sent, _ = encode_units([np.full((400, 25), 1e9)], private, SeededRandomness(b"plan"))
    most = plan.coordinate_bound + noise_table(plan.share).largest
    assert private == UnitCodec(
        clip_norm=0.5,
        dimension=25,
        levels=plan.levels,
        units_per_client=300,
        share=plan.share,
    )
    assert private.coordinate_bound == plan.coordinate_bound
    assert int(np.abs(sent).max()) <= most
    assert plan.worst_sum + plan.noise_tail < 1 << (plan.field_bits - 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"clip_norm": 0.0},
        {"clip_norm": -1.0},
        {"clip_norm": math.nan},
        {"clip_norm": math.inf},
        {"dimension": 0},
        {"dimension": MAX_DIMENSION + 1},
        {"levels": 0},
        {"levels": MAX_LEVELS + 1},
        {"levels": 4096.0},
        {"units_per_client": 0},
        {"units_per_client": MAX_UNITS + 1},
        {"units_per_client": True},
    ],
    ids=str,
)
def test_numbers_that_could_overflow_or_cannot_be_meant_are_refused(
    changes: dict[str, Any],
) -> None:
    with pytest.raises(Refused) as caught:
        codec(**changes)
    assert caught.value.rule == "unit-codec"
