"""Acceptances, endorsements and closes: enough of them, of this round, and about one thing."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.round_quorums import check_acceptances, check_closes, check_endorsements
from blindsum_rules.signed import Signed

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

ELSEWHERE: list[tuple[dict[str, Any], str]] = [
    ({"study": "another-study"}, "wrong-study"),
    ({"round_number": 1}, "wrong-round"),
]
ANOTHER_ROUND = [*ELSEWHERE, ({"round_id": bytes(32)}, "wrong-round")]


def test_a_quorum_of_acceptances_passes(study: "SmallStudy") -> None:
    spec = study.spec()
    check_acceptances(study.acceptances(spec), spec, study.body)


def test_a_spec_without_a_quorum_of_acceptances_is_refused(study: "SmallStudy") -> None:
    spec = study.spec()
    with pytest.raises(Refused) as caught:
        check_acceptances(study.acceptances(spec)[1:], spec, study.body)
    assert caught.value.rule == "quorum-of-acceptances"


@pytest.mark.parametrize(("changes", "rule"), ANOTHER_ROUND)
def test_an_acceptance_of_something_else_is_rejected(
    study: "SmallStudy", changes: dict[str, Any], rule: str
) -> None:
    spec = study.spec()
    with pytest.raises(BlindsumError) as caught:
        check_acceptances(study.acceptances(spec, **changes), spec, study.body)
    assert caught.value.rule == rule


def test_acceptances_of_a_second_spec_of_the_number_do_not_carry_the_first(
    study: "SmallStudy",
) -> None:
    shown_to_one, shown_to_other = study.spec(), study.spec(model_digest=bytes(32))
    with pytest.raises(BlindsumError) as caught:
        check_acceptances(study.acceptances(shown_to_other), shown_to_one, study.body)
    assert caught.value.rule == "wrong-round"


def test_a_quorum_of_endorsements_passes(study: "SmallStudy") -> None:
    spec = study.spec()
    freeze = study.freeze(spec)
    check_endorsements(study.endorsements(spec, freeze), freeze.digest, spec, study.body)


def test_too_few_endorsements_are_refused(study: "SmallStudy") -> None:
    spec = study.spec()
    freeze = study.freeze(spec)
    few = study.endorsements(spec, freeze)[1:]
    with pytest.raises(Refused) as caught:
        check_endorsements(few, freeze.digest, spec, study.body)
    assert caught.value.rule == "quorum-of-endorsements"


@pytest.mark.parametrize(
    ("changes", "rule"), [*ANOTHER_ROUND, ({"freeze_digest": bytes(32)}, "wrong-freeze")]
)
def test_an_endorsement_of_something_else_is_rejected(
    study: "SmallStudy", changes: dict[str, Any], rule: str
) -> None:
    spec = study.spec()
    freeze = study.freeze(spec)
    others = study.endorsements(spec, freeze, **changes)
    with pytest.raises(BlindsumError) as caught:
        check_endorsements(others, freeze.digest, spec, study.body)
    assert caught.value.rule == rule


def test_a_custodian_that_endorses_two_freezes_does_not_make_two_quorums(
    study: "SmallStudy",
) -> None:
    spec = study.spec()
    one, other = study.freeze(spec), study.freeze(spec, study.clients[1:])
    mixed = [
        *study.endorsements(spec, one, ["custodian-0", "custodian-1"]),
        *study.endorsements(spec, other, ["custodian-1", "custodian-2"]),
    ]
    for freeze in (one, other):
        with pytest.raises(BlindsumError) as caught:
            check_endorsements(mixed, freeze.digest, spec, study.body)
        assert caught.value.rule == "wrong-freeze"


def test_a_quorum_of_closes_passes_whatever_freeze_they_name(study: "SmallStudy") -> None:
    spec = study.spec()
    first, *rest = study.custodians[:3]
    closes = [*study.closes(spec, b"f" * 32, [first]), *study.closes(spec, b"", rest)]
    check_closes(closes, 0, study.body, study.manifest.digest)


def test_too_few_closes_are_refused(study: "SmallStudy") -> None:
    with pytest.raises(Refused) as caught:
        check_closes(study.closes(study.spec())[1:], 0, study.body, study.manifest.digest)
    assert caught.value.rule == "quorum-of-closes"


@pytest.mark.parametrize(
    ("changes", "rule"), [*ELSEWHERE, ({"manifest_digest": bytes(32)}, "wrong-manifest")]
)
def test_a_close_of_something_else_is_rejected(
    study: "SmallStudy", changes: dict[str, Any], rule: str
) -> None:
    with pytest.raises(BlindsumError) as caught:
        check_closes(study.closes(study.spec(), **changes), 0, study.body, study.manifest.digest)
    assert caught.value.rule == rule


Quorum = tuple[Signed[Any], ...]


def check_three(study: "SmallStudy", kind: str, signed: Quorum) -> None:
    """Check signatures as the quorum of this kind."""
    spec = study.spec()
    if kind == "acceptances":
        check_acceptances(signed, spec, study.body)
    elif kind == "endorsements":
        check_endorsements(signed, study.freeze(spec).digest, spec, study.body)
    else:
        check_closes(signed, 0, study.body, study.manifest.digest)


def three(study: "SmallStudy", kind: str, who: list[str]) -> Quorum:
    spec = study.spec()
    if kind == "acceptances":
        return study.acceptances(spec, who)
    if kind == "endorsements":
        return study.endorsements(spec, study.freeze(spec), who)
    return study.closes(spec, b"", who)


@pytest.mark.parametrize("kind", ["acceptances", "endorsements", "closes"])
def test_every_signature_of_a_quorum_is_a_custodians_its_own_and_true(
    study: "SmallStudy", kind: str
) -> None:
    good = three(study, kind, study.custodians[:3])
    check_three(study, kind, good)
    for signed, rule in (
        (three(study, kind, ["custodian-0", "custodian-1", "custodian-0"]), "repeated-signer"),
        (three(study, kind, ["custodian-0", "custodian-1", "client-00"]), "unknown-signer"),
        ((*good[:2], replace(good[2], signature=bytes(64))), "bad-signature"),
        ((*good[:2], replace(good[2], signer="custodian-3")), "signer-name"),
    ):
        with pytest.raises(BlindsumError) as caught:
            check_three(study, kind, signed)
        assert caught.value.rule == rule
