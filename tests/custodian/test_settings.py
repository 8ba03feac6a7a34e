"""The settings and the own policy of a custodian."""

# `**changes` replaces any setting or field; its type is that field's.
# ruff: noqa: ANN401

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from blindsum_crypto.errors import Refused
from blindsum_crypto.execution import usable_cores
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.seals import custodian_seal
from blindsum_custodian.settings import CustodianSettings
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.privacy.own_limits import ANY_PROMISE, PromiseLimits
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.custodian.conftest import People

PATHS = {"store": Path("memory/store/custodian.sqlite"), "instance_file": Path("memory/instance")}


def settings(**changes: Any) -> CustodianSettings:
    return CustodianSettings(**{"aggregator": "aggregator.example:7443", **PATHS, **changes})


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLINDSUM_CUSTODIAN_AGGREGATOR", "10.0.0.1:7443")
    monkeypatch.setenv("BLINDSUM_CUSTODIAN_STORE", "memory/store/custodian.sqlite")
    monkeypatch.setenv("BLINDSUM_CUSTODIAN_INSTANCE_FILE", "memory/instance")
    monkeypatch.setenv("BLINDSUM_CUSTODIAN_MIN_COHORT_FLOOR", "10")
    read = CustodianSettings()  # type: ignore[call-arg]
    assert (read.aggregator, read.store) == ("10.0.0.1:7443", PATHS["store"])
    assert read.policy == CustodianPolicy(min_cohort_floor=10)
    assert read.tls is None
    assert read.threads == usable_cores()


@pytest.mark.parametrize(
    "changes",
    [
        {"aggregator": "no-port"},
        {"min_cohort_floor": 1},
        {"tls_certificate": Path("c.pem"), "tls_authority": Path("a.pem")},
        {"tls_certificate": Path("c.pem"), "tls_key": Path("k.pem")},
        {"instance_file": Path("memory/store/instance")},
        {"instance_file": Path("memory/store/below/instance")},
        {"instance_file": Path("memory/elsewhere/../store/instance")},
        {"answer_seconds": 0},
        {"threads": 0},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**changes)


def test_tls_files_are_handed_on() -> None:
    files = settings(
        tls_authority=Path("a.pem"), tls_certificate=Path("c.pem"), tls_key=Path("k.pem")
    ).tls
    assert files is not None
    assert (files.authority, files.certificate, files.key) == (
        Path("a.pem"),
        Path("c.pem"),
        Path("k.pem"),
    )


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (CustodianPolicy(min_cohort_floor=4), "own-min-cohort"),
        (CustodianPolicy(min_organisations_floor=3), "own-min-organisations"),
        (CustodianPolicy(threshold_floor=3), "own-threshold"),
        (CustodianPolicy(allowed_seals=frozenset({"masking"})), "own-seal"),
    ],
)
def test_a_study_below_the_own_floors_is_refused(
    found: "Callable[[int, int, int, int], People]", policy: CustodianPolicy, rule: str
) -> None:
    with pytest.raises(Refused) as caught:
        policy.check_manifest(found(4, 2, 3, 6).manifest.body)
    assert caught.value.rule == rule


def test_a_study_at_the_own_floors_is_served(
    found: "Callable[[int, int, int, int], People]",
) -> None:
    policy = CustodianPolicy(min_cohort_floor=3, min_organisations_floor=2, threshold_floor=2)
    policy.check_manifest(found(4, 2, 3, 6).manifest.body)


def spec_of(**changes: Any) -> Spec:
    spec = Spec(
        study="small-study",
        kind=SpecKind.ROUND,
        round_number=0,
        amendment_digest=b"d" * 32,
        epoch=0,
        model_version=0,
        model_digest=b"d" * 32,
        previous=PreviousRound(b"d" * 32),
        closes=(),
        endorsements=(),
        vector_length=8,
        seal="ckks",
        parameters=None,
        codec=Codec(clip_norm=1.0, levels=4096, weight_cap=100, weight_scale=0.5),
        cohort=("client-00",),
        min_cohort=2,
        wrap_key_digests=(),
        contribute_deadline_unix=1,
        release_deadline_unix=2,
    )
    return replace(spec, **changes)


def test_a_round_below_the_own_floors_is_refused_and_an_end_is_not() -> None:
    policy = CustodianPolicy(min_cohort_floor=3, allowed_seals=frozenset({"ckks"}))
    with pytest.raises(Refused) as caught:
        policy.check_spec(spec_of())
    assert caught.value.rule == "own-min-cohort"
    with pytest.raises(Refused) as caught:
        policy.check_spec(spec_of(min_cohort=3, seal="masking"))
    assert caught.value.rule == "own-seal"
    policy.check_spec(spec_of(kind=SpecKind.END, cohort=()))


@pytest.mark.parametrize(
    ("changes", "rule"), [({"seal": "paillier"}, "unknown-seal"), ({}, "spec-parameters")]
)
def test_a_seal_that_is_not_registered_releases_nothing(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(Refused) as caught:
        custodian_seal(Signed(spec_of(**changes), b"", "aggregator", b""))
    assert caught.value.rule == rule


def test_the_weakest_promise_to_serve_under_is_a_setting() -> None:
    assert settings().policy.promise == ANY_PROMISE
    asked = settings(max_epsilon=3, max_delta=1e-5)

    assert asked.policy.promise == PromiseLimits(3.0, 1e-5)


@pytest.mark.parametrize("changes", [{"max_epsilon": 0}, {"max_delta": -1.0}])
def test_a_promise_of_nothing_can_not_be_asked_for(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**changes)
