"""A ledger's arithmetic: a Renyi filter at the one order that the plan fixed.

Charges may depend on what was seen before; the sum stays within the budget, and then the budget's
epsilon holds for the whole study (Feldman and Zrnic, "Individual Privacy Accounting via a Renyi
Filter", 2021; Lecuyer, 2021). That theorem is about one fixed order, so charges at another are
refused. This is a value; clients and custodians store what it says.
"""

from dataclasses import dataclass, replace

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.accountant import Charge, epsilon_of


@dataclass(frozen=True, slots=True)
class RenyiFilter:
    """What may still be spent.

    Attributes:
        budget: The most that may ever be spent, at the plan's order.
        delta: What epsilons are told at; failures already taken off.
        spent_steps: Sum of the charges that stand, in steps of 2^-40 nats.

    Raises:
        Refused: `privacy-budget`, when more is spent than the budget holds; `privacy-charge`, when
            less than nothing is.
    """

    budget: Charge
    delta: float
    spent_steps: int = 0

    def __post_init__(self) -> None:
        if self.spent.steps > self.budget.steps:
            raise Refused(
                "privacy-budget",
                f"expected at most {self.budget.divergence:.6g} nats at order {self.order} to be "
                f"spent, got {self.spent.divergence:.6g}",
            )

    @property
    def order(self) -> int:
        """The order that the plan fixed."""
        return self.budget.order

    @property
    def spent(self) -> Charge:
        """What stands against the budget."""
        return Charge(self.order, self.spent_steps)

    @property
    def left(self) -> Charge:
        """What may still be charged."""
        return Charge(self.order, self.budget.steps - self.spent_steps)

    @property
    def budget_epsilon(self) -> float:
        """The promise: it holds whatever the rounds were made to depend on."""
        return epsilon_of(self.budget, self.delta)

    @property
    def spent_epsilon(self) -> float:
        """What is spent so far; a promise only where stopping does not depend on the data."""
        return epsilon_of(self.spent, self.delta)

    def would_allow(self, charge: Charge) -> bool:
        """Whether the charge fits into what is left.

        Raises:
            Refused: `privacy-order`, for a charge at another order.
        """
        self._check_order(charge)
        return charge.steps <= self.left.steps

    def charge(self, charge: Charge) -> "RenyiFilter":
        """The filter after a charge.

        Raises:
            Refused: `privacy-order`; `privacy-budget`, when it does not fit: nothing is spent then.
        """
        if not self.would_allow(charge):
            raise Refused(
                "privacy-budget",
                f"expected a charge of at most {self.left.divergence:.6g} nats at order "
                f"{self.order}, which is left of epsilon {self.budget_epsilon:.4g}, got "
                f"{charge.divergence:.6g}",
            )
        return replace(self, spent_steps=self.spent_steps + charge.steps)

    def free(self, charge: Charge) -> "RenyiFilter":
        """The filter after a charge was taken back, since what it paid for cannot be opened.

        Raises:
            Refused: `privacy-order`; `privacy-free`, when less than that stands.
        """
        self._check_order(charge)
        if charge.steps > self.spent_steps:
            raise Refused("privacy-free", "expected no more to be freed than was charged")
        return replace(self, spent_steps=self.spent_steps - charge.steps)

    def _check_order(self, charge: Charge) -> None:
        if charge.order != self.order:
            raise Refused(
                "privacy-order", f"expected a charge at order {self.order}, got {charge.order}"
            )
