"""An account: what one client or organisation has spent of a private study's budget.

A ledger is a set of accounts. Clients keep their own, custodians one for everybody who is charged;
all of them add the same integers, so that they agree to the last step (docs/adr/0016).
"""

from dataclasses import dataclass

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.accountant import Charge, epsilon_of
from blindsum_rules.privacy.filter import RenyiFilter


@dataclass(frozen=True, slots=True)
class Account:
    """What stands against one budget. It may be overdrawn: what was released is always recorded.

    Attributes:
        payer: Whom it is kept for: a client where the unit is the client, else an organisation.
        budget: The most that may be spent, at the plan's order.
        delta: What epsilons are told at; failures already taken off.
        settled: Charges of sums that count as released, at the noise that was really in them.
        reserved: What its client set aside for contributions whose round is not settled yet, at
            the least noise that is permitted; nothing in a custodian's ledger.
        rounds: How many sums are settled.
    """

    payer: str
    budget: Charge
    delta: float
    settled: Charge
    reserved: Charge
    rounds: int

    @property
    def spent(self) -> Charge:
        """Settled and reserved together: what is not there for another round."""
        return Charge(self.budget.order, self.settled.steps + self.reserved.steps)

    @property
    def left(self) -> Charge:
        """What may still be charged; nothing where it is overdrawn."""
        return Charge(self.budget.order, max(0, self.budget.steps - self.spent.steps))

    @property
    def budget_epsilon(self) -> float:
        """The promise: it holds whatever the rounds were made to depend on."""
        return epsilon_of(self.budget, self.delta)

    @property
    def spent_epsilon(self) -> float:
        """What is settled so far; a promise only where stopping does not depend on the data."""
        return epsilon_of(self.settled, self.delta)

    def affords(self, charge: Charge) -> bool:
        """Whether a charge fits into what is left.

        Raises:
            Refused: `privacy-order`, for a charge at another order.
        """
        spent = min(self.spent.steps, self.budget.steps)
        fits = RenyiFilter(self.budget, self.delta, spent).would_allow(charge)
        return fits and self.spent.steps + charge.steps <= self.budget.steps

    def check_affords(self, charge: Charge) -> None:
        """Check that a charge fits into what is left.

        Raises:
            Refused: `privacy-order`; `privacy-budget`, saying what is left, in nats and in epsilon.
        """
        if self.affords(charge):
            return
        spent_epsilon = epsilon_of(self.spent, self.delta)
        raise Refused(
            "privacy-budget",
            f"expected {self.payer!r} to have {charge.divergence:.6g} nats left at order "
            f"{charge.order} for a round, got {self.left.divergence:.6g}: epsilon "
            f"{spent_epsilon:.4g} of {self.budget_epsilon:.4g} is spent or reserved, the noise "
            "beyond the least that is permitted counted in its favour already",
        )
