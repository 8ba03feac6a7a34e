"""manifest.proto: amendments, by the hands that sign them."""

from collections.abc import Iterable

from blindsum_protos.convert import fields
from blindsum_protos.convert.envelope import envelope_from_message, envelope_to_message
from blindsum_protos.convert.roster import (
    clients_from_messages,
    clients_to_messages,
    custodians_from_messages,
    custodians_to_messages,
)
from blindsum_protos.v1 import manifest_pb2, signed_pb2
from blindsum_rules.amendment import Amendment, NewCommittee, SignedAmendment
from blindsum_rules.signed import Signed


def amendment_to_message(value: Amendment) -> manifest_pb2.AmendmentBody:
    """An amendment as a message."""
    committee = value.committee
    return manifest_pb2.AmendmentBody(
        study=value.study,
        number=value.number,
        previous_digest=value.previous_digest,
        reason=value.reason,
        joined=clients_to_messages(value.joined),
        rotated=clients_to_messages(value.rotated),
        left=value.left,
        revoked=value.revoked,
        committee=None if committee is None else _committee_to_message(committee),
    )


def amendment_from_message(message: manifest_pb2.AmendmentBody) -> Amendment:
    """Read an amendment.

    Raises:
        Rejected: `malformed-message`.
    """
    return Amendment(
        study=fields.identifier(message.study, "AmendmentBody.study"),
        number=fields.count(message.number, "AmendmentBody.number", lowest=1),
        previous_digest=fields.digest(message.previous_digest, "AmendmentBody.previous_digest"),
        reason=fields.sentence(message.reason, "AmendmentBody.reason"),
        joined=clients_from_messages(message.joined, "AmendmentBody.joined"),
        rotated=clients_from_messages(message.rotated, "AmendmentBody.rotated"),
        left=fields.ascending_identifiers(message.left, "AmendmentBody.left"),
        revoked=fields.ascending_identifiers(message.revoked, "AmendmentBody.revoked"),
        committee=(
            _committee_from_message(message.committee) if message.HasField("committee") else None
        ),
    )


def amendments_to_messages(
    values: Iterable[SignedAmendment],
) -> list[manifest_pb2.SignedAmendment]:
    """Signed amendments as messages; their bytes travel untouched."""
    return [
        manifest_pb2.SignedAmendment(
            operator=envelope_to_message(value.operator),
            officer=None if value.officer is None else envelope_to_message(value.officer),
        )
        for value in values
    ]


def amendments_from_messages(
    messages: Iterable[manifest_pb2.SignedAmendment],
) -> tuple[SignedAmendment, ...]:
    """Read signed amendments: structure only.

    `blindsum_rules.amended_manifest.AmendedManifest.amended` verifies what comes back.

    Raises:
        Rejected: `malformed-message`, `unknown-field`, `not-canonical`.
    """
    return tuple(_signed_from_message(message) for message in messages)


def _signed_from_message(message: manifest_pb2.SignedAmendment) -> SignedAmendment:
    fields.present(message, "operator")
    officer = _envelope(message.officer) if message.HasField("officer") else None
    return SignedAmendment(_envelope(message.operator), officer)


def _envelope(message: signed_pb2.Signed) -> Signed[Amendment]:
    return envelope_from_message(message, manifest_pb2.AmendmentBody, amendment_from_message)


def _committee_to_message(value: NewCommittee) -> manifest_pb2.NewCommittee:
    return manifest_pb2.NewCommittee(
        custodians=custodians_to_messages(value.custodians),
        threshold=value.threshold,
        quorum=value.quorum,
    )


def _committee_from_message(message: manifest_pb2.NewCommittee) -> NewCommittee:
    return NewCommittee(
        custodians=custodians_from_messages(message.custodians, "NewCommittee.custodians"),
        threshold=message.threshold,
        quorum=message.quorum,
    )
