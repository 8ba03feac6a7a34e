"""The envelope `Signed`: bytes as sent, who signed them, and the value that they spell."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message

from blindsum_protos.convert import fields
from blindsum_protos.convert.strict import parse_strict
from blindsum_protos.v1 import signed_pb2
from blindsum_rules.signed import BodyT, Signed

MessageT = TypeVar("MessageT", bound=Message)


def envelope_to_message(signed: Signed[Any]) -> signed_pb2.Signed:
    """The envelope of any signed value; its body bytes travel untouched."""
    return signed_pb2.Signed(
        body=signed.body_bytes, signer=signed.signer, signature=signed.signature
    )


def envelope_from_message(
    message: signed_pb2.Signed,
    body_class: type[MessageT],
    body_from_message: Callable[[MessageT], BodyT],
) -> Signed[BodyT]:
    """Read an envelope whose body must be of one kind. The signature is not verified here.

    Raises:
        Rejected: `malformed-message`, `unknown-field`, `not-canonical`.
    """
    if not message.body:
        raise fields.malformed("Signed.body", f"the bytes of a {body_class.DESCRIPTOR.name}")
    signer = fields.identifier(message.signer, "Signed.signer")
    signature = fields.exact_bytes(message.signature, fields.SIGNATURE_BYTES, "Signed.signature")
    body = body_from_message(parse_strict(body_class, message.body))
    return Signed(body=body, body_bytes=message.body, signer=signer, signature=signature)


def envelopes_by_signer(
    messages: Iterable[signed_pb2.Signed],
    body_class: type[MessageT],
    body_from_message: Callable[[MessageT], BodyT],
    field: str,
) -> tuple[Signed[BodyT], ...]:
    """Read the envelopes of a list that ascends by signer, one from each.

    Raises:
        Rejected: `malformed-message`, `unknown-field`, `not-canonical`.
    """
    envelopes = tuple(
        envelope_from_message(message, body_class, body_from_message) for message in messages
    )
    fields.ascending_identifiers((envelope.signer for envelope in envelopes), field)
    return envelopes
