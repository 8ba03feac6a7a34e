"""A signed refusal: repeatable, and never evidence against who signed it."""

from dataclasses import dataclass
from typing import ClassVar

from blindsum_crypto import domains


@dataclass(frozen=True, slots=True)
class Refusal:
    """Somebody said no to a request.

    Attributes:
        study: Study id.
        request_digest: Digest of the message that was refused, 32 bytes, or empty if unsigned.
        kind: `refused` (policy), `rejected` (malformed), `aborted` or `unavailable`.
        rule: The rule's name.
        expected: One sentence on what was expected.
    """

    DOMAIN: ClassVar[str] = domains.REFUSAL

    study: str
    request_digest: bytes
    kind: str
    rule: str
    expected: str
