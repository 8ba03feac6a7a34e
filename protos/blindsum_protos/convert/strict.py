"""Strict parsing: bytes of a message count only if our own serialisation would repeat them.

Protobuf readers skip what they do not know and accept many spellings of one value. A signed body
must mean the same to everybody, so this door accepts exactly one spelling: fields in ascending
order, no unknown fields at any depth, no defaults written out, shortest lengths and integers.
"""

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from blindsum_crypto.errors import Rejected

MessageT = TypeVar("MessageT", bound=Message)


def canonical_bytes(message: Message) -> bytes:
    """The one serialisation of a message that `parse_strict` accepts."""
    return message.SerializeToString(deterministic=True)


def parse_strict(kind: type[MessageT], data: bytes) -> MessageT:
    """Parse the canonical bytes of one message.

    Args:
        kind: The generated class of the message.
        data: Its bytes; they are parsed and serialised again, so about three times their memory
            is needed for a moment.

    Raises:
        Rejected: `malformed-message` when the bytes are no such message, `unknown-field` when a
            field at any depth is not in the .proto file or has another wire type,
            `not-canonical` when another spelling of the same values is the canonical one.
    """
    name = kind.DESCRIPTOR.name
    message = kind()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise Rejected("malformed-message", f"expected the bytes of a {name}") from error
    refuse_unknown_fields(message)
    if canonical_bytes(message) != data:
        raise Rejected("not-canonical", f"{name}: expected the canonical bytes of its values")
    return message


def refuse_unknown_fields(message: Message) -> None:
    """Check that a parsed message holds no unknown field at any depth.

    The unknown fields are dropped from the message on the way; a message that is refused must not
    be used. Live doors call it for what gRPC parsed for them.

    Raises:
        Rejected: `unknown-field`.
    """
    byte_count = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != byte_count:
        raise Rejected(
            "unknown-field", f"{message.DESCRIPTOR.name}: expected the fields of version 1 only"
        )
