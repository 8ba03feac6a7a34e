"""The exceptions that a study used, and what each of them gave away: values of the report."""

from dataclasses import asdict, dataclass
from typing import Any

_MOST_TOLD = 3


@dataclass(frozen=True, slots=True)
class UsedException:
    """One exception that operator and officer signed, and that a released freeze used.

    Attributes:
        round_number: Its round.
        model_version: The version that both sums are of.
        members: How many clients it names, |U|.
        operator: Id of the operator that signed it.
        officer: Id of the privacy officer that signed it.
        reason: Why, in their words.
        gives_away: For each earlier sum that it overlaps, which round's it is and what the
            difference of the two sums is; empty when it was not needed.
    """

    round_number: int
    model_version: int
    members: int
    operator: str
    officer: str
    reason: str
    gives_away: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """All of it in one sentence."""
        told = "; ".join(self.gives_away[:_MOST_TOLD]) or "it overlaps no earlier sum"
        more = len(self.gives_away) - _MOST_TOLD
        rest = f"; and {more} more" if more > 0 else ""
        return (
            f"round {self.round_number} is an exception, signed by operator {self.operator!r} and "
            f"officer {self.officer!r} (reason: {self.reason}): {told}{rest}"
        )

    # Any: plain values of several kinds, for JSON.
    def document(self) -> dict[str, Any]:
        """The same as plain values."""
        return {**asdict(self), "gives_away": list(self.gives_away), "in_words": self.in_words}
