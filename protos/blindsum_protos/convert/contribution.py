"""contribution.proto, the client's half: core header, signed body, and the receipt it gets."""

from blindsum_protos.convert import fields
from blindsum_protos.convert.strict import canonical_bytes, parse_strict
from blindsum_protos.v1 import contribution_pb2
from blindsum_rules.header import Contribution, CoreHeader
from blindsum_rules.receipt import Receipt


def core_header_to_message(value: CoreHeader) -> contribution_pb2.CoreHeader:
    """A core header as a message."""
    return contribution_pb2.CoreHeader(
        study=value.study,
        round_number=value.round_number,
        round_id=value.round_id,
        client=value.client,
        seal=value.seal,
        payload_digest=value.payload_digest,
        payload_bytes=value.payload_bytes,
        seed_commitments=value.seed_commitments,
        self_commitment=value.self_commitment,
        pair_table_digest=value.pair_table_digest,
    )


def core_header_from_message(message: contribution_pb2.CoreHeader) -> CoreHeader:
    """Read a core header.

    Raises:
        Rejected: `malformed-message`.
    """
    return CoreHeader(
        study=fields.identifier(message.study, "CoreHeader.study"),
        round_number=fields.ordinal(message.round_number, "CoreHeader.round_number"),
        round_id=fields.digest(message.round_id, "CoreHeader.round_id"),
        client=fields.identifier(message.client, "CoreHeader.client"),
        seal=fields.identifier(message.seal, "CoreHeader.seal"),
        payload_digest=fields.digest(message.payload_digest, "CoreHeader.payload_digest"),
        payload_bytes=fields.count(message.payload_bytes, "CoreHeader.payload_bytes", lowest=1),
        seed_commitments=fields.digests(message.seed_commitments, "CoreHeader.seed_commitments"),
        self_commitment=fields.optional_digest(
            message.self_commitment, "CoreHeader.self_commitment"
        ),
        pair_table_digest=fields.optional_digest(
            message.pair_table_digest, "CoreHeader.pair_table_digest"
        ),
    )


def core_header_bytes(core: CoreHeader) -> bytes:
    """The canonical bytes of a core header: what every wrap is bound to by their digest.

    Raises:
        Rejected: `malformed-message`, when no receiver would read them back.
    """
    message = core_header_to_message(core)
    core_header_from_message(message)
    return canonical_bytes(message)


def core_header_from_bytes(data: bytes) -> CoreHeader:
    """Read the canonical bytes of a core header.

    Raises:
        Rejected: `malformed-message`, `unknown-field`, `not-canonical`.
    """
    return core_header_from_message(parse_strict(contribution_pb2.CoreHeader, data))


def contribution_to_message(value: Contribution) -> contribution_pb2.ContributionBody:
    """The body that a client signs as a message; the core header's bytes travel untouched."""
    return contribution_pb2.ContributionBody(
        core_header=value.core_bytes, wrap_digests=value.wrap_digests
    )


def contribution_from_message(message: contribution_pb2.ContributionBody) -> Contribution:
    """Read the body that a client signs, with the core header inside.

    Raises:
        Rejected: `malformed-message`; `unknown-field` and `not-canonical` for the core header.
    """
    if not message.core_header:
        raise fields.malformed("ContributionBody.core_header", "the bytes of a CoreHeader")
    return Contribution(
        core=core_header_from_bytes(message.core_header),
        core_bytes=message.core_header,
        wrap_digests=fields.digests(message.wrap_digests, "ContributionBody.wrap_digests"),
    )


def receipt_to_message(value: Receipt) -> contribution_pb2.ReceiptBody:
    """A receipt as a message."""
    return contribution_pb2.ReceiptBody(
        study=value.study,
        round_number=value.round_number,
        round_id=value.round_id,
        client=value.client,
        contribution_digest=value.contribution_digest,
        received_unix=value.received_unix,
    )


def receipt_from_message(message: contribution_pb2.ReceiptBody) -> Receipt:
    """Read a receipt.

    Raises:
        Rejected: `malformed-message`.
    """
    return Receipt(
        study=fields.identifier(message.study, "ReceiptBody.study"),
        round_number=fields.ordinal(message.round_number, "ReceiptBody.round_number"),
        round_id=fields.digest(message.round_id, "ReceiptBody.round_id"),
        client=fields.identifier(message.client, "ReceiptBody.client"),
        contribution_digest=fields.digest(
            message.contribution_digest, "ReceiptBody.contribution_digest"
        ),
        received_unix=fields.unix_seconds(message.received_unix, "ReceiptBody.received_unix"),
    )
