"""The one table of signed bodies: which message spells which value, and the two ways between."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from google.protobuf.message import Message

from blindsum_protos.convert import (
    admission,
    amendment,
    certificate,
    contribution,
    exception,
    freeze,
    identity,
    manifest,
    refusal,
    requests,
    round,  # noqa: A004 - the protocol's own word; the builtin is not used here
)
from blindsum_protos.v1 import (
    aggregator_pb2,
    contribution_pb2,
    freeze_pb2,
    identity_pb2,
    manifest_pb2,
    round_pb2,
)
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission, HeaderPage
from blindsum_rules.amendment import Amendment
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import DifferencingException
from blindsum_rules.freeze import Freeze
from blindsum_rules.header import Contribution
from blindsum_rules.manifest import Approval, Manifest
from blindsum_rules.party import PartyIdentity
from blindsum_rules.receipt import Receipt
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import Release
from blindsum_rules.requests import Call, OperatorRequest
from blindsum_rules.signed import BodyT
from blindsum_rules.spec import Spec

MessageT = TypeVar("MessageT", bound=Message)


@dataclass(frozen=True, slots=True)
class BodyForm(Generic[BodyT, MessageT]):
    """How one kind of signed body stands on the wire.

    Attributes:
        message: The generated class of its `...Body` message.
        to_message: Value to message.
        from_message: Message to value; checks every field.
    """

    message: type[MessageT]
    to_message: Callable[[BodyT], MessageT]
    from_message: Callable[[MessageT], BodyT]


# Any: a table of many kinds cannot name one; `form_of` gives the kind back to the type checker.
BODY_FORMS: Final[Mapping[type[Any], BodyForm[Any, Any]]] = MappingProxyType(
    {
        PartyIdentity: BodyForm(
            identity_pb2.IdentityBody, identity.identity_to_message, identity.identity_from_message
        ),
        Manifest: BodyForm(
            manifest_pb2.ManifestBody, manifest.manifest_to_message, manifest.manifest_from_message
        ),
        Approval: BodyForm(
            manifest_pb2.ApprovalBody, manifest.approval_to_message, manifest.approval_from_message
        ),
        Amendment: BodyForm(
            manifest_pb2.AmendmentBody,
            amendment.amendment_to_message,
            amendment.amendment_from_message,
        ),
        DifferencingException: BodyForm(
            manifest_pb2.ExceptionBody,
            exception.exception_to_message,
            exception.exception_from_message,
        ),
        Spec: BodyForm(round_pb2.SpecBody, round.spec_to_message, round.spec_from_message),
        Acceptance: BodyForm(
            round_pb2.AcceptanceBody, round.acceptance_to_message, round.acceptance_from_message
        ),
        Close: BodyForm(round_pb2.CloseBody, round.close_to_message, round.close_from_message),
        Contribution: BodyForm(
            contribution_pb2.ContributionBody,
            contribution.contribution_to_message,
            contribution.contribution_from_message,
        ),
        Receipt: BodyForm(
            contribution_pb2.ReceiptBody,
            contribution.receipt_to_message,
            contribution.receipt_from_message,
        ),
        HeaderPage: BodyForm(
            contribution_pb2.HeaderPageBody,
            admission.header_page_to_message,
            admission.header_page_from_message,
        ),
        Admission: BodyForm(
            contribution_pb2.AdmissionBody,
            admission.admission_to_message,
            admission.admission_from_message,
        ),
        Freeze: BodyForm(
            freeze_pb2.FreezeBody, freeze.freeze_to_message, freeze.freeze_from_message
        ),
        Endorsement: BodyForm(
            freeze_pb2.EndorsementBody,
            freeze.endorsement_to_message,
            freeze.endorsement_from_message,
        ),
        Release: BodyForm(
            freeze_pb2.ReleaseBody, freeze.release_to_message, freeze.release_from_message
        ),
        Certificate: BodyForm(
            freeze_pb2.CertificateBody,
            certificate.certificate_to_message,
            certificate.certificate_from_message,
        ),
        Abort: BodyForm(
            round_pb2.AbortBody, certificate.abort_to_message, certificate.abort_from_message
        ),
        Refusal: BodyForm(
            identity_pb2.RefusalBody, refusal.refusal_to_message, refusal.refusal_from_message
        ),
        OperatorRequest: BodyForm(
            aggregator_pb2.OperatorRequestBody,
            requests.operator_request_to_message,
            requests.operator_request_from_message,
        ),
        Call: BodyForm(identity_pb2.CallBody, requests.call_to_message, requests.call_from_message),
    }
)


def form_of(kind: type[BodyT]) -> BodyForm[BodyT, Any]:
    """How values of one kind stand on the wire.

    Raises:
        KeyError: when no signed body is of this kind.
    """
    return BODY_FORMS[kind]
