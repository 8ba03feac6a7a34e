"""A published round checked by clients and auditors: certificate, receipt and closes."""

import hmac
from collections.abc import Sequence

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.primitives import DIGEST_BYTES
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.certificate import Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.freeze_checks import check_freeze
from blindsum_rules.manifest import Manifest
from blindsum_rules.quorum import check_quorum
from blindsum_rules.receipt import Receipt
from blindsum_rules.round_quorums import check_acceptances, check_endorsements
from blindsum_rules.signed import Signed, verify
from blindsum_rules.spec import Spec


def check_certificate(
    certificate: Signed[Certificate],
    spec: Signed[Spec],
    acceptances: Sequence[Signed[Acceptance]],
    freeze: Signed[Freeze],
    endorsements: Sequence[Signed[Endorsement]],
    manifest: Manifest,
) -> None:
    """Check that a published round rests on what its certificate says.

    The pieces may be fewer than the certificate lists (a client needs a quorum), or more: what a
    custodian signed after the certificate is checked like the rest and counts for nothing.

    Args:
        certificate: The certificate as parsed.
        spec: The round's verified spec.
        acceptances: At least a quorum of acceptances.
        freeze: The freeze as parsed.
        endorsements: At least a quorum of endorsements.
        manifest: The study's verified manifest.

    Raises:
        Rejected: `unknown-signer`, `bad-signature`, `wrong-study`, `wrong-round`,
            `certificate-freeze`, `certificate-acceptances`, `certificate-endorsements`,
            `certificate-contributions`, `certificate-commitment` or `certificate-opened-by`, when
            the list of that name does not fit the pieces.
        Refused: what `check_acceptances`, `check_freeze` and `check_endorsements` refuse.
    """
    verify(certificate, manifest.aggregator_key)
    body = certificate.body
    _check_round(body, spec)
    check_acceptances(acceptances, spec, manifest)
    check_freeze(freeze, spec, manifest)
    if not hmac.compare_digest(body.freeze_digest, freeze.digest):
        raise Rejected("certificate-freeze", "expected the digest of the freeze")
    check_endorsements(endorsements, freeze.digest, spec, manifest)
    accepted = {one.digest for one in acceptances}
    endorsed = {one.digest for one in endorsements}
    quorum = manifest.quorum
    _check_listed("certificate-acceptances", body.acceptance_digests, accepted, quorum)
    _check_listed("certificate-endorsements", body.endorsement_digests, endorsed, quorum)
    if body.contribution_digests != tuple(digest for _, digest in _receipted(freeze.body)):
        raise Rejected(
            "certificate-contributions",
            "expected the members' and the left out's digests, ascending by client",
        )
    if len(body.aggregate_commitment) != DIGEST_BYTES:
        raise Rejected("certificate-commitment", f"expected {DIGEST_BYTES} bytes")
    _check_opened_by(body, manifest)


def check_receipt_honoured(receipt: Signed[Receipt], freeze: Signed[Freeze]) -> None:
    """Check that a receipted contribution is a member of the freeze or named as left out.

    A receipt in neither list, together with the freeze, is evidence against the aggregator.

    Args:
        receipt: A verified receipt.
        freeze: The verified freeze of the same round.

    Raises:
        Rejected: `wrong-round`, when they are of different rounds; `receipt-not-honoured`.
    """
    if not hmac.compare_digest(receipt.body.round_id, freeze.body.round_id):
        raise Rejected("wrong-round", "expected receipt and freeze of one round")
    named = dict(_receipted(freeze.body)).get(receipt.body.client, b"")
    if not hmac.compare_digest(named, receipt.body.contribution_digest):
        raise Rejected(
            "receipt-not-honoured",
            f"expected the contribution of {receipt.body.client!r} in the set or left out by name",
        )


def frees_queue(
    contribution_round: int,
    closes: Sequence[Signed[Close]],
    manifest: Manifest,
    manifest_digest: bytes,
) -> bool:
    """Say whether closes end a round for good, so that its client may stop sending.

    Besides a receipt nothing else frees a client's queue (docs/specification.md, step 3).

    Args:
        contribution_round: The round that the client sealed for.
        closes: Closes as parsed; those of other studies and rounds do not count.
        manifest: The study's verified manifest.
        manifest_digest: Its digest, 32 bytes.

    Returns:
        True if at least a quorum of distinct custodians closed the round.

    Raises:
        Rejected: `repeated-signer`, `unknown-signer`, `bad-signature`, when a close of the round
            does not hold.
    """
    counted = [
        close
        for close in closes
        if close.body.study == manifest.study
        and close.body.round_number == contribution_round
        and hmac.compare_digest(close.body.manifest_digest, manifest_digest)
    ]
    check_quorum(counted, manifest.custodian_keys, 0, "closes")
    return len(counted) >= manifest.quorum


def _check_round(certificate: Certificate, spec: Signed[Spec]) -> None:
    if certificate.study != spec.body.study:
        raise Rejected("wrong-study", f"expected {spec.body.study!r}, got {certificate.study!r}")
    same_round = certificate.round_number == spec.body.round_number
    if not (same_round and hmac.compare_digest(certificate.round_id, spec.digest)):
        raise Rejected("wrong-round", "Certificate: expected the number and the id of this round")


def _check_listed(rule: str, listed: Sequence[bytes], at_hand: set[bytes], quorum: int) -> None:
    if list(listed) != sorted(set(listed)):
        raise Rejected(rule, "expected ascending digests, each once")
    if len(at_hand.intersection(listed)) < quorum:
        raise Rejected(rule, f"expected {quorum} or more of the pieces at hand among the listed")


def _receipted(freeze: Freeze) -> list[tuple[str, bytes]]:
    """Everybody whom a freeze names with the digest of the contribution, ascending by client."""
    members = [(one.client, one.contribution_digest) for one in freeze.members]
    left_out = [(one.client, one.contribution_digest) for one in freeze.left_out]
    return sorted(members + left_out)


def _check_opened_by(certificate: Certificate, manifest: Manifest) -> None:
    opened_by, disagreeing = certificate.opened_by, certificate.disagreeing
    for names in (opened_by, disagreeing):
        ascending = list(names) == sorted(set(names))
        if not ascending or not manifest.custodian_keys.keys() >= set(names):
            raise Rejected(
                "certificate-opened-by", "expected custodians by ascending id, each once"
            )
    if len(opened_by) < manifest.threshold or not set(opened_by).isdisjoint(disagreeing):
        raise Refused(
            "certificate-opened-by",
            f"expected {manifest.threshold} or more custodians, none of whom disagreed",
        )
