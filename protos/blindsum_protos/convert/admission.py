"""contribution.proto, the custodians' half: pages of headers and the admissions of them."""

from blindsum_protos.convert import fields
from blindsum_protos.v1 import contribution_pb2
from blindsum_rules.admission import Admission, Denial, HeaderPage


def header_page_to_message(value: HeaderPage) -> contribution_pb2.HeaderPageBody:
    """A page of headers as a message."""
    return contribution_pb2.HeaderPageBody(
        study=value.study,
        round_number=value.round_number,
        round_id=value.round_id,
        page=value.page,
        contribution_digests=value.contribution_digests,
    )


def header_page_from_message(message: contribution_pb2.HeaderPageBody) -> HeaderPage:
    """Read a page of headers; no contribution stands on it twice.

    Raises:
        Rejected: `malformed-message`.
    """
    name = "HeaderPageBody.contribution_digests"
    contribution_digests = fields.digests(message.contribution_digests, name)
    if len(set(contribution_digests)) != len(contribution_digests):
        raise fields.malformed(name, "each digest once")
    return HeaderPage(
        study=fields.identifier(message.study, "HeaderPageBody.study"),
        round_number=fields.ordinal(message.round_number, "HeaderPageBody.round_number"),
        round_id=fields.digest(message.round_id, "HeaderPageBody.round_id"),
        page=fields.ordinal(message.page, "HeaderPageBody.page"),
        contribution_digests=contribution_digests,
    )


def admission_to_message(value: Admission) -> contribution_pb2.AdmissionBody:
    """An admission as a message."""
    return contribution_pb2.AdmissionBody(
        study=value.study,
        round_number=value.round_number,
        round_id=value.round_id,
        page=value.page,
        root=value.root,
        denials=[_denial_to_message(denial) for denial in value.denials],
        custodian=value.custodian,
    )


def admission_from_message(message: contribution_pb2.AdmissionBody) -> Admission:
    """Read an admission.

    Raises:
        Rejected: `malformed-message`.
    """
    return Admission(
        study=fields.identifier(message.study, "AdmissionBody.study"),
        round_number=fields.ordinal(message.round_number, "AdmissionBody.round_number"),
        round_id=fields.digest(message.round_id, "AdmissionBody.round_id"),
        page=fields.ordinal(message.page, "AdmissionBody.page"),
        root=fields.digest(message.root, "AdmissionBody.root"),
        denials=tuple(_denial_from_message(denial) for denial in message.denials),
        custodian=fields.identifier(message.custodian, "AdmissionBody.custodian"),
    )


def _denial_to_message(denial: Denial) -> contribution_pb2.Denial:
    return contribution_pb2.Denial(
        client=denial.client,
        contribution_digest=denial.contribution_digest,
        rule=denial.rule,
    )


def _denial_from_message(message: contribution_pb2.Denial) -> Denial:
    return Denial(
        client=fields.identifier(message.client, "Denial.client"),
        contribution_digest=fields.digest(
            message.contribution_digest, "Denial.contribution_digest"
        ),
        rule=fields.rule_name(message.rule, "Denial.rule"),
    )
