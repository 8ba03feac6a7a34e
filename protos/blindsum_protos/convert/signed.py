"""The one way to sign a body and the one way to open what somebody else signed."""

from collections.abc import Iterable, Mapping
from typing import Any

from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import Identity
from blindsum_protos.convert import fields
from blindsum_protos.convert.bodies import form_of
from blindsum_protos.convert.envelope import envelope_from_message, envelope_to_message
from blindsum_protos.convert.strict import canonical_bytes, parse_strict, refuse_unknown_fields
from blindsum_protos.v1 import signed_pb2
from blindsum_rules.signed import BodyT, Signed, signing_input, verify


def sign(body: BodyT, signer: str, identity: Identity) -> Signed[BodyT]:
    """Serialise a body canonically and sign its bytes.

    The bytes are read back first: nobody signs what every receiver would refuse.

    Args:
        body: The value; its class names the domain of the signature.
        signer: Id under which the receiver finds the public key.
        identity: The signer's key pair.

    Raises:
        Rejected: `malformed-message`, when a field does not hold what the wire demands.
        Refused: `unsignable-body`, when a number fits no field, or the bytes give back another
            value (a contribution whose core bytes are not its core's).
    """
    fields.identifier(signer, "Signed.signer")
    name = type(body).__name__
    form = form_of(type(body))
    try:
        message = form.to_message(body)
    except (TypeError, ValueError) as error:
        raise Refused("unsignable-body", f"{name}: expected values that fit its fields") from error
    if form.from_message(message) != body:
        raise Refused("unsignable-body", f"{name}: expected a value that its bytes give back")
    body_bytes = canonical_bytes(message)
    signature = identity.sign(signing_input(body.DOMAIN, body_bytes))
    return Signed(body=body, body_bytes=body_bytes, signer=signer, signature=signature)


def parse_signed(kind: type[BodyT], message: signed_pb2.Signed) -> Signed[BodyT]:
    """Read a signed message of one kind: its structure, not its signature.

    Args:
        kind: The value that the body must spell.
        message: The envelope; unknown fields in it are refused too.

    Raises:
        Rejected: `malformed-message` (names the field), `unknown-field` (at any depth),
            `not-canonical`.
    """
    refuse_unknown_fields(message)
    form = form_of(kind)
    return envelope_from_message(message, form.message, form.from_message)


def open_signed(
    kind: type[BodyT], message: signed_pb2.Signed, signers: Mapping[str, bytes]
) -> Signed[BodyT]:
    """Read a signed message and verify its signature.

    Args:
        kind: The value that the body must spell.
        message: The envelope.
        signers: Id to Ed25519 public key (32 bytes) of everybody who may sign this.

    Raises:
        Rejected: as `parse_signed`; `unknown-signer`, `bad-signature`.
    """
    return verify(parse_signed(kind, message), signers)


def to_wire(signed: Signed[Any]) -> signed_pb2.Signed:
    """The envelope of a signed value, its bytes as they were signed."""
    return envelope_to_message(signed)


def signed_to_bytes(signed: Signed[Any]) -> bytes:
    """The canonical bytes of the envelope: what stores, files and metadata hold."""
    return canonical_bytes(to_wire(signed))


def signed_from_bytes(
    kind: type[BodyT], data: bytes, signers: Mapping[str, bytes] | None = None
) -> Signed[BodyT]:
    """Read the canonical bytes of an envelope; verify the signature if `signers` are given.

    Raises:
        Rejected: as `parse_signed`, and `not-canonical` for the envelope; with `signers` also
            `unknown-signer`, `bad-signature`.
    """
    signed = parse_signed(kind, parse_strict(signed_pb2.Signed, data))
    return signed if signers is None else verify(signed, signers)


def signed_list_to_bytes(items: Iterable[Signed[Any]]) -> bytes:
    """The canonical bytes of a SignedList: a transcript's file of messages of one kind."""
    return canonical_bytes(signed_pb2.SignedList(items=[to_wire(item) for item in items]))


def signed_list_from_bytes(kind: type[BodyT], data: bytes) -> tuple[Signed[BodyT], ...]:
    """Read a SignedList of one kind, in its order: structure, not signatures.

    Raises:
        Rejected: as `signed_from_bytes` without signers.
    """
    messages = parse_strict(signed_pb2.SignedList, data).items
    return tuple(parse_signed(kind, message) for message in messages)
