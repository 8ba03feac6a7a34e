"""A published round as its clients check it: certificate, receipt, closes."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import BlindsumError
from blindsum_rules.outcome_checks import check_certificate, check_receipt_honoured, frees_queue
from blindsum_rules.receipt import Receipt

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy


def test_the_certificate_of_a_whole_round_passes(study: "SmallStudy"):
    spec = study.spec()
    freeze = study.freeze(spec, study.clients[:4], left_out=study.clients[4:])
    check_certificate(
        study.certificate(spec, freeze),
        spec,
        study.acceptances(spec),
        freeze,
        study.endorsements(spec, freeze),
        study.body,
    )


def test_a_certificate_may_list_more_than_the_reader_holds(study: "SmallStudy"):
    spec = study.spec()
    freeze = study.freeze(spec)
    everybody = study.acceptances(spec, study.custodians)
    listed = tuple(sorted({bytes(32), *(one.digest for one in everybody)}))
    certificate = study.certificate(spec, freeze, acceptance_digests=listed)
    endorsements = study.endorsements(spec, freeze)
    check_certificate(certificate, spec, everybody[1:], freeze, endorsements, study.body)


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
):
    spec = study.spec()
    freeze = study.freeze(spec)
    with pytest.raises(BlindsumError) as caught:
        check_certificate(
            study.certificate(spec, freeze, **changes),
            spec,
            study.acceptances(spec),
            freeze,
            study.endorsements(spec, freeze),
            study.body,
        )
    assert caught.value.rule == rule


@pytest.mark.parametrize("listed", ["acceptance_digests", "endorsement_digests"])
def test_listed_digests_ascend(study: "SmallStudy", listed: str):
    spec = study.spec()
    freeze = study.freeze(spec)
    certificate = study.certificate(spec, freeze)
    turned = (b"\xff" * 32, *getattr(certificate.body, listed))
    with pytest.raises(BlindsumError) as caught:
        check_certificate(
            study.certificate(spec, freeze, **{listed: turned}),
            spec,
            study.acceptances(spec),
            freeze,
            study.endorsements(spec, freeze),
            study.body,
        )
    assert caught.value.rule == f"certificate-{listed.split('_', maxsplit=1)[0]}s"


def test_a_round_without_its_quorums_or_with_a_bad_freeze_is_refused(study: "SmallStudy"):
    spec = study.spec()
    freeze = study.freeze(spec)
    small = study.freeze(spec, study.clients[:2])
    acceptances, endorsements = study.acceptances(spec), study.endorsements(spec, freeze)
    certificate = study.certificate(spec, freeze)
    for pieces, rule in (
        ((acceptances[1:], freeze, endorsements), "quorum-of-acceptances"),
        ((acceptances, freeze, endorsements[1:]), "quorum-of-endorsements"),
        ((acceptances, small, endorsements), "min-cohort"),
    ):
        with pytest.raises(BlindsumError) as caught:
            check_certificate(certificate, spec, *pieces, study.body)
        assert caught.value.rule == rule


def test_only_the_aggregator_certifies(study: "SmallStudy"):
    spec = study.spec()
    freeze = study.freeze(spec)
    forged = study.sign(study.certificate(spec, freeze).body, "custodian-0")
    endorsements = study.endorsements(spec, freeze)
    with pytest.raises(BlindsumError) as caught:
        check_certificate(forged, spec, study.acceptances(spec), freeze, endorsements, study.body)
    assert caught.value.rule == "unknown-signer"


def test_a_receipted_client_stands_in_the_set_or_is_left_out_by_name(study: "SmallStudy"):
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


def test_only_a_quorum_of_closes_of_that_very_round_frees_the_queue(study: "SmallStudy"):
    spec = study.spec()
    closes = study.closes(spec)
    assert frees_queue(0, closes, study.body)
    assert not frees_queue(0, closes[1:], study.body)
    assert not frees_queue(0, (), study.body)
    assert not frees_queue(1, closes, study.body)
    assert not frees_queue(0, study.closes(spec, study="another-study"), study.body)
    assert not frees_queue(0, (*closes[1:], *study.closes(spec, round_number=1)), study.body)


def test_false_closes_are_named_and_free_nothing(study: "SmallStudy"):
    spec = study.spec()
    one, *rest = study.closes(spec)
    for closes, rule in (
        ((replace(one, signature=bytes(64)), *rest), "bad-signature"),
        ((rest[0], *rest), "repeated-signer"),
        (study.closes(spec, who=study.clients[:3]), "unknown-signer"),
    ):
        with pytest.raises(BlindsumError) as caught:
            frees_queue(0, closes, study.body)
        assert caught.value.rule == rule
