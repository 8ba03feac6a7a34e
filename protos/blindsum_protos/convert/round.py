"""round.proto: the spec of a round, a custodian's acceptance and its close."""

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_protos.convert import fields
from blindsum_protos.convert.amendment import amendments_from_messages, amendments_to_messages
from blindsum_protos.convert.envelope import envelope_to_message, envelopes_by_signer
from blindsum_protos.convert.freeze import endorsement_from_message
from blindsum_protos.convert.parameters import (
    ckks_from_message,
    ckks_to_message,
    codec_from_message,
    codec_to_message,
    masking_from_message,
    masking_to_message,
)
from blindsum_protos.v1 import freeze_pb2, round_pb2
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.close import Close
from blindsum_rules.spec import PreviousRound, SealParameters, Spec, SpecKind


def spec_to_message(value: Spec) -> round_pb2.SpecBody:
    """A spec as a message; nested closes and endorsements keep their bytes."""
    parameters = value.parameters
    return round_pb2.SpecBody(
        study=value.study,
        kind=value.kind,
        round_number=value.round_number,
        amendment_digest=value.amendment_digest,
        epoch=value.epoch,
        model_version=value.model_version,
        model_digest=value.model_digest,
        previous=_previous_to_message(value.previous),
        closes=[envelope_to_message(close) for close in value.closes],
        endorsements=[envelope_to_message(endorsement) for endorsement in value.endorsements],
        vector_length=value.vector_length,
        seal=value.seal,
        ckks=ckks_to_message(parameters) if isinstance(parameters, CkksParameters) else None,
        masking=(
            masking_to_message(parameters) if isinstance(parameters, MaskingParameters) else None
        ),
        codec=None if value.codec is None else codec_to_message(value.codec),
        cohort=value.cohort,
        min_cohort=value.min_cohort,
        wrap_key_digests=value.wrap_key_digests,
        contribute_deadline_unix=value.contribute_deadline_unix,
        release_deadline_unix=value.release_deadline_unix,
        amendments=amendments_to_messages(value.amendments),
        group=value.group,
    )


def spec_from_message(message: round_pb2.SpecBody) -> Spec:
    """Read a spec. Signatures of nested closes and endorsements are not verified here.

    Raises:
        Rejected: `malformed-message`, also when an end spec carries what only rounds have;
            `unknown-field` and `not-canonical` for nested bodies.
    """
    fields.present(message, "previous")
    kind = fields.word(SpecKind, message.kind, "SpecBody.kind")
    _check_shape(message, kind)
    return Spec(
        study=fields.identifier(message.study, "SpecBody.study"),
        kind=kind,
        round_number=fields.ordinal(message.round_number, "SpecBody.round_number"),
        amendment_digest=fields.digest(message.amendment_digest, "SpecBody.amendment_digest"),
        epoch=fields.ordinal(message.epoch, "SpecBody.epoch"),
        model_version=fields.ordinal(message.model_version, "SpecBody.model_version"),
        model_digest=fields.digest(message.model_digest, "SpecBody.model_digest"),
        previous=_previous_from_message(message.previous),
        closes=envelopes_by_signer(
            message.closes, round_pb2.CloseBody, close_from_message, "SpecBody.closes"
        ),
        endorsements=envelopes_by_signer(
            message.endorsements,
            freeze_pb2.EndorsementBody,
            endorsement_from_message,
            "SpecBody.endorsements",
        ),
        vector_length=fields.count(message.vector_length, "SpecBody.vector_length", lowest=1),
        seal=fields.identifier(message.seal, "SpecBody.seal"),
        parameters=_parameters_from_message(message),
        codec=codec_from_message(message.codec) if message.HasField("codec") else None,
        cohort=fields.ascending_identifiers(message.cohort, "SpecBody.cohort"),
        min_cohort=message.min_cohort,
        wrap_key_digests=fields.digests(message.wrap_key_digests, "SpecBody.wrap_key_digests"),
        contribute_deadline_unix=fields.unix_seconds(
            message.contribute_deadline_unix, "SpecBody.contribute_deadline_unix"
        ),
        release_deadline_unix=fields.unix_seconds(
            message.release_deadline_unix, "SpecBody.release_deadline_unix"
        ),
        amendments=amendments_from_messages(message.amendments),
        group=message.group,
    )


