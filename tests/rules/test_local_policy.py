"""A client's own floors beat the study's."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import Refused
from blindsum_rules.local_policy import ClientPolicy, check_manifest_against, check_spec_against

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy


def test_a_client_without_wishes_joins_a_study_of_three(study: "SmallStudy") -> None:
    check_manifest_against(ClientPolicy(), study.body)
    check_spec_against(ClientPolicy(), study.spec().body)


def test_the_default_floor_refuses_sums_of_two(study: "SmallStudy") -> None:
    with pytest.raises(Refused) as caught:
        check_manifest_against(ClientPolicy(), replace(study.body, min_cohort=2))
    assert caught.value.rule == "own-min-cohort"


@pytest.mark.parametrize(
    ("wishes", "rule"),
    [
        ({"min_cohort_floor": 4}, "own-min-cohort"),
        ({"min_organisations_floor": 3}, "own-min-organisations"),
        ({"threshold_floor": 3}, "own-threshold"),
        ({"allowed_seals": frozenset({"masking"})}, "own-seal"),
        ({"allowed_seals": frozenset[str]()}, "own-seal"),
        ({"expected_initial_model_digest": bytes(32)}, "own-initial-model"),
        ({"max_rounds": 4}, "own-max-rounds"),
    ],
)
def test_a_study_that_offers_less_is_refused(
    study: "SmallStudy", wishes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(Refused) as caught:
        check_manifest_against(ClientPolicy(**wishes), study.body)
    assert caught.value.rule == rule


def test_a_study_that_offers_exactly_what_is_asked_is_joined(study: "SmallStudy") -> None:
    policy = ClientPolicy(
        min_cohort_floor=3,
        min_organisations_floor=2,
        threshold_floor=2,
        expected_initial_model_digest=study.body.initial_model_digest,
        max_rounds=5,
    )
    check_manifest_against(policy, study.body)


def test_a_client_may_refuse_a_single_key_authority(study: "SmallStudy") -> None:
    single = replace(study.body, threshold=1)
    check_manifest_against(ClientPolicy(), single)
    with pytest.raises(Refused) as caught:
        check_manifest_against(ClientPolicy(threshold_floor=2), single)
    assert caught.value.rule == "own-threshold"


@pytest.mark.parametrize(
    ("wishes", "changes", "rule"),
    [
        ({"min_cohort_floor": 4}, {}, "own-min-cohort"),
        ({}, {"min_cohort": 2}, "own-min-cohort"),
        ({"allowed_seals": frozenset({"ckks"})}, {"seal": "masking"}, "own-seal"),
        ({"max_rounds": 2}, {"round_number": 2}, "own-max-rounds"),
    ],
)
def test_a_round_that_offers_less_is_refused(
    study: "SmallStudy", wishes: dict[str, Any], changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(Refused) as caught:
        check_spec_against(ClientPolicy(**wishes), study.spec(**changes).body)
    assert caught.value.rule == rule


def test_a_round_may_ask_for_more_than_the_study_and_meet_a_higher_floor(
    study: "SmallStudy",
) -> None:
    check_spec_against(ClientPolicy(min_cohort_floor=5), study.spec(min_cohort=5).body)


def test_the_end_of_a_study_asks_for_nothing(study: "SmallStudy") -> None:
    end = study.end_after(study.spec()).body
    check_spec_against(ClientPolicy(min_cohort_floor=100, max_rounds=0), end)
