"""What came of a round, as one client may believe it."""

from dataclasses import dataclass

from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.freeze import Freeze
from blindsum_rules.signed import Signed


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one round.

    A published round's aggregate is not here: the client acts on it only when its commitment stands
    in an accepted next spec, and then it is the next round's model.

    Attributes:
        round_number: Which round.
        certificate: The verified certificate of a published round, or None.
        freeze: The verified freeze behind it, or None.
        abort: The aggregator's verified notice of an aborted round, or None. It has no effect: a
            contribution is freed by closes alone.
        included: Whether this client's contribution is in the sum.
        left_out_by_rule: Why a receipted contribution is not in the sum, or None.
    """

    round_number: int
    certificate: Signed[Certificate] | None
    freeze: Signed[Freeze] | None
    abort: Signed[Abort] | None
    included: bool
    left_out_by_rule: str | None

    @property
    def published(self) -> bool:
        """Whether the round's sum was opened and published."""
        return self.certificate is not None

    @property
    def aborted_by_rule(self) -> str | None:
        """The rule that ended the round without an aggregate, or None."""
        return None if self.abort is None else self.abort.body.rule
