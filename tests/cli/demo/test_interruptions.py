"""What goes wrong in the demo on purpose, for every length of a study."""

import pytest

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.hospital import NOBODY_HELD
from blindsum_cli.demo.interruptions import FEWEST_ROUNDS, plan
from blindsum_cli.demo.places import custodian_of
from blindsum_cli.demo.study_setup import MIN_COHORT, QUORUM

LENGTHS = range(FEWEST_ROUNDS, 40)


@pytest.mark.parametrize("rounds", LENGTHS)
def test_the_hospital_is_killed_away_and_back_within_the_study(rounds: int) -> None:
    chosen = plan(rounds)

    assert chosen.killed_in >= 0
    assert chosen.killed_in + 1 < chosen.back_in < rounds
    assert 0 <= chosen.custodian_away_in < rounds


@pytest.mark.parametrize("rounds", LENGTHS)
def test_never_so_many_are_away_that_a_round_could_not_end(rounds: int) -> None:
    chosen = plan(rounds)

    for number in range(rounds):
        away = number in {chosen.killed_in, chosen.killed_in + 1}
        assert len(HOSPITALS) - away >= MIN_COHORT
        assert len(chosen.attending(number)) >= QUORUM


def test_one_hospital_is_held_and_one_custodian_misses_one_round() -> None:
    chosen = plan(12)

    held = [hospital for hospital in HOSPITALS if chosen.held_round(hospital) != NOBODY_HELD]
    assert held == [chosen.hospital]
    missing = [
        number
        for number in range(12)
        if custodian_of(chosen.custodian_in) not in chosen.attending(number)
    ]
    assert missing == [chosen.custodian_away_in]


def test_every_disturbed_round_says_so_and_no_other_does() -> None:
    for rounds in LENGTHS:
        chosen = plan(rounds)
        disturbed = {
            chosen.killed_in,
            chosen.killed_in + 1,
            chosen.back_in,
            chosen.custodian_away_in,
        }
        assert {number for number in range(rounds) if chosen.in_words(number)} == disturbed


def test_a_round_with_two_remarks_says_both() -> None:
    chosen = plan(FEWEST_ROUNDS)

    assert chosen.back_in == chosen.custodian_away_in
    assert "is back" in chosen.in_words(chosen.back_in)
    assert "is away" in chosen.in_words(chosen.back_in)
