"""The aggregator's receipt: given after the durable commit, and evidence if it is not honoured."""

from dataclasses import dataclass
from typing import ClassVar

from blindsum_crypto import domains


@dataclass(frozen=True, slots=True)
class Receipt:
    """The aggregator holds this contribution durably.

    Attributes:
        study: Study id.
        round_number: Number of the round.
        round_id: The round's id, 32 bytes.
        client: The contributing client.
        contribution_digest: Digest of the signed contribution, 32 bytes.
        received_unix: UTC seconds at the durable commit.
    """

    DOMAIN: ClassVar[str] = domains.RECEIPT

    study: str
    round_number: int
    round_id: bytes
    client: str
    contribution_digest: bytes
    received_unix: int
