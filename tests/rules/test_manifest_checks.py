"""A manifest that anybody could misuse is refused by name."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_crypto.identity import WrapKey
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.manifest import Manifest
from blindsum_rules.manifest_checks import (
    check_manifest,
    check_signed_manifest,
    check_validity,
)
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.seal_parameters import seal_parameters

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

Change = Callable[[Manifest], dict[str, Any]]


def with_client(manifest: Manifest, position: int, **changes: Any) -> dict[str, Any]:
    clients = list(manifest.clients)
    clients[position] = replace(clients[position], **changes)
    return {"clients": tuple(clients)}


def with_custodian(manifest: Manifest, position: int, **changes: Any) -> dict[str, Any]:
    custodians = list(manifest.custodians)
    custodians[position] = replace(custodians[position], **changes)
    return {"custodians": tuple(custodians)}


def with_schedule(manifest: Manifest, **changes: Any) -> dict[str, Any]:
    return {"schedule": replace(manifest.schedule, **changes)}


BROKEN: dict[str, tuple[Change, str]] = {
    "quorum below the rule": (lambda _: {"quorum": 2}, "quorum-rule"),
    "quorum above the committee": (lambda _: {"quorum": 5}, "quorum-rule"),
    "threshold above the committee": (lambda _: {"threshold": 5}, "quorum-rule"),
    "study id": (lambda _: {"study": "Not An Id"}, "identifier"),
    "custodian id": (lambda m: with_custodian(m, 0, name="UPPER"), "identifier"),
    "aggregator id": (lambda m: {"aggregator": replace(m.aggregator, name="")}, "identifier"),
    "short custodian identity": (lambda m: with_custodian(m, 0, identity=b""), "key-length"),
    "no purpose": (lambda _: {"purpose": " "}, "purpose"),
    "no permit": (lambda _: {"permit": ""}, "purpose"),
    "no clients": (lambda _: {"clients": ()}, "roster"),
    "no custodians": (lambda _: {"custodians": ()}, "roster"),
    "client id": (lambda m: with_client(m, 0, name="UPPER"), "identifier"),
    "organisation id": (lambda m: with_client(m, 0, organisation=""), "identifier"),
    "clients unsorted": (lambda m: {"clients": m.clients[::-1]}, "sorted-distinct"),
    "custodians unsorted": (lambda m: {"custodians": m.custodians[::-1]}, "sorted-distinct"),
    "client twice": (lambda m: {"clients": (m.clients[0], *m.clients)}, "enrolled-twice"),
    "custodian twice": (
        lambda m: {"custodians": (m.custodians[0], *m.custodians)},
        "enrolled-twice",
    ),
    "client's name of a custodian": (
        lambda m: with_client(m, -1, name=m.custodians[0].name),
        "enrolled-twice",
    ),
    "identity twice": (
        lambda m: with_client(m, 1, identity=m.clients[0].identity),
        "enrolled-twice",
    ),
    "agreement key twice": (
        lambda m: with_client(m, 1, agreement_key=m.clients[0].agreement_key),
        "enrolled-twice",
    ),
    "wrap key twice": (
        lambda m: with_custodian(m, 1, wrap_key=m.custodians[0].wrap_key),
        "enrolled-twice",
    ),
    "client is a custodian": (
        lambda m: with_client(m, 0, identity=m.custodians[0].identity),
        "enrolled-twice",
    ),
    "operator is the officer": (
        lambda m: {"officer": replace(m.operator, name="officer")},
        "enrolled-twice",
    ),
    "short identity": (lambda m: with_client(m, 0, identity=bytes(31)), "key-length"),
    "short agreement key": (lambda m: with_client(m, 0, agreement_key=b""), "key-length"),
    "short aggregator key": (
        lambda m: {"aggregator": replace(m.aggregator, identity=b"")},
        "key-length",
    ),
    "wrap key of another suite": (
        lambda m: with_custodian(m, 0, wrap_suite="mlkem768x25519"),
        "key-length",
    ),
    "unknown suite": (lambda m: with_custodian(m, 0, wrap_suite="rsa"), "unknown-wrap-suite"),
    "min_cohort of one": (lambda _: {"min_cohort": 1}, "min-cohort"),
    "min_cohort above the roster": (lambda _: {"min_cohort": 6}, "min-cohort"),
    "no organisations": (lambda _: {"min_organisations": 0}, "min-organisations"),
    "more organisations than there are": (
        lambda _: {"min_organisations": 6},
        "min-organisations",
    ),
    "no seal": (lambda _: {"seals": ()}, "unknown-seal"),
    "a seal of later": (lambda _: {"seals": ("ckks", "paillier")}, "unknown-seal"),
    "seal twice": (lambda _: {"seals": ("ckks", "ckks")}, "one-seal"),
    "two seals": (lambda _: {"seals": ("ckks", "masking")}, "one-seal"),
    "update rule": (lambda _: {"update_rule": "fedadam"}, "update-rule"),
    "learning rate zero": (lambda _: {"server_learning_rate": 0.0}, "learning-rate"),
    "learning rate NaN": (lambda _: {"server_learning_rate": float("nan")}, "learning-rate"),
    "learning rate infinite": (lambda _: {"server_learning_rate": float("inf")}, "learning-rate"),
    "empty layout": (lambda _: {"layout": Layout(())}, "layout"),
    "array twice": (
        lambda _: {"layout": Layout((NamedArray("a", (1,)), NamedArray("a", (2,))))},
        "layout",
    ),
    "array without a name": (lambda _: {"layout": Layout((NamedArray("", (1,)),))}, "layout"),
    "empty array": (lambda _: {"layout": Layout((NamedArray("a", (3, 0)),))}, "layout"),
    "short model digest": (lambda _: {"initial_model_digest": bytes(31)}, "digest-length"),
    "no rounds": (lambda m: with_schedule(m, max_rounds=0), "schedule"),
    "no time to accept": (lambda m: with_schedule(m, accept_seconds=0), "schedule"),
    "no time to contribute": (lambda m: with_schedule(m, contribute_seconds=0), "schedule"),
    "no time to release": (lambda m: with_schedule(m, release_seconds=0), "schedule"),
    "negative pause": (lambda m: with_schedule(m, pause_seconds=-1), "schedule"),
    "quota below min_cohort": (lambda m: with_schedule(m, quota=2), "schedule"),
    "quota above the roster": (lambda m: with_schedule(m, quota=6), "schedule"),
    "valid for no time": (lambda m: {"not_after_unix": m.not_before_unix}, "validity"),
}


@pytest.mark.parametrize(("change", "rule"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_manifest_is_refused_by_name(
    study: "SmallStudy", change: Change, rule: str
) -> None:
    broken = replace(study.body, **change(study.body))
    with pytest.raises(BlindsumError) as caught:
        check_manifest(broken)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    "committee", [(4, 2, 3, 5), (7, 3, 5, 5), (1, 1, 1, 3), (7, 4, 6, 4)], ids=str
)
def test_a_whole_manifest_passes(
    make_study: Callable[..., "SmallStudy"], committee: tuple[int, int, int, int]
) -> None:
    study = make_study(*committee)
    check_signed_manifest(study.manifest, study.approval)


def test_a_committee_with_too_many_parts_is_refused(
    make_study: Callable[..., "SmallStudy"],
) -> None:
    study = make_study(9, 5, 7, 5)
    with pytest.raises(Refused) as caught:
        check_manifest(study.body)
    assert caught.value.rule == "too-many-parts"


def test_a_hybrid_wrap_key_is_as_long_as_its_suite_makes_it(study: "SmallStudy") -> None:
    key = WrapKey.generate("mlkem768x25519", SeededRandomness(b"hybrid"))
    changes = with_custodian(study.body, 0, wrap_suite=key.suite, wrap_key=key.public)
    check_manifest(replace(study.body, **changes))


def test_a_quota_between_min_cohort_and_the_roster_is_allowed(study: "SmallStudy") -> None:
    for quota in (0, 3, 5):
        check_manifest(replace(study.body, **with_schedule(study.body, quota=quota)))


def test_many_clients_of_one_organisation_do_not_count_as_many_organisations(
    study: "SmallStudy",
) -> None:
    phantoms = tuple(replace(client, organisation="one-clinic") for client in study.body.clients)
    with pytest.raises(Refused) as caught:
        check_manifest(replace(study.body, clients=phantoms))
    assert caught.value.rule == "min-organisations"


def test_an_unsigned_manifest_is_refused(study: "SmallStudy") -> None:
    unsigned = replace(study.manifest, signature=bytes(64))
    with pytest.raises(Refused) as caught:
        check_signed_manifest(unsigned, study.approval)
    assert caught.value.rule == "unsigned-manifest"


def test_a_manifest_signed_by_another_party_is_refused(study: "SmallStudy") -> None:
    with pytest.raises(Refused) as caught:
        check_signed_manifest(study.sign(study.body, "aggregator"), study.approval)
    assert caught.value.rule == "unsigned-manifest"


def test_a_manifest_with_one_byte_changed_is_refused(study: "SmallStudy") -> None:
    changed = replace(study.manifest, body_bytes=study.manifest.body_bytes + b" ")
    with pytest.raises(Refused) as caught:
        check_signed_manifest(changed, study.approval)
    assert caught.value.rule == "unsigned-manifest"


def test_a_named_officer_must_approve(study: "SmallStudy") -> None:
    with pytest.raises(Refused) as caught:
        check_signed_manifest(study.manifest, None)
    assert caught.value.rule == "officer-approval"


def test_the_operator_does_not_approve_in_the_officers_place(study: "SmallStudy") -> None:
    approval = study.sign(study.approval.body, "operator")
    with pytest.raises(Refused) as caught:
        check_signed_manifest(study.manifest, approval)
    assert caught.value.rule == "officer-approval"


@pytest.mark.parametrize("changes", [{"manifest_digest": bytes(32)}, {"study": "another"}])
def test_the_approval_of_another_manifest_does_not_count(
    study: "SmallStudy", changes: dict[str, Any]
) -> None:
    approval = study.sign(replace(study.approval.body, **changes), "officer")
    with pytest.raises(Refused) as caught:
        check_signed_manifest(study.manifest, approval)
    assert caught.value.rule == "officer-approval"


def test_without_an_officer_nobody_approves(study: "SmallStudy") -> None:
    alone = study.with_manifest(officer=None)
    check_signed_manifest(alone.manifest, None)
    with pytest.raises(Refused) as caught:
        check_signed_manifest(alone.manifest, study.approval)
    assert caught.value.rule == "officer-approval"


def test_a_signed_manifest_is_read_as_well(study: "SmallStudy") -> None:
    broken = study.with_manifest(quorum=2)
    with pytest.raises(Refused) as caught:
        check_signed_manifest(broken.manifest, broken.approval)
    assert caught.value.rule == "quorum-rule"


def test_a_manifest_is_valid_from_its_first_to_its_last_second(study: "SmallStudy") -> None:
    manifest = study.body
    check_validity(manifest, manifest.not_before_unix)
    check_validity(manifest, manifest.not_after_unix)
    with pytest.raises(Refused) as early:
        check_validity(manifest, manifest.not_before_unix - 1)
    with pytest.raises(Refused) as late:
        check_validity(manifest, manifest.not_after_unix + 1)
    assert early.value.rule == "manifest-not-yet-valid"
    assert late.value.rule == "manifest-expired"


@pytest.mark.parametrize("cohort_size", [1, 2, 3, 4, 100, 1000, 100_000])
@pytest.mark.parametrize("levels", [1, 255, 4096, 1 << 18])
def test_derived_parameters_hold_the_worst_sum(
    study: "SmallStudy", cohort_size: int, levels: int
) -> None:
    manifest = replace(study.body, codec=replace(study.body.weighted_codec, levels=levels))
    parameters = seal_parameters(manifest, "ckks", cohort_size)
    assert isinstance(parameters, CkksParameters)
    worst = cohort_size * manifest.weighted_codec.coordinate_bound
    assert worst <= parameters.largest_sum()
    assert 4 * worst > parameters.largest_sum(), "one bit fewer would not hold it"


def test_a_cohort_beyond_what_the_seal_is_planned_for_is_refused(study: "SmallStudy") -> None:
    with pytest.raises(Refused) as caught:
        seal_parameters(study.body, study.body.seals[0], (1 << 20) + 1)
    assert caught.value.rule == "client-count"


def test_a_codec_whose_numbers_cannot_be_meant_does_not_exist() -> None:
    for changes in (
        {"clip_norm": 0.0},
        {"clip_norm": float("nan")},
        {"weight_scale": -1.0},
        {"weight_scale": float("inf")},
        {"levels": 0},
        {"levels": (1 << 18) + 1},
        {"weight_cap": 0},
    ):
        with pytest.raises(Refused) as caught:
            replace(Codec(1.0, 16, 10, 1.0), **changes)
        assert caught.value.rule == "codec"
