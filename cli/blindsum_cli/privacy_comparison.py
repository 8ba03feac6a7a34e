"""What a plan's integer noise is held against: the continuous Gaussian, and another accountant.

dp-accounting comes with the extra `privacy`. It is a second opinion, never the first: every
figure of the plan itself is computed without it (docs/adr/0016).
"""

import math
from importlib.util import find_spec

import numpy as np

from blindsum_rules.privacy.accountant import ORDERS, best_order
from blindsum_rules.privacy.continuous_gaussian import gaussian_epsilon
from blindsum_rules.privacy.curves import GaussianCurve
from blindsum_rules.privacy.plan import Plan

EXTRA_MISSING = "pip install 'blindsum[privacy]' for a second opinion by dp-accounting"


def comparisons(plan: Plan) -> dict[str, float]:
    """What was compared to its epsilon, all at the plan's noise multiplier, rounds and delta."""
    rounds, delta = plan.setting.rounds, plan.setting.conversion_delta
    multiplier = plan.noise_multiplier
    rows = {
        "continuous Gaussian, exactly": gaussian_epsilon(multiplier / math.sqrt(rounds), delta),
        "continuous Gaussian, by the same Renyi orders": best_order(
            GaussianCurve(multiplier), rounds, delta
        )[1],
    }
    return rows | _second_opinion(plan) if has_second_opinion() else rows


def has_second_opinion() -> bool:
    """Whether dp-accounting is installed."""
    return find_spec("dp_accounting") is not None


def _second_opinion(plan: Plan) -> dict[str, float]:
    """The same two by dp-accounting: loss distributions (PLD), and its conversion of our curve."""
    from dp_accounting import rdp  # type: ignore[import-untyped]
    from dp_accounting.pld import privacy_loss_distribution  # type: ignore[import-untyped]

    rounds, delta = plan.setting.rounds, plan.setting.conversion_delta
    one_round = privacy_loss_distribution.from_gaussian_mechanism(plan.noise_multiplier)
    composed = one_round.self_compose(rounds)
    divergences = rounds * plan.curve(plan.honest_shares).divergence(ORDERS)
    converted, _ = rdp.compute_epsilon(np.asarray(ORDERS), divergences, delta)
    return {
        "continuous Gaussian, by dp-accounting's PLD": float(composed.get_epsilon_for_delta(delta)),
        "this plan's curve, converted by dp-accounting": float(converted),
    }
