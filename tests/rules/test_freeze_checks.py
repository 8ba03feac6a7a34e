"""A set that this round may not sum is refused by name."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.freeze import Member
from blindsum_rules.freeze_checks import check_freeze, freeze_root

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy


def test_a_freeze_of_everybody_passes(study: "SmallStudy") -> None:
    spec = study.spec()
    check_freeze(study.freeze(spec), spec, study.body)


def test_a_freeze_with_somebody_left_out_passes(study: "SmallStudy") -> None:
    spec = study.spec()
    freeze = study.freeze(spec, study.clients[:3], left_out=study.clients[3:])
    check_freeze(freeze, spec, study.body)


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        (["client-00", "client-01"], "min-cohort"),
        ([], "min-cohort"),
        (["client-00", "client-01", "client-01"], "repeated-client"),
        (["client-01", "client-00", "client-02"], "sorted-distinct"),
        (["client-00", "client-01", "client-99"], "unknown-client"),
        (["client-00", "client-01", "custodian-0"], "unknown-client"),
    ],
)
def test_a_set_that_may_not_be_summed_is_refused(
    study: "SmallStudy", members: list[str], rule: str
) -> None:
    spec = study.spec()
    with pytest.raises(BlindsumError) as caught:
        check_freeze(study.freeze(spec, members), spec, study.body)
    assert caught.value.rule == rule


def test_an_enrolled_client_that_was_not_invited_is_refused(study: "SmallStudy") -> None:
    spec = study.spec(cohort=tuple(study.clients[:4]))
    with pytest.raises(Refused) as caught:
        check_freeze(study.freeze(spec), spec, study.body)
    assert caught.value.rule == "unknown-client"


def test_the_floor_of_the_spec_counts_as_well(study: "SmallStudy") -> None:
    spec = study.spec(min_cohort=5)
    with pytest.raises(Refused) as caught:
        check_freeze(study.freeze(spec, study.clients[:4]), spec, study.body)
    assert caught.value.rule == "min-cohort"


def test_a_spec_with_a_lower_floor_does_not_lower_the_manifests(study: "SmallStudy") -> None:
    spec = study.spec(min_cohort=1)
    with pytest.raises(Refused) as caught:
        check_freeze(study.freeze(spec, study.clients[:2]), spec, study.body)
    assert caught.value.rule == "min-cohort"


def test_phantoms_of_one_organisation_are_refused(study: "SmallStudy") -> None:
    clients = tuple(
        replace(client, organisation="one-clinic") if client.name != "client-04" else client
        for client in study.body.clients
    )
    clustered = study.with_manifest(clients=clients)
    spec = clustered.spec()
    check_freeze(clustered.freeze(spec), spec, clustered.body)
    with pytest.raises(Refused) as caught:
        check_freeze(clustered.freeze(spec, study.clients[:4]), spec, clustered.body)
    assert caught.value.rule == "min-organisations"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"study": "another-study"}, "wrong-study"),
        ({"round_number": 1}, "wrong-round"),
        ({"round_id": bytes(32)}, "wrong-round"),
        ({"root": bytes(32)}, "freeze-root"),
    ],
)
def test_a_freeze_of_something_else_is_rejected(
    study: "SmallStudy", changes: dict[str, Any], rule: str
) -> None:
    spec = study.spec()
    with pytest.raises(BlindsumError) as caught:
        check_freeze(study.freeze(spec, **changes), spec, study.body)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("left_out", "rule"),
    [
        (["client-00"], "left-out"),
        (["client-04", "client-03"], "left-out"),
        (["client-04", "client-04"], "left-out"),
        (["client-99"], "unknown-client"),
    ],
)
def test_whoever_is_left_out_is_named_once_and_outside_the_set(
    study: "SmallStudy", left_out: list[str], rule: str
) -> None:
    spec = study.spec()
    freeze = study.freeze(spec, study.clients[:3], left_out)
    with pytest.raises(BlindsumError) as caught:
        check_freeze(freeze, spec, study.body)
    assert caught.value.rule == rule


def test_only_the_aggregator_freezes(study: "SmallStudy") -> None:
    spec = study.spec()
    with pytest.raises(BlindsumError) as caught:
        check_freeze(study.sign(study.freeze(spec).body, "client-00"), spec, study.body)
    assert caught.value.rule == "unknown-signer"


def test_the_root_covers_every_digest_and_their_order() -> None:
    members = [Member(f"client-{index}", bytes([index]) * 32) for index in range(5)]
    whole = freeze_root(members)
    assert freeze_root(members[:-1]) != whole
    assert freeze_root(members[::-1]) != whole
    changed = [*members[:-1], replace(members[-1], contribution_digest=bytes(32))]
    assert freeze_root(changed) != whole