def acceptance_to_message(value: Acceptance) -> round_pb2.AcceptanceBody:
    """An acceptance as a message."""
    return round_pb2.AcceptanceBody(
        study=value.study,
        round_number=value.round_number,
        round_id=value.round_id,
        custodian=value.custodian,
    )


def acceptance_from_message(message: round_pb2.AcceptanceBody) -> Acceptance:
    """Read an acceptance.

    Raises:
        Rejected: `malformed-message`.
    """
    return Acceptance(
        study=fields.identifier(message.study, "AcceptanceBody.study"),
        round_number=fields.ordinal(message.round_number, "AcceptanceBody.round_number"),
        round_id=fields.digest(message.round_id, "AcceptanceBody.round_id"),
        custodian=fields.identifier(message.custodian, "AcceptanceBody.custodian"),
    )


def close_to_message(value: Close) -> round_pb2.CloseBody:
    """A close as a message."""
    return round_pb2.CloseBody(
        study=value.study,
        round_number=value.round_number,
        freeze_digest=value.freeze_digest,
        custodian=value.custodian,
        manifest_digest=value.manifest_digest,
        handed_to=value.handed_to,
    )


def close_from_message(message: round_pb2.CloseBody) -> Close:
    """Read a close.

    Raises:
        Rejected: `malformed-message`.
    """
    return Close(
        study=fields.identifier(message.study, "CloseBody.study"),
        round_number=fields.ordinal(message.round_number, "CloseBody.round_number"),
        freeze_digest=fields.optional_digest(message.freeze_digest, "CloseBody.freeze_digest"),
        custodian=fields.identifier(message.custodian, "CloseBody.custodian"),
        manifest_digest=fields.digest(message.manifest_digest, "CloseBody.manifest_digest"),
        handed_to=fields.optional_digest(message.handed_to, "CloseBody.handed_to"),
    )


def _check_shape(message: round_pb2.SpecBody, kind: SpecKind) -> None:
    is_round = kind is SpecKind.ROUND
    carried = {
        "masking" if message.HasField("masking") else "ckks": (
            message.HasField("masking") or message.HasField("ckks")
        ),
        "cohort": bool(message.cohort),
        "wrap_key_digests": bool(message.wrap_key_digests),
    }
    for name, is_there in carried.items():
        if is_there is not is_round:
            raise fields.malformed(f"SpecBody.{name}", "it in round specs, and in these alone")


def _parameters_from_message(message: round_pb2.SpecBody) -> SealParameters | None:
    if message.HasField("ckks") and message.HasField("masking"):
        raise fields.malformed("SpecBody.masking", "the parameters of one seal")
    if message.HasField("ckks"):
        return ckks_from_message(message.ckks)
    return masking_from_message(message.masking) if message.HasField("masking") else None


def _previous_to_message(previous: PreviousRound) -> round_pb2.PreviousRound:
    return round_pb2.PreviousRound(
        round_id=previous.round_id,
        freeze_digest=previous.freeze_digest,
        aggregate_commitment=previous.aggregate_commitment,
    )


def _previous_from_message(message: round_pb2.PreviousRound) -> PreviousRound:
    return PreviousRound(
        round_id=fields.digest(message.round_id, "PreviousRound.round_id"),
        freeze_digest=fields.optional_digest(message.freeze_digest, "PreviousRound.freeze_digest"),
        aggregate_commitment=fields.optional_digest(
            message.aggregate_commitment, "PreviousRound.aggregate_commitment"
        ),
    )
