"""Whom the aggregator invites after a set that must be equalled or avoided."""

import pytest
from tests.aggregator.cast import build_cast

from blindsum_aggregator.cohort import choose_cohort
from blindsum_crypto.errors import Refused
from blindsum_rules.differencing import EarlierFreeze

CAST = build_cast(clients=6, min_cohort=3, min_organisations=2)
MANIFEST = CAST.manifest


def earlier(*sets: tuple[int, ...]) -> list[EarlierFreeze]:
    return [
        EarlierFreeze(
            number, 0, bytes([number]) * 32, frozenset(CAST.clients[one] for one in chosen)
        )
        for number, chosen in enumerate(sets)
    ]


def test_everybody_is_invited_when_nothing_binds() -> None:
    assert choose_cohort(MANIFEST, CAST.clients, [], 0, repeat_first=False) == CAST.clients


def test_clients_that_stood_in_no_earlier_set_are_invited_if_they_suffice() -> None:
    cohort = choose_cohort(MANIFEST, CAST.clients, earlier((0, 1, 2)), 1, repeat_first=False)

    assert cohort == CAST.clients[3:]


def test_exactly_the_earlier_set_is_invited_when_the_others_are_too_few() -> None:
    cohort = choose_cohort(MANIFEST, CAST.clients, earlier((0, 1, 2, 3)), 1, repeat_first=False)

    assert cohort == CAST.clients[:4]


def test_a_set_that_went_well_is_repeated_first() -> None:
    cohort = choose_cohort(MANIFEST, CAST.clients, earlier((0, 1, 2)), 1, repeat_first=True)

    assert cohort == CAST.clients[:3]


def test_several_earlier_sets_take_turns() -> None:
    sets = earlier((0, 1, 2), (3, 4, 5))

    cohorts = [
        choose_cohort(MANIFEST, CAST.clients, sets, number, repeat_first=False) for number in (2, 3)
    ]

    assert cohorts == [CAST.clients[:3], CAST.clients[3:]]


def test_who_cannot_afford_a_round_is_not_invited() -> None:
    assert choose_cohort(MANIFEST, CAST.clients[1:], [], 0, repeat_first=False) == CAST.clients[1:]


def test_a_set_that_an_exception_made_overlap_another_is_not_repeated() -> None:
    apart = earlier((0, 1, 2), (0, 1), (3, 4, 5))

    cohort = choose_cohort(MANIFEST, CAST.clients, apart, 3, repeat_first=True)

    assert cohort == CAST.clients[3:]


def test_clients_outside_of_overlapping_sets_are_invited_even_after_one_that_went_well() -> None:
    overlapping = earlier((0, 1, 2), (1, 2))

    cohort = choose_cohort(MANIFEST, CAST.clients, overlapping, 2, repeat_first=True)

    assert cohort == CAST.clients[3:]


def test_with_overlapping_sets_and_nobody_else_no_round_is_opened_without_an_exception() -> None:
    overlapping = earlier((0, 1, 2, 3, 4, 5), (1, 2, 3, 4, 5))

    with pytest.raises(Refused) as caught:
        choose_cohort(MANIFEST, CAST.clients, overlapping, 2, repeat_first=False)

    assert caught.value.rule == "no-differencing"
