"""What goes wrong in the demo on purpose, for every length of a study."""

import pytest

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.hospital import NOBODY_HELD
from blindsum_cli.demo.interruptions import FEWEST_ROUNDS, plan
from blindsum_cli.demo.places import custodian_of
from blindsum_cli.demo.study_text import MIN_COHORT, QUORUM

LENGTHS = range(FEWEST_ROUNDS, 40)
EACH_IN_A_ROUND_OF_ITS_OWN = 5


@pytest.mark.parametrize("rounds", LENGTHS)
def test_everything_that_goes_wrong_does_so_within_the_study(rounds: int) -> None:
    chosen = plan(rounds)

    assert chosen.killed_in >= 0
    assert chosen.killed_in + 1 < chosen.back_in < rounds
    assert 0 <= chosen.custodian_away_in < rounds
    assert 0 <= chosen.late_in < rounds


@pytest.mark.parametrize("rounds", LENGTHS)
def test_never_so_many_are_away_that_a_round_could_not_end(rounds: int) -> None:
    chosen = plan(rounds)

    for number in range(rounds):
        assert len(HOSPITALS) - len(chosen.absent(number)) >= MIN_COHORT
        assert len(chosen.attending(number)) >= QUORUM


@pytest.mark.parametrize("rounds", range(EACH_IN_A_ROUND_OF_ITS_OWN, 40))
def test_each_interruption_has_a_round_of_its_own_where_there_are_enough(rounds: int) -> None:
    chosen = plan(rounds)

    numbers = {chosen.killed_in, chosen.back_in, chosen.custodian_away_in, chosen.late_in}
    assert len(numbers) == 4


def test_who_is_killed_misses_two_rounds_and_who_is_late_one() -> None:
    chosen = plan(12)

    absent = {number: chosen.absent(number) for number in range(12) if chosen.absent(number)}
    assert absent == {
        chosen.killed_in: {chosen.killed},
        chosen.killed_in + 1: {chosen.killed},
        chosen.late_in: {chosen.late},
    }


def test_two_hospitals_are_held_and_one_custodian_misses_one_round() -> None:
    chosen = plan(12)

    held = {one: chosen.held_round(one) for one in HOSPITALS}
    assert {one for one, number in held.items() if number != NOBODY_HELD} == {
        chosen.killed,
        chosen.late,
    }
    assert held[chosen.killed] == chosen.killed_in
    assert held[chosen.late] == chosen.late_in
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
            chosen.late_in,
        }
        assert {number for number in range(rounds) if chosen.in_words(number)} == disturbed


def test_a_round_with_three_remarks_says_all_of_them() -> None:
    chosen = plan(FEWEST_ROUNDS)

    assert chosen.back_in == chosen.custodian_away_in == chosen.late_in
    for words in ("is back", "is away", "was late"):
        assert words in chosen.in_words(chosen.back_in)
