"""manifest.proto: the study manifest, the officer's approval, and the file of both."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from blindsum_protos.convert import fields
from blindsum_protos.convert.amendment import amendments_from_messages, amendments_to_messages
from blindsum_protos.convert.envelope import envelope_from_message, envelope_to_message
from blindsum_protos.convert.parameters import codec_from_message, codec_to_message
from blindsum_protos.convert.privacy import (
    policy_from_message,
    policy_to_message,
    sparsity_from_message,
    sparsity_to_message,
)
from blindsum_protos.convert.queries import query_from_message, query_to_message
from blindsum_protos.convert.roster import (
    clients_from_messages,
    clients_to_messages,
    custodians_from_messages,
    custodians_to_messages,
    party_from_message,
    party_to_message,
)
from blindsum_protos.convert.strict import canonical_bytes, parse_strict
from blindsum_protos.v1 import manifest_pb2
from blindsum_rules.amendment import SignedAmendment
from blindsum_rules.manifest import Approval, DifferencingScope, Manifest, Schedule, StudyKind
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.signed import Signed

_MAX_DIMENSIONS: Final = 32
"""Most dimensions of one array: what numpy 1.26 holds."""


def manifest_to_message(value: Manifest) -> manifest_pb2.ManifestBody:
    """A study manifest as a message."""
    return manifest_pb2.ManifestBody(
        study=value.study,
        purpose=value.purpose,
        permit=value.permit,
        kind=value.kind,
        seals=value.seals,
        operator=party_to_message(value.operator),
        officer=None if value.officer is None else party_to_message(value.officer),
        aggregator=party_to_message(value.aggregator),
        clients=clients_to_messages(value.clients),
        custodians=custodians_to_messages(value.custodians),
        threshold=value.threshold,
        quorum=value.quorum,
        min_cohort=value.min_cohort,
        min_organisations=value.min_organisations,
        codec=None if value.codec is None else codec_to_message(value.codec),
        layout=[_array_to_message(array) for array in value.layout.arrays],
        initial_model_digest=value.initial_model_digest,
        update_rule=value.update_rule,
        server_learning_rate=value.server_learning_rate,
        schedule=_schedule_to_message(value.schedule),
        no_differencing=value.no_differencing,
        not_before_unix=value.not_before_unix,
        not_after_unix=value.not_after_unix,
        privacy=None if value.privacy is None else policy_to_message(value.privacy),
        sparsity=None if value.sparsity is None else sparsity_to_message(value.sparsity),
        local_methods=value.local_methods,
        queries=[query_to_message(query) for query in value.queries],
    )


def manifest_from_message(message: manifest_pb2.ManifestBody) -> Manifest:
    """Read a manifest's shape; `blindsum_rules.manifest_checks` judges its content.

    Raises:
        Rejected: `malformed-message`.
    """
    fields.present(message, "operator", "aggregator", "schedule")
    scope = message.no_differencing
    return Manifest(
        study=fields.identifier(message.study, "ManifestBody.study"),
        purpose=fields.words(message.purpose, "ManifestBody.purpose"),
        permit=fields.words(message.permit, "ManifestBody.permit"),
        kind=fields.word(StudyKind, message.kind, "ManifestBody.kind"),
        seals=tuple(fields.identifier(seal, "ManifestBody.seals") for seal in message.seals),
        operator=party_from_message(message.operator, "ManifestBody.operator"),
        officer=(
            party_from_message(message.officer, "ManifestBody.officer")
            if message.HasField("officer")
            else None
        ),
        aggregator=party_from_message(message.aggregator, "ManifestBody.aggregator"),
        clients=clients_from_messages(message.clients),
        custodians=custodians_from_messages(message.custodians),
        threshold=message.threshold,
        quorum=message.quorum,
        min_cohort=message.min_cohort,
        min_organisations=message.min_organisations,
        codec=codec_from_message(message.codec) if message.HasField("codec") else None,
        layout=Layout(tuple(_array_from_message(array) for array in message.layout)),
        initial_model_digest=fields.digest(
            message.initial_model_digest, "ManifestBody.initial_model_digest"
        ),
        update_rule=fields.identifier(message.update_rule, "ManifestBody.update_rule"),
        server_learning_rate=fields.positive(
            message.server_learning_rate, "ManifestBody.server_learning_rate"
        ),
        schedule=_schedule_from_message(message.schedule),
        no_differencing=fields.word(DifferencingScope, scope, "ManifestBody.no_differencing"),
        not_before_unix=fields.unix_seconds(
            message.not_before_unix, "ManifestBody.not_before_unix"
        ),
        not_after_unix=fields.unix_seconds(message.not_after_unix, "ManifestBody.not_after_unix"),
        privacy=policy_from_message(message.privacy) if message.HasField("privacy") else None,
        sparsity=sparsity_from_message(message.sparsity) if message.HasField("sparsity") else None,
        local_methods=fields.ascending_identifiers(
            message.local_methods, "ManifestBody.local_methods"
        ),
        queries=tuple(query_from_message(query) for query in message.queries),
    )


def approval_to_message(value: Approval) -> manifest_pb2.ApprovalBody:
    """An officer's approval as a message."""
    return manifest_pb2.ApprovalBody(study=value.study, manifest_digest=value.manifest_digest)


