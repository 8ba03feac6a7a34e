"""The freeze: the aggregator fixes U, the set whose sum may be opened."""

from dataclasses import dataclass, field
from typing import ClassVar

from blindsum_crypto import domains


@dataclass(frozen=True, slots=True)
class Member:
    """One client of U and the digest of its signed contribution (32 bytes)."""

    client: str
    contribution_digest: bytes


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A contribution that has a receipt and is not in U, with the reason's rule."""

    client: str
    contribution_digest: bytes
    rule: str


@dataclass(frozen=True, slots=True)
class Freeze:
    """U, signed by the aggregator.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: The round's id, 32 bytes.
        members: U by ascending client id.
        root: Merkle root (RFC 6962) over the members' contribution digests in that order.
        left_out: Receipted contributions outside U, by ascending client id.
    """

    DOMAIN: ClassVar[str] = domains.FREEZE

    study: str
    round_number: int
    round_id: bytes
    members: tuple[Member, ...]
    root: bytes
    left_out: tuple[LeftOut, ...]
    _clients: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset())

    @property
    def clients(self) -> frozenset[str]:
        """The client ids of U; the set is built once, and asked for them many times."""
        if len(self._clients) != len(self.members):
            clients = frozenset(member.client for member in self.members)
            object.__setattr__(self, "_clients", clients)
        return self._clients
