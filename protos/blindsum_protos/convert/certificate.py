"""freeze.proto and round.proto: the certificate of a published round, the notice of an abort."""

from blindsum_protos.convert import fields
from blindsum_protos.v1 import freeze_pb2, round_pb2
from blindsum_rules.certificate import Abort, Certificate


def certificate_to_message(value: Certificate) -> freeze_pb2.CertificateBody:
    """A certificate as a message."""
    return freeze_pb2.CertificateBody(
        study=value.study,
        round_number=value.round_number,
        round_id=value.round_id,
        acceptance_digests=value.acceptance_digests,
        contribution_digests=value.contribution_digests,
        page_digests=value.page_digests,
        admission_digests=value.admission_digests,
        freeze_digest=value.freeze_digest,
        endorsement_digests=value.endorsement_digests,
        exception_digest=value.exception_digest,
        release_digests=value.release_digests,
        sealed_sum_root=value.sealed_sum_root,
        aggregate_commitment=value.aggregate_commitment,
        opened_by=value.opened_by,
        disagreeing=value.disagreeing,
    )


def certificate_from_message(message: freeze_pb2.CertificateBody) -> Certificate:
    """Read a certificate.

    Raises:
        Rejected: `malformed-message`.
    """
    return Certificate(
        study=fields.identifier(message.study, "CertificateBody.study"),
        round_number=fields.ordinal(message.round_number, "CertificateBody.round_number"),
        round_id=fields.digest(message.round_id, "CertificateBody.round_id"),
        acceptance_digests=fields.ascending_digests(
            message.acceptance_digests, "CertificateBody.acceptance_digests"
        ),
        contribution_digests=fields.digests(
            message.contribution_digests, "CertificateBody.contribution_digests"
        ),
        page_digests=fields.digests(message.page_digests, "CertificateBody.page_digests"),
        admission_digests=fields.digests(
            message.admission_digests, "CertificateBody.admission_digests"
        ),
        freeze_digest=fields.digest(message.freeze_digest, "CertificateBody.freeze_digest"),
        endorsement_digests=fields.ascending_digests(
            message.endorsement_digests, "CertificateBody.endorsement_digests"
        ),
        exception_digest=fields.optional_digest(
            message.exception_digest, "CertificateBody.exception_digest"
        ),
        release_digests=fields.ascending_digests(
            message.release_digests, "CertificateBody.release_digests"
        ),
        sealed_sum_root=fields.digest(message.sealed_sum_root, "CertificateBody.sealed_sum_root"),
        aggregate_commitment=fields.digest(
            message.aggregate_commitment, "CertificateBody.aggregate_commitment"
        ),
        opened_by=fields.ascending_identifiers(message.opened_by, "CertificateBody.opened_by"),
        disagreeing=fields.ascending_identifiers(
            message.disagreeing, "CertificateBody.disagreeing"
        ),
    )


def abort_to_message(value: Abort) -> round_pb2.AbortBody:
    """The notice of an aborted round as a message."""
    return round_pb2.AbortBody(
        study=value.study,
        round_number=value.round_number,
        round_id=value.round_id,
        freeze_digest=value.freeze_digest,
        rule=value.rule,
        expected=value.expected,
    )


def abort_from_message(message: round_pb2.AbortBody) -> Abort:
    """Read the notice of an aborted round.

    Raises:
        Rejected: `malformed-message`.
    """
    return Abort(
        study=fields.identifier(message.study, "AbortBody.study"),
        round_number=fields.ordinal(message.round_number, "AbortBody.round_number"),
        round_id=fields.digest(message.round_id, "AbortBody.round_id"),
        freeze_digest=fields.optional_digest(message.freeze_digest, "AbortBody.freeze_digest"),
        rule=fields.rule_name(message.rule, "AbortBody.rule"),
        expected=fields.sentence(message.expected, "AbortBody.expected"),
    )
