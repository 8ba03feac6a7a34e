"""Whose noise counts: the formula against every sum that a small cohort permits."""

from fractions import Fraction
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.effective_noise import Cohort, evenly, honest_shares_in

SMALL_COHORTS = st.lists(st.integers(1, 3), min_size=1, max_size=4).flatmap(
    lambda sizes: st.builds(
        Cohort,
        st.just(tuple(sizes)),
        st.integers(1, sum(sizes)),
        st.integers(1, len(sizes)),
    )
)


def every_permitted_sum(cohort: Cohort) -> list[tuple[int, ...]]:
    """How many members each organisation has, over every sum that both floors permit."""
    sums = product(*(range(size + 1) for size in cohort.clients_by_organisation))
    return [
        members
        for members in sums
        if sum(members) >= cohort.min_cohort
        and sum(1 for held in members if held) >= cohort.min_organisations
    ]


@given(SMALL_COHORTS, st.integers(1, 4))
def test_no_permitted_sum_and_no_choice_of_colluders_leaves_fewer_shares(
    cohort: Cohort, colluders: int
) -> None:
    colluders = min(colluders, cohort.organisations)
    fewest = min(
        sum(members) - sum(members[one] for one in corrupt)
        for members in every_permitted_sum(cohort)
        for corrupt in combinations(range(cohort.organisations), colluders)
    )

    if fewest == 0:
        with pytest.raises(Refused) as caught:
            cohort.honest_shares(colluders)
        assert caught.value.rule == "privacy-no-honest-noise"
    else:
        assert cohort.honest_shares(colluders) == fewest


@given(SMALL_COHORTS, st.integers(1, 3), st.integers(2, 4))
def test_no_permitted_sum_falls_further_before_more_colluders(
    cohort: Cohort, colluders: int, more: int
) -> None:
    if not colluders < more <= cohort.most_colluders:
        return
    fallen = max(
        Fraction(honest_shares_in(members, colluders), honest_shares_in(members, more))
        for members in every_permitted_sum(cohort)
    )

    found = Fraction(cohort.shares_beside(colluders, more), cohort.honest_shares(more))
    assert found == fallen


@given(SMALL_COHORTS)
def test_one_more_than_the_most_colluders_leave_no_noise(cohort: Cohort) -> None:
    most = cohort.most_colluders

    if most:
        assert cohort.honest_shares(most) >= 1
    with pytest.raises(Refused) as caught:
        cohort.honest_shares(most + 1)
    assert caught.value.rule == "privacy-no-honest-noise"


@given(SMALL_COHORTS)
def test_every_permitted_sum_has_at_least_the_shares_of_the_plan(cohort: Cohort) -> None:
    try:
        planned = cohort.honest_shares(1)
    except Refused:
        return

    assert min(honest_shares_in(members, 1) for members in every_permitted_sum(cohort)) == planned


def test_four_hospitals_of_which_three_suffice_keep_two_shares() -> None:
    assert evenly(4, 4, 3).honest_shares(1) == 2
    assert evenly(4, 4, 3).honest_shares(2) == 1
    assert evenly(4, 4, 4).honest_shares(1) == 3


def test_a_floor_on_organisations_keeps_shares_that_a_floor_on_clients_does_not() -> None:
    cohort = Cohort((10, 1, 1), 3)

    with pytest.raises(Refused) as caught:
        cohort.honest_shares(1)
    assert caught.value.rule == "privacy-no-honest-noise"
    assert Cohort((10, 1, 1), 3, 3).honest_shares(1) == 2


def test_clients_are_spread_evenly_over_organisations() -> None:
    assert evenly(10, 4, 3).clients_by_organisation == (3, 3, 2, 2)
    assert evenly(10, 4, 3).clients == 10


@pytest.mark.parametrize("colluders", [0, -1])
def test_no_colluder_at_all_is_refused(colluders: int) -> None:
    for shares_of in (evenly(4, 4, 3).honest_shares, lambda c: honest_shares_in((1, 1), c)):
        with pytest.raises(Refused) as caught:
            shares_of(colluders)
        assert caught.value.rule == "privacy-colluders"


def test_a_frozen_sum_that_only_colluders_contributed_to_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        honest_shares_in((3, 0, 0), 1)
    assert caught.value.rule == "privacy-no-honest-noise"


@pytest.mark.parametrize(
    ("sizes", "min_cohort", "min_organisations"),
    [((), 1, 1), ((1, 0), 1, 1), ((2, 2), 0, 1), ((2, 2), 5, 1), ((2, 2), 2, 0), ((2, 2), 2, 3)],
)
def test_a_cohort_that_cannot_be_is_refused(
    sizes: tuple[int, ...], min_cohort: int, min_organisations: int
) -> None:
    with pytest.raises(Refused) as caught:
        Cohort(sizes, min_cohort, min_organisations)
    assert caught.value.rule == "privacy-cohort"


@pytest.mark.parametrize("organisations", [0, 5])
def test_more_organisations_than_clients_are_refused(organisations: int) -> None:
    with pytest.raises(Refused) as caught:
        evenly(4, organisations, 2)
    assert caught.value.rule == "privacy-cohort"
