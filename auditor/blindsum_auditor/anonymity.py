"""Among how many clients a frozen set hides each of its members: values of the report."""

from dataclasses import dataclass
from typing import Any

from blindsum_rules.anonymity import AnonymitySet


@dataclass(frozen=True, slots=True)
class RoundAnonymity:
    """The anonymity set of one round's frozen set.

    Attributes:
        round_number: Which round.
        members: |U|.
        hidden: Who is hidden in its sum, whoever of the colluders tells.
    """

    round_number: int
    members: int
    hidden: AnonymitySet

    # Any: plain values of several kinds, for JSON.
    def document(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "round": self.round_number,
            "members": self.members,
            "clients": self.hidden.clients,
            "organisations": self.hidden.organisations,
            "colluders": self.hidden.colluders,
        }


def in_words(rounds: tuple[RoundAnonymity, ...]) -> str:
    """The smallest of them, and the round that it is of."""
    if not rounds:
        return "not known: no round was frozen"
    least = min(rounds, key=lambda one: (one.hidden.clients, one.hidden.organisations))
    return f"{least.hidden.in_words} (round {least.round_number})"
