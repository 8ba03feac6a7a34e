"""What a private study promised and spent, as an auditor recomputes it: values of the report."""

from dataclasses import dataclass
from typing import Any

from blindsum_rules.privacy.guarantee import Guarantee
from blindsum_rules.privacy.noise import Mechanism


@dataclass(frozen=True, slots=True)
class Spender:
    """Whose units the rounds were charged to: an organisation, or a client that is the unit.

    Attributes:
        name: Its id.
        rounds: Rounds charged to it.
        steps: What they cost together, in steps of 2^-40 nats at the order of the ledgers.
        epsilon: What that stands for; a promise only where stopping does not depend on the data.
    """

    name: str
    rounds: int
    steps: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class PrivacyAccount:
    """A study's differential privacy, recomputed from its manifest and its frozen sets.

    Attributes:
        promise: Epsilon of the whole budget, delta, unit, relation, colluders.
        mechanism: Whose noise.
        noise_multiplier: The deviation of the honest shares of the smallest sum over the clip norm.
        honest_shares: n_eff, shares of the smallest permitted sum that no colluder knows.
        order: The order of the ledgers.
        budget_steps: The budget, in steps of 2^-40 nats at that order.
        planned_rounds: Rounds at their worst that the budget is made for.
        most_rounds: Rounds that may be opened at the most.
        rounds_charged: Rounds whose frozen set counts as released.
        spenders: Everybody who was charged, the dearest first.
        against: The promise of the whole study against other numbers of colluding organisations,
            ascending; with more than the last, no noise is left.
    """

    promise: Guarantee
    mechanism: Mechanism
    noise_multiplier: float
    honest_shares: int
    order: int
    budget_steps: int
    planned_rounds: int
    most_rounds: int
    rounds_charged: int
    spenders: tuple[Spender, ...]
    against: tuple[Guarantee, ...]

    @property
    def spent_epsilon(self) -> float:
        """Epsilon of whoever was charged most; 0 when nobody was."""
        return max((spender.epsilon for spender in self.spenders), default=0.0)

    @property
    def in_words(self) -> str:
        """The promise and what is spent of it, in one sentence."""
        rounds = "round" if self.rounds_charged == 1 else "rounds"
        return (
            f"{self.promise}; {self.rounds_charged} {rounds} charged, at most epsilon "
            f"{self.spent_epsilon:.4g} spent"
        )

    # Any: plain values of several kinds, for JSON.
    def document(self) -> dict[str, Any]:
        """The account as plain values for JSON."""
        return {
            **self.promise.plain,
            "mechanism": self.mechanism.value,
            "noise_multiplier": self.noise_multiplier,
            "honest_shares": self.honest_shares,
            "order": self.order,
            "budget_steps": self.budget_steps,
            "planned_rounds": self.planned_rounds,
            "most_rounds": self.most_rounds,
            "rounds_charged": self.rounds_charged,
            "spent_epsilon": self.spent_epsilon,
            "spent": [
                {
                    "name": spender.name,
                    "rounds": spender.rounds,
                    "steps": spender.steps,
                    "epsilon": spender.epsilon,
                }
                for spender in self.spenders
            ],
            "against": [guarantee.plain for guarantee in self.against],
        }
