"""What the private study promises, against one hospital that is curious and against several."""

from dataclasses import dataclass
from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.accountant import best_order, charge_of, epsilon_of
from blindsum_rules.privacy.effective_noise import honest_shares_in
from blindsum_rules.privacy.plan import Plan

MOST_COLLUDERS: Final = 3


@dataclass(frozen=True, slots=True)
class Against:
    """What holds against c colluding hospitals.

    Attributes:
        colluders: c.
        shares: n_eff, shares of the smallest permitted sum that they do not know; 0: none.
        epsilon: What the whole study promises, to the last round that its budget pays for, whoever
            is in its sums; None where no noise is left.
        shares_of_all: n_eff of a sum of all hospitals.
        epsilon_of_all: Of the planned rounds, were all hospitals in each of them.
    """

    colluders: int
    shares: int
    epsilon: float | None
    shares_of_all: int
    epsilon_of_all: float | None


def over_colluders(plan: Plan) -> tuple[Against, ...]:
    """The plan's epsilon for c = 1, 2, 3."""
    return tuple(_against(plan, colluders) for colluders in range(1, MOST_COLLUDERS + 1))


def _against(plan: Plan, colluders: int) -> Against:
    cohort = plan.setting.cohort
    shares, epsilon = 0, None
    if colluders <= cohort.most_colluders:
        shares = cohort.honest_shares(colluders)
        epsilon = plan.guarantee_against(colluders).epsilon
    try:
        of_all = honest_shares_in(cohort.clients_by_organisation, colluders)
    except Refused:
        return Against(colluders, shares, epsilon, 0, None)
    return Against(colluders, shares, epsilon, of_all, _epsilon_at(plan, of_all, colluders))


def _epsilon_at(plan: Plan, shares: int, colluders: int) -> float:
    """Of the planned rounds with so many honest shares each.

    At the order of the ledgers where they count these colluders; against more, at the order that is
    best: it follows from the plan alone, so it may be chosen.
    """
    setting, curve = plan.setting, plan.curve(shares)
    order = plan.order
    if colluders > setting.colluders:
        order, _ = best_order(curve, setting.rounds, setting.conversion_delta)
    spent = charge_of(curve, order).times(setting.rounds)
    return epsilon_of(spent, setting.conversion_delta)
