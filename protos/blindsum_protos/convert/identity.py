"""identity.proto: what a party publishes about itself (NAME.identity)."""

from typing import Final

from blindsum_crypto.primitives import KEY_BYTES
from blindsum_protos.convert import fields
from blindsum_protos.v1 import identity_pb2
from blindsum_rules.party import PartyIdentity, Role

MLKEM768_PUBLIC_BYTES: Final = 1184

WRAP_KEY_BYTES: Final = {
    "mlkem768x25519": MLKEM768_PUBLIC_BYTES + KEY_BYTES,
    "x25519": KEY_BYTES,
}
"""Length of a public wrap key by suite."""


def identity_to_message(value: PartyIdentity) -> identity_pb2.IdentityBody:
    """A party's public keys as a message."""
    return identity_pb2.IdentityBody(
        name=value.name,
        role=value.role,
        identity=value.identity,
        agreement_key=value.agreement_key,
        wrap_suite=value.wrap_suite,
        wrap_key=value.wrap_key,
    )


def identity_from_message(message: identity_pb2.IdentityBody) -> PartyIdentity:
    """Read a party's public keys; clients carry an agreement key, custodians a wrap key.

    Raises:
        Rejected: `malformed-message`.
    """
    role = fields.word(Role, message.role, "IdentityBody.role")
    is_client = role is Role.CLIENT
    agreement_key = fields.exact_bytes(
        message.agreement_key, KEY_BYTES if is_client else 0, "IdentityBody.agreement_key"
    )
    if role is Role.CUSTODIAN:
        check_wrap_key(message.wrap_suite, message.wrap_key, "IdentityBody.wrap_key")
    elif message.wrap_suite or message.wrap_key:
        raise fields.malformed("IdentityBody.wrap_key", "a wrap key of custodians only")
    return PartyIdentity(
        name=fields.identifier(message.name, "IdentityBody.name"),
        role=role,
        identity=fields.public_key(message.identity, "IdentityBody.identity"),
        agreement_key=agreement_key,
        wrap_suite=message.wrap_suite,
        wrap_key=message.wrap_key,
    )


def check_wrap_key(suite: str, key: bytes, field: str) -> None:
    """Check that a suite is known and its public wrap key has the suite's length.

    Raises:
        Rejected: `malformed-message`.
    """
    if suite not in WRAP_KEY_BYTES:
        raise fields.malformed(field, f"a suite of {', '.join(WRAP_KEY_BYTES)}")
    fields.exact_bytes(key, WRAP_KEY_BYTES[suite], field)
