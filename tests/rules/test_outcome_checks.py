"""A published round as its clients check it: certificate, receipt, closes."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import BlindsumError
from blindsum_rules.certificate import Certificate
from blindsum_rules.freeze import Freeze
from blindsum_rules.outcome_checks import check_certificate, check_receipt_honoured, frees_queue
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy


def certificate_of(
    people: "SmallStudy", spec: Signed[Spec], freeze: Signed[Freeze], **changes: Any
) -> Signed[Certificate]:
    named = sorted(
        [(one.client, one.contribution_digest) for one in freeze.body.members]
        + [(one.client, one.contribution_digest) for one in freeze.body.left_out]
    )
    body = Certificate(
        study=spec.body.study,
        round_number=spec.body.round_number,
        round_id=spec.digest,
        acceptance_digests=tuple(sorted({one.digest for one in people.acceptances(spec)})),
        contribution_digests=tuple(one for _, one in named),
        page_digests=(b"p" * 32,),
        admission_digests=(b"a" * 32,),
        freeze_digest=freeze.digest,
        endorsement_digests=tuple(
            sorted({one.digest for one in people.endorsements(spec, freeze)})
        ),
        exception_digest=b"",
        release_digests=(b"r" * 32,),
        sealed_sum_root=b"s" * 32,
        aggregate_commitment=b"c" * 32,
        opened_by=tuple(people.custodians[: people.body.threshold]),
        disagreeing=(),
    )
    return people.sign(replace(body, **changes), "aggregator")


def test_the_certificate_of_a_whole_round_passes(study: "SmallStudy") -> None:
    spec = study.spec()
    freeze = study.freeze(spec, study.clients[:4], left_out=study.clients[4:])
    check_certificate(
        certificate_of(study, spec, freeze),
        spec,
        study.acceptances(spec),
        freeze,
        study.endorsements(spec, freeze),
        study.body,
    )


def test_a_certificate_may_list_more_than_the_reader_holds(study: "SmallStudy") -> None:
    spec = study.spec()
    freeze = study.freeze(spec)
    everybody = study.acceptances(spec, study.custodians)
    listed = tuple(sorted({bytes(32), *(one.digest for one in everybody)}))
    certificate = certificate_of(study, spec, freeze, acceptance_digests=listed)
    endorsements = study.endorsements(spec, freeze)
    check_certificate(certificate, spec, everybody[1:], freeze, endorsements, study.body)


def test_what_was_signed_behind_the_certificate_does_not_spoil_it(study: "SmallStudy") -> None:
    """Bug: a fourth endorsement came while three were certified, and clients refused."""
    spec = study.spec()
    freeze = study.freeze(spec)
    certificate = certificate_of(study, spec, freeze)  # lists three of each
    acceptances = study.acceptances(spec, study.custodians)
    endorsements = study.endorsements(spec, freeze, study.custodians)
    assert len(endorsements) > len(certificate.body.endorsement_digests)

    check_certificate(certificate, spec, acceptances, freeze, endorsements, study.body)

    forged = (*endorsements[:-1], replace(endorsements[-1], signature=bytes(64)))
    with pytest.raises(BlindsumError) as caught:
        check_certificate(certificate, spec, acceptances, freeze, forged, study.body)
    assert caught.value.rule == "bad-signature"


def test_a_certificate_rests_on_a_quorum_of_what_is_at_hand(study: "SmallStudy") -> None:
    spec = study.spec()
    freeze = study.freeze(spec)
    certificate = certificate_of(study, spec, freeze)
    others = study.endorsements(spec, freeze, study.custodians[1:])  # two of three are listed
    with pytest.raises(BlindsumError) as caught:
        check_certificate(certificate, spec, study.acceptances(spec), freeze, others, study.body)
    assert caught.value.rule == "certificate-endorsements"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"study": "another-study"}, "wrong-study"),
        ({"round_number": 1}, "wrong-round"),
        ({"round_id": bytes(32)}, "wrong-round"),
        ({"freeze_digest": bytes(32)}, "certificate-freeze"),
        ({"acceptance_digests": ()}, "certificate-acceptances"),
        ({"endorsement_digests": ()}, "certificate-endorsements"),
        ({"contribution_digests": ()}, "certificate-contributions"),
        ({"aggregate_commitment": b""}, "certificate-commitment"),
        ({"opened_by": ("custodian-0",)}, "certificate-opened-by"),
        ({"opened_by": ("custodian-0", "custodian-0")}, "certificate-opened-by"),
        ({"opened_by": ("custodian-1", "custodian-0")}, "certificate-opened-by"),
        ({"opened_by": ("client-00", "custodian-0")}, "certificate-opened-by"),
        ({"disagreeing": ("custodian-0",)}, "certificate-opened-by"),
        ({"disagreeing": ("nobody",)}, "certificate-opened-by"),
    ],
)
def test_a_certificate_that_does_not_fit_its_round_is_rejected(
    study: "SmallStudy", changes: dict[str, Any], rule: str
) -> None:
    spec = study.spec()
    freeze = study.freeze(spec)
    with pytest.raises(BlindsumError) as caught:
        check_certificate(
            certificate_of(study, spec, freeze, **changes),
            spec,
            study.acceptances(spec),
            freeze,
            study.endorsements(spec, freeze),
            study.body,
        )
    assert caught.value.rule == rule


@pytest.mark.parametrize("listed", ["acceptance_digests", "endorsement_digests"])
def test_listed_digests_ascend(study: "SmallStudy", listed: str) -> None:
    spec = study.spec()
    freeze = study.freeze(spec)
    certificate = certificate_of(study, spec, freeze)
    turned = (b"\xff" * 32, *getattr(certificate.body, listed))
    with pytest.raises(BlindsumError) as caught:
        check_certificate(
            certificate_of(study, spec, freeze, **{listed: turned}),
            spec,
            study.acceptances(spec),
            freeze,
            study.endorsements(spec, freeze),
            study.body,
        )
    assert caught.value.rule == f"certificate-{listed.split('_', maxsplit=1)[0]}s"


def test_a_round_without_its_quorums_or_with_a_bad_freeze_is_refused(study: "SmallStudy") -> None:
    spec = study.spec()
    freeze = study.freeze(spec)
    small = study.freeze(spec, study.clients[:2])
    acceptances, endorsements = study.acceptances(spec), study.endorsements(spec, freeze)
    certificate = certificate_of(study, spec, freeze)
    for pieces, rule in (
        ((acceptances[1:], freeze, endorsements), "quorum-of-acceptances"),
        ((acceptances, freeze, endorsements[1:]), "quorum-of-endorsements"),
        ((acceptances, small, endorsements), "min-cohort"),
    ):
        with pytest.raises(BlindsumError) as caught:
            check_certificate(certificate, spec, *pieces, study.body)
        assert caught.value.rule == rule


def test_only_the_aggregator_certifies(study: "SmallStudy") -> None:
    spec = study.spec()
    freeze = study.freeze(spec)
    forged = study.sign(certificate_of(study, spec, freeze).body, "custodian-0")
    endorsements = study.endorsements(spec, freeze)
    with pytest.raises(BlindsumError) as caught:
        check_certificate(forged, spec, study.acceptances(spec), freeze, endorsements, study.body)
    assert caught.value.rule == "unknown-signer"


def test_a_receipted_client_stands_in_the_set_or_is_left_out_by_name(study: "SmallStudy") -> None:
    """Threat T16: a client that is left out without a word holds evidence."""
    spec = study.spec()
    freeze = study.freeze(spec, study.clients[:3], left_out=["client-03"])
    digests = {one.client: one.contribution_digest for one in study.freeze(spec).body.members}
    receipts = {
        client: study.sign(
            Receipt("small-study", 0, spec.digest, client, digest, study.now), "aggregator"
        )
        for client, digest in digests.items()
    }
    for client in study.clients[:4]:
        check_receipt_honoured(receipts[client], freeze)
    forgotten = receipts["client-04"]
    exchanged = replace(
        receipts["client-00"],
        body=replace(receipts["client-00"].body, contribution_digest=bytes(32)),
    )
    other_round = replace(
        receipts["client-00"], body=replace(receipts["client-00"].body, round_id=bytes(32))
    )
    for receipt, rule in (
        (forgotten, "receipt-not-honoured"),
        (exchanged, "receipt-not-honoured"),
        (other_round, "wrong-round"),
    ):
        with pytest.raises(BlindsumError) as caught:
            check_receipt_honoured(receipt, freeze)
        assert caught.value.rule == rule


def test_only_a_quorum_of_closes_of_that_very_round_frees_the_queue(study: "SmallStudy") -> None:
    spec = study.spec()
    closes = study.closes(spec)
    known = (study.body, study.manifest.digest)
    assert frees_queue(0, closes, *known)
    assert not frees_queue(0, closes, study.body, bytes(32))  # an earlier study of this name
    assert not frees_queue(0, closes[1:], *known)
    assert not frees_queue(0, (), *known)
    assert not frees_queue(1, closes, *known)
    assert not frees_queue(0, study.closes(spec, study="another-study"), *known)
    assert not frees_queue(0, (*closes[1:], *study.closes(spec, round_number=1)), *known)


def test_false_closes_are_named_and_free_nothing(study: "SmallStudy") -> None:
    spec = study.spec()
    one, *rest = study.closes(spec)
    for closes, rule in (
        ((replace(one, signature=bytes(64)), *rest), "bad-signature"),
        ((rest[0], *rest), "repeated-signer"),
        (study.closes(spec, who=study.clients[:3]), "unknown-signer"),
    ):
        with pytest.raises(BlindsumError) as caught:
            frees_queue(0, closes, study.body, study.manifest.digest)
        assert caught.value.rule == rule
