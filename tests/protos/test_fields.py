"""Every field is checked at the door, and the error names it and shows nothing of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf.message import Message
from tests.protos import amendments, operator_requests
from tests.protos.study_fields import COUNT_TOO_HIGH, LONG, SHORT, STUDY_FIELDS, YEAR_10000, A

from blindsum_crypto.errors import Rejected
from blindsum_protos.convert.bodies import BODY_FORMS, form_of
from blindsum_protos.convert.contribution import core_header_from_message, core_header_to_message
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
from blindsum_rules.receipt import Receipt
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import Release
from blindsum_rules.requests import Call, OperatorRequest
from blindsum_rules.spec import Spec

Examples = Mapping[type[Any], Any]
ROUND_TOO_HIGH = 1 << 32
B = bytes([2]) * 32

# Kind, path of the field, what is put there, and the field that the error must name.
OWN_FIELDS: list[tuple[type[Any], str, Any, str]] = [
    (Approval, "manifest_digest", SHORT, "ApprovalBody.manifest_digest"),
    (DifferencingException, "model_version", ROUND_TOO_HIGH, "ExceptionBody.model_version"),
    (DifferencingException, "clients", ["b", "a"], "ExceptionBody.clients"),
    (DifferencingException, "clients", ["a", "a"], "ExceptionBody.clients"),
    (DifferencingException, "reason", "", "ExceptionBody.reason"),
    (DifferencingException, "manifest_digest", b"", "ExceptionBody.manifest_digest"),
    (Spec, "kind", "pause", "SpecBody.kind"),
    (Spec, "kind", "end", "SpecBody.ckks"),
    (Spec, "amendment_digest", LONG, "SpecBody.amendment_digest"),
    (Spec, "amendments.0.operator.signature", SHORT, "Signed.signature"),
    (Spec, "epoch", ROUND_TOO_HIGH, "SpecBody.epoch"),
    (Spec, "model_version", ROUND_TOO_HIGH, "SpecBody.model_version"),
    (Spec, "model_digest", SHORT, "SpecBody.model_digest"),
    (Spec, "previous.round_id", b"", "PreviousRound.round_id"),
    (Spec, "previous.freeze_digest", SHORT, "PreviousRound.freeze_digest"),
    (Spec, "previous.aggregate_commitment", LONG, "PreviousRound.aggregate_commitment"),
    (Spec, "closes.0.signer", "k9", "SpecBody.closes"),
    (Spec, "closes.1.signer", "k0", "SpecBody.closes"),
    (Spec, "closes.1.signer", "K1", "Signed.signer"),
    (Spec, "closes.1.signature", bytes(63), "Signed.signature"),
    (Spec, "closes.1.body", b"", "Signed.body"),
    (Spec, "endorsements.0.signer", "k9", "SpecBody.endorsements"),
    (Spec, "vector_length", 0, "SpecBody.vector_length"),
    (Spec, "vector_length", COUNT_TOO_HIGH, "SpecBody.vector_length"),
    (Spec, "seal", "", "SpecBody.seal"),
    (Spec, "ckks.set_name", "", "CkksParameters.set_name"),
    (Spec, "ckks.set_name", "Z", "CkksParameters"),
    (Spec, "ckks.scale_bits", 0, "CkksParameters"),
    (Spec, "ckks.field_bits", 63, "CkksParameters"),
    (Spec, "ckks.fields", 4, "CkksParameters"),
    (Spec, "masking.value_bits", 8, "SpecBody.masking"),  # beside those of ckks
    (Spec, "codec.levels", 1 << 19, "Codec"),
    (Spec, "cohort", ["b", "a"], "SpecBody.cohort"),
    (Spec, "cohort", ["a", "a"], "SpecBody.cohort"),
    (Spec, "cohort", ["a", ".."], "SpecBody.cohort"),
    (Spec, "cohort", [], "SpecBody.cohort"),
    (Spec, "wrap_key_digests", [A, SHORT], "SpecBody.wrap_key_digests"),
    (Spec, "wrap_key_digests", [], "SpecBody.wrap_key_digests"),
    (Spec, "contribute_deadline_unix", -1, "SpecBody.contribute_deadline_unix"),
    (Spec, "release_deadline_unix", YEAR_10000, "SpecBody.release_deadline_unix"),
    (Acceptance, "custodian", "K 0", "AcceptanceBody.custodian"),
    (Acceptance, "study", "a" * 64, "AcceptanceBody.study"),
    (Close, "custodian", "K 0", "CloseBody.custodian"),
    (Close, "freeze_digest", SHORT, "CloseBody.freeze_digest"),
    (Close, "manifest_digest", b"", "CloseBody.manifest_digest"),
    (Close, "handed_to", SHORT, "CloseBody.handed_to"),
    (Contribution, "core_header", b"", "ContributionBody.core_header"),
    (Contribution, "wrap_digests", [A, LONG], "ContributionBody.wrap_digests"),
    (Receipt, "client", "", "ReceiptBody.client"),
    (Receipt, "contribution_digest", b"", "ReceiptBody.contribution_digest"),
    (Receipt, "received_unix", -1, "ReceiptBody.received_unix"),
    (HeaderPage, "page", ROUND_TOO_HIGH, "HeaderPageBody.page"),
    (HeaderPage, "contribution_digests", [A, A], "HeaderPageBody.contribution_digests"),
    (HeaderPage, "contribution_digests", [A, b""], "HeaderPageBody.contribution_digests"),
    (Admission, "custodian", "K 0", "AdmissionBody.custodian"),
    (Admission, "page", ROUND_TOO_HIGH, "AdmissionBody.page"),
    (Admission, "root", b"", "AdmissionBody.root"),
    (Admission, "denials.0.client", "", "Denial.client"),
    (Admission, "denials.0.contribution_digest", SHORT, "Denial.contribution_digest"),
    (Admission, "denials.0.rule", "Bad Wrap", "Denial.rule"),
    (Admission, "denials.0.rule", "a" * 64, "Denial.rule"),
    (Freeze, "members.0.client", "zzz", "FreezeBody.members"),
    (Freeze, "members.1.client", "budapest", "FreezeBody.members"),
    (Freeze, "members.1.contribution_digest", SHORT, "Member.contribution_digest"),
    (Freeze, "root", b"", "FreezeBody.root"),
    (Freeze, "left_out.0.client", "", "FreezeBody.left_out"),
    (Freeze, "left_out.0.contribution_digest", LONG, "LeftOut.contribution_digest"),
    (Freeze, "left_out.0.rule", "", "LeftOut.rule"),
    (Endorsement, "custodian", "K 0", "EndorsementBody.custodian"),
    (Endorsement, "freeze_digest", b"", "EndorsementBody.freeze_digest"),
    (Release, "custodian", "K 0", "ReleaseBody.custodian"),
    (Release, "freeze_digest", b"", "ReleaseBody.freeze_digest"),
    (Release, "page", ROUND_TOO_HIGH, "ReleaseBody.page"),
    (Release, "parts.0.part", 5, "ReleaseBody.parts"),
    (Release, "parts.0.part", 4, "ReleaseBody.parts"),
    (Release, "parts.1.part", COUNT_TOO_HIGH, "PartRelease.part"),
    (Release, "parts.1.share", b"", "PartRelease.share"),
    (Certificate, "acceptance_digests", [B, A], "CertificateBody.acceptance_digests"),
    (Certificate, "contribution_digests", [SHORT], "CertificateBody.contribution_digests"),
    (Certificate, "page_digests", [LONG], "CertificateBody.page_digests"),
    (Certificate, "admission_digests", [b""], "CertificateBody.admission_digests"),
    (Certificate, "freeze_digest", b"", "CertificateBody.freeze_digest"),
    (Certificate, "endorsement_digests", [A, A], "CertificateBody.endorsement_digests"),
    (Certificate, "exception_digest", SHORT, "CertificateBody.exception_digest"),
    (Certificate, "release_digests", [B, A], "CertificateBody.release_digests"),
    (Certificate, "sealed_sum_root", b"", "CertificateBody.sealed_sum_root"),
    (Certificate, "aggregate_commitment", SHORT, "CertificateBody.aggregate_commitment"),
    (Certificate, "opened_by", ["k2", "k0"], "CertificateBody.opened_by"),
    (Certificate, "disagreeing", ["K"], "CertificateBody.disagreeing"),
    (Abort, "freeze_digest", LONG, "AbortBody.freeze_digest"),
    (Abort, "rule", "min_cohort", "AbortBody.rule"),
    (Abort, "expected", "two\nlines", "AbortBody.expected"),
    (Refusal, "request_digest", SHORT, "RefusalBody.request_digest"),
    (Refusal, "kind", "maybe", "RefusalBody.kind"),
    (Refusal, "rule", "", "RefusalBody.rule"),
    (Refusal, "expected", "x" * 2_001, "RefusalBody.expected"),
    (Refusal, "expected", "forged\u2028line", "RefusalBody.expected"),
    (Call, "aggregator", "", "CallBody.aggregator"),
    (Call, "method", "NextRound", "CallBody.method"),
    (Call, "issued_unix", YEAR_10000, "CallBody.issued_unix"),
    (Call, "nonce", bytes(17), "CallBody.nonce"),
]

# What stands in many bodies: each is altered in every body that has it.
SHARED_FIELDS: list[tuple[str, Any]] = [
    ("study", ""),
    ("study", "../x"),
    ("study", "Heart"),
    ("study", "a" * 64),
    ("round_number", ROUND_TOO_HIGH),
    ("round_id", SHORT),
    ("round_id", b""),
]

AMENDED_FIELDS = [(Amendment, *case) for case in amendments.FIELDS]
REQUEST_FIELDS = [(OperatorRequest, *case) for case in operator_requests.FIELDS]
CASES = (
    STUDY_FIELDS
    + OWN_FIELDS
    + AMENDED_FIELDS
    + REQUEST_FIELDS
    + [
        (kind, name, value, f"{form.message.DESCRIPTOR.name}.{name}")
        for kind, form in BODY_FORMS.items()
        for name, value in SHARED_FIELDS
        if name in form.message.DESCRIPTOR.fields_by_name
    ]
)

CORE_HEADER: list[tuple[str, Any]] = [
    ("study", ""),
    ("round_number", ROUND_TOO_HIGH),
    ("round_id", SHORT),
    ("client", ".."),
    ("seal", ""),
    ("payload_digest", b""),
    ("payload_bytes", 0),
    ("payload_bytes", COUNT_TOO_HIGH),
    ("seed_commitments", [A, SHORT]),
    ("self_commitment", SHORT),
    ("pair_table_digest", LONG),
]


def put(message: Message, path: str, value: Any) -> None:  # noqa: ANN401
    """Set one field, given its path: "clients.0.name"."""
    *above, name = path.split(".")
    place: Any = message
    for step in above:
        place = place[int(step)] if step.isdigit() else getattr(place, step)
    if isinstance(value, list):
        place.ClearField(name)
        getattr(place, name).extend(value)
    else:
        setattr(place, name, value)


def test_the_examples_that_the_cases_alter_are_accepted(examples: Examples) -> None:
    for kind, value in examples.items():
        form = form_of(kind)
        assert form.from_message(form.to_message(value)) == value


@pytest.mark.parametrize(("kind", "path", "value", "field"), CASES)
def test_a_malformed_field_is_rejected_by_its_name(
    kind: type[Any], path: str, value: object, field: str, examples: Examples
) -> None:
    form = form_of(kind)
    message = form.to_message(examples[kind])
    put(message, path, value)

    with pytest.raises(Rejected) as caught:
        form.from_message(message)

    assert caught.value.rule == "malformed-message"
    assert caught.value.expected.startswith(f"{field}: ")


@pytest.mark.parametrize(("name", "value"), CORE_HEADER)
def test_a_malformed_field_of_a_core_header_is_rejected_by_its_name(
    name: str, value: object, examples: Examples
) -> None:
    message = core_header_to_message(examples[Contribution].core)
    put(message, name, value)

    with pytest.raises(Rejected) as caught:
        core_header_from_message(message)

    assert caught.value.rule == "malformed-message"
    assert caught.value.expected.startswith(f"CoreHeader.{name}: ")


def test_the_messages_that_are_altered_here_cover_every_field_of_every_body(
    examples: Examples,
) -> None:
    """A field that is added to the wire needs a case here, or a reason below."""
    altered = {(kind, path.split(".")[0]) for kind, path, _, _ in CASES}
    unchecked = {  # Whole numbers of 32 bits that only `blindsum_rules` can judge.
        (Manifest, "threshold"),
        (Manifest, "quorum"),
        (Manifest, "min_cohort"),
        (Manifest, "min_organisations"),
        (Manifest, "schedule"),
        # What `test_fields_of_summing.py` alters.
        (Manifest, "privacy"),
        (Manifest, "sparsity"),
        (Manifest, "local_methods"),
        (Manifest, "queries"),
        (Spec, "min_cohort"),
        (Spec, "group"),
    }
    every = {
        (kind, name)
        for kind in examples
        for name in form_of(kind).message.DESCRIPTOR.fields_by_name
    }

    assert every - altered == unchecked
