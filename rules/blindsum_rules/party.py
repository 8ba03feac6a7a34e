"""What a party publishes about itself: NAME.identity, self-signed public keys."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from blindsum_crypto import domains


class Role(StrEnum):
    """Who a party is in the protocol."""

    OPERATOR = "operator"
    OFFICER = "officer"
    AGGREGATOR = "aggregator"
    CLIENT = "client"
    CUSTODIAN = "custodian"


@dataclass(frozen=True, slots=True)
class PartyIdentity:
    """The public half of a party's keys, signed by the identity key itself.

    Attributes:
        name: The party's identifier.
        role: What it is enrolled as.
        identity: Ed25519 public key, 32 bytes.
        agreement_key: X25519 public key, 32 bytes; clients only, else empty.
        wrap_suite: HPKE suite of the wrap key; custodians only, else empty.
        wrap_key: HPKE public key; custodians only, else empty.
    """

    DOMAIN: ClassVar[str] = domains.IDENTITY

    name: str
    role: Role
    identity: bytes
    agreement_key: bytes = b""
    wrap_suite: str = ""
    wrap_key: bytes = b""
