"""A party's own limits on what a study may promise."""

import pytest
from tests.adversarial.people import found
from tests.rules.privacy.private_study import privately

from blindsum_crypto.errors import Refused
from blindsum_custodian.policy import CustodianPolicy
from blindsum_rules.local_policy import ClientPolicy, check_manifest_against
from blindsum_rules.privacy.own_limits import PromiseLimits
from blindsum_rules.privacy.study_plan import study_plan

OPEN = found(clients=4).study
PRIVATE = privately(OPEN, max_rounds=4)
PROMISE = study_plan(PRIVATE).guarantee


@pytest.mark.parametrize(
    "limits",
    [
        PromiseLimits(),
        PromiseLimits(PROMISE.epsilon),
        PromiseLimits(max_delta=PROMISE.delta),
        PromiseLimits(PROMISE.epsilon, PROMISE.delta),
    ],
)
def test_a_promise_at_the_limit_is_taken(limits: PromiseLimits) -> None:
    limits.check(PRIVATE)


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        (PromiseLimits(PROMISE.epsilon * 0.999), "own-epsilon"),
        (PromiseLimits(max_delta=PROMISE.delta * 0.999), "own-delta"),
    ],
)
def test_a_weaker_promise_is_refused_by_client_and_custodian(
    limits: PromiseLimits, rule: str
) -> None:
    with pytest.raises(Refused) as caught:
        check_manifest_against(ClientPolicy(promise=limits), PRIVATE)
    assert caught.value.rule == rule

    with pytest.raises(Refused) as caught:
        CustodianPolicy(promise=limits).check_manifest(PRIVATE)
    assert caught.value.rule == rule


def test_a_study_without_noise_promises_nothing_and_is_refused_under_any_limit() -> None:
    PromiseLimits().check(OPEN)
    for limits in (PromiseLimits(1e6), PromiseLimits(max_delta=0.5)):
        with pytest.raises(Refused) as caught:
            limits.check(OPEN)
        assert caught.value.rule == "own-epsilon"
