"""An amendment as the report tells of it: since when, why, by whose hands, and what it changed."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class AmendmentInForce:
    """An amendment as the report tells of it.

    Attributes:
        number: 1, 2, 3, ...
        round_number: The round whose spec put it in force; an end spec's takes the next number.
        reason: Why, in the operator's words.
        signed_by: Whose hands are on it, in words.
        changes: What it changes, in words.
    """

    number: int
    round_number: int
    reason: str
    signed_by: str
    changes: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """Everything of it in one sentence."""
        return (
            f"amendment {self.number} is in force from round {self.round_number} on, signed by "
            f"{self.signed_by}: {'; '.join(self.changes)} (reason: {self.reason})"
        )

    # Any: plain values of several kinds, for JSON.
    def document(self) -> dict[str, Any]:
        """It as plain values for JSON."""
        return {
            "number": self.number,
            "round": self.round_number,
            "reason": self.reason,
            "signed_by": self.signed_by,
            "changes": list(self.changes),
        }
