"""Groups: each summed in a round of its own, in order, each with the study's floors."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rules.conftest import SmallStudy, build_study

from blindsum_crypto.errors import Refused
from blindsum_rules.groups import (
    clients_of_group,
    following_group,
    group_count,
    in_groups,
    largest_group,
    sum_of_groups,
)
from blindsum_rules.manifest import EnrolledClient
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.seal_parameters import seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.sparsity import Sparsity, SparsityRule
from blindsum_rules.spec import PreviousRound, Spec
from blindsum_rules.spec_checks import check_spec
from blindsum_rules.succession import check_first, check_succession

GROUPS = 2


@pytest.fixture(scope="module")
def grouped() -> SmallStudy:
    """Eight clients under the seal masking, dealt into two groups of four."""
    study = build_study(4, 2, 3, 8)
    return study.with_manifest(seals=("masking",), clients=in_groups(study.body.clients, GROUPS))


def names(study: SmallStudy, group: int) -> tuple[str, ...]:
    return tuple(client.name for client in clients_of_group(study.body, group))


def first(study: SmallStudy) -> Signed[Spec]:
    return study.spec(cohort=names(study, 0))


def after(
    study: SmallStudy, before: Signed[Spec], *, group: int, published: bool, grown: bool = False
) -> Signed[Spec]:
    """The next spec, of a group, after a published round or one that came to nothing."""
    freeze = study.freeze(before, before.body.cohort) if published else None
    spec = study.spec_after(before, freeze, cohort=names(study, group), group=group)
    if published and not grown:
        changes: dict[str, Any] = {
            "model_version": before.body.model_version,
            "model_digest": before.body.model_digest,
        }
        spec = study.sign(replace(spec.body, **changes), "aggregator")
    return spec


def test_clients_are_dealt_into_groups_that_differ_by_one_at_most() -> None:
    clients = [EnrolledClient(f"c{n:02}", f"org-{n % 3}", b"", b"") for n in range(11)]

    dealt = in_groups(clients, 3)

    assert [client.name for client in dealt] == [client.name for client in clients]
    sizes = [sum(client.group == group for client in dealt) for group in range(3)]
    assert sorted(sizes) == [3, 4, 4]
    for group in range(3):
        assert {one.organisation for one in dealt if one.group == group} == {
            "org-0",
            "org-1",
            "org-2",
        }


def test_a_study_in_groups_has_parameters_for_its_largest_group(grouped: SmallStudy) -> None:
    check_manifest(grouped.body)

    assert group_count(grouped.body) == GROUPS
    assert largest_group(grouped.body) == 4
    spec = first(grouped)
    assert spec.body.parameters == seal_parameters(grouped.body, "masking", 4)
    check_spec(spec, grouped.amended, grouped.now)
    check_first(spec, grouped.amended)


REFUSED: list[tuple[str, Callable[[SmallStudy], dict[str, Any]]]] = [
    ("groups-seal", lambda _: {"seals": ("ckks",)}),
    ("groups-floors", lambda _: {"min_cohort": 5}),
    ("groups-floors", lambda study: {"schedule": replace(study.body.schedule, quota=5)}),
    ("groups-floors", lambda _: {"min_organisations": 5}),
    ("groups", lambda study: {"clients": (*study.body.clients[:-1], _far(study))}),
    ("groups-sparsity", lambda _: {"sparsity": Sparsity(SparsityRule.RANDOM_K, 3)}),
]


def _far(study: SmallStudy) -> EnrolledClient:
    return replace(study.body.clients[-1], group=(1 << 32) - 1)


@pytest.mark.parametrize(("rule", "changes"), REFUSED)
def test_a_split_that_no_round_could_hold_is_refused(
    rule: str, changes: Callable[[SmallStudy], dict[str, Any]], grouped: SmallStudy
) -> None:
    with pytest.raises(Refused) as caught:
        check_manifest(replace(grouped.body, **changes(grouped)))
    assert caught.value.rule == rule


def test_a_round_invites_clients_of_its_own_group_alone(grouped: SmallStudy) -> None:
    mixed = tuple(sorted((*names(grouped, 0)[:3], names(grouped, 1)[0])))
    for changes, rule in (
        ({"cohort": mixed}, "spec-cohort"),
        ({"cohort": names(grouped, 1)}, "spec-cohort"),
        ({"cohort": names(grouped, 0), "group": GROUPS}, "spec-group"),
    ):
        with pytest.raises(Refused) as caught:
            check_spec(grouped.spec(**changes), grouped.amended, grouped.now)
        assert caught.value.rule == rule


def test_a_study_begins_with_its_first_group(grouped: SmallStudy) -> None:
    with pytest.raises(Refused) as caught:
        check_first(grouped.spec(cohort=names(grouped, 1), group=1), grouped.amended)
    assert caught.value.rule == "spec-group"


def test_the_version_grows_once_every_group_has_a_sum(grouped: SmallStudy) -> None:
    zero = first(grouped)
    one = after(grouped, zero, group=1, published=True)
    again = after(grouped, one, group=1, published=False)
    grown = after(grouped, again, group=0, published=True, grown=True)

    for spec, before in ((one, zero), (again, one), (grown, again)):
        check_succession(spec, before, grouped.amended)
    assert grown.body.model_version == 1


def test_a_group_is_neither_passed_over_nor_summed_again(grouped: SmallStudy) -> None:
    zero = first(grouped)
    one = after(grouped, zero, group=1, published=True)
    for before, group, published in ((zero, 0, True), (zero, 1, False), (one, 0, False)):
        with pytest.raises(Refused) as caught:
            check_succession(
                after(grouped, before, group=group, published=published), before, grouped.amended
            )
        assert caught.value.rule == "spec-group"


def test_the_version_does_not_grow_before_the_last_group(grouped: SmallStudy) -> None:
    zero = first(grouped)
    early = after(grouped, zero, group=1, published=True, grown=True)

    with pytest.raises(Refused) as caught:
        check_succession(early, zero, grouped.amended)
    assert caught.value.rule == "model-version"


def test_a_group_is_passed_by_only_with_a_quorum_of_endorsements(grouped: SmallStudy) -> None:
    zero = first(grouped)
    one = after(grouped, zero, group=1, published=True)
    bare = grouped.sign(replace(one.body, endorsements=()), "aggregator")
    unfrozen = PreviousRound(zero.digest, b"", one.body.previous.aggregate_commitment)
    without_freeze = replace(one.body, previous=unfrozen, closes=grouped.closes(zero))

    for spec in (bare, grouped.sign(without_freeze, "aggregator")):
        with pytest.raises(Refused) as caught:
            check_succession(spec, zero, grouped.amended)
        assert caught.value.rule == "model-version-without-aggregate"


@given(st.integers(1, 9), st.lists(st.booleans(), max_size=40))
def test_every_group_is_published_equally_often_in_whole_versions(
    groups: int, published: list[bool]
) -> None:
    study = build_study(4, 2, 3, 8)
    counts, group = [0] * groups, 0
    for is_published in published:
        counts[group] += is_published
        before = replace(study.spec().body, group=group)
        group = following_group(before, groups, is_published=is_published)

    assert max(counts) - min(counts) <= 1
    assert group == sum(published) % groups


def test_sums_of_groups_add_up_value_by_value() -> None:
    rows = np.random.default_rng(7).integers(-(1 << 40), 1 << 40, (5, 300))

    assert np.array_equal(sum_of_groups(list(rows)), rows.sum(axis=0))
