"""What is asked of `blindsum bench`, and who stays away."""

import pytest

from blindsum_cli.bench.scenario import Scenario
from blindsum_crypto.errors import Refused


def scenario(clients: int, dropout: float, bits: int = 12) -> Scenario:
    return Scenario(clients=clients, values=10, bits=bits, dropout=dropout)


def test_those_who_stay_away_are_spread_over_the_cohort() -> None:
    asked = scenario(10, 0.35)

    assert asked.dropped == 3
    assert asked.survivors == 7
    assert asked.absent() == {"client-0000000", "client-0000003", "client-0000006"}


def test_nobody_stays_away_unless_asked() -> None:
    assert scenario(5, 0.0).absent() == frozenset()


@pytest.mark.parametrize(("clients", "dropout"), [(2, 0.5), (10, 0.9), (100, 0.99)])
def test_fewer_than_two_survivors_are_refused(clients: int, dropout: float) -> None:
    with pytest.raises(Refused) as caught:
        scenario(clients, dropout)

    assert caught.value.rule == "bench-survivors"


@pytest.mark.parametrize("bits", [3, 12, 19])
def test_the_codec_sends_integers_of_exactly_the_stated_bits(bits: int) -> None:
    assert scenario(2, 0.0, bits).codec.coordinate_bound == 2 ** (bits - 1) - 1


def test_masking_takes_a_thousand_clients_and_not_one_more() -> None:
    scenario(1_000, 0.0).check_seal("masking")

    with pytest.raises(Refused) as caught:
        scenario(1_001, 0.0).check_seal("masking")

    assert caught.value.rule == "masking-cohort"
    scenario(1_001, 0.0).check_seal("ckks")