def approval_from_message(message: manifest_pb2.ApprovalBody) -> Approval:
    """Read an officer's approval.

    Raises:
        Rejected: `malformed-message`.
    """
    return Approval(
        study=fields.identifier(message.study, "ApprovalBody.study"),
        manifest_digest=fields.digest(message.manifest_digest, "ApprovalBody.manifest_digest"),
    )


class ManifestFile(NamedTuple):
    """What STUDY.manifest holds.

    Attributes:
        manifest: Signed by the operator.
        approval: The officer's approval, if one is named.
        amendments: What was amended since, in order.
    """

    manifest: Signed[Manifest]
    approval: Signed[Approval] | None
    amendments: tuple[SignedAmendment, ...] = ()


def manifest_file_to_bytes(
    manifest: Signed[Manifest],
    approval: Signed[Approval] | None,
    amendments: Sequence[SignedAmendment] = (),
) -> bytes:
    """The file STUDY.manifest: the manifest, an officer's approval, and what was amended since."""
    return canonical_bytes(
        manifest_pb2.ManifestFile(
            manifest=envelope_to_message(manifest),
            approval=None if approval is None else envelope_to_message(approval),
            amendments=amendments_to_messages(amendments),
        )
    )


def manifest_file_from_bytes(data: bytes) -> ManifestFile:
    """Read STUDY.manifest: structure only.

    `blindsum_rules.manifest_checks.check_signed_manifest` verifies manifest and approval, and
    `blindsum_rules.amended_manifest.AmendedManifest.amended` the amendments.

    Raises:
        Rejected: `malformed-message`, `unknown-field`, `not-canonical`.
    """
    message = parse_strict(manifest_pb2.ManifestFile, data)
    fields.present(message, "manifest")
    manifest = envelope_from_message(
        message.manifest, manifest_pb2.ManifestBody, manifest_from_message
    )
    approval = (
        envelope_from_message(message.approval, manifest_pb2.ApprovalBody, approval_from_message)
        if message.HasField("approval")
        else None
    )
    return ManifestFile(manifest, approval, amendments_from_messages(message.amendments))


def _array_to_message(array: NamedArray) -> manifest_pb2.NamedArray:
    return manifest_pb2.NamedArray(name=array.name, shape=array.shape)


def _array_from_message(message: manifest_pb2.NamedArray) -> NamedArray:
    # Frameworks name their arrays ("conv1.weight"), so the name is a line of text, no identifier.
    fields.number(len(message.shape), "NamedArray.shape", 0, _MAX_DIMENSIONS)
    return NamedArray(
        name=fields.sentence(message.name, "NamedArray.name"),
        shape=tuple(fields.count(size, "NamedArray.shape", lowest=1) for size in message.shape),
    )


def _schedule_to_message(schedule: Schedule) -> manifest_pb2.Schedule:
    return manifest_pb2.Schedule(
        max_rounds=schedule.max_rounds,
        accept_seconds=schedule.accept_seconds,
        contribute_seconds=schedule.contribute_seconds,
        release_seconds=schedule.release_seconds,
        pause_seconds=schedule.pause_seconds,
        quota=schedule.quota,
    )


def _schedule_from_message(message: manifest_pb2.Schedule) -> Schedule:
    return Schedule(
        max_rounds=message.max_rounds,
        accept_seconds=message.accept_seconds,
        contribute_seconds=message.contribute_seconds,
        release_seconds=message.release_seconds,
        pause_seconds=message.pause_seconds,
        quota=message.quota,
    )
