"""From what a study wants to a plan: noise, levels, width and order are derived, never chosen.

L is the smallest at which the integers cost at most 1 % of epsilon, then whatever still fits into
the field that this L needs anyway: finer levels there are free (docs/privacy.md, 7).
Where the sampler could not draw so much noise at that L, L is the largest at which it can.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_crypto.packing import largest_field
from blindsum_rules.codec.parameters import MAX_LEVELS
from blindsum_rules.privacy.accountant import CHARGE_BITS, best_order
from blindsum_rules.privacy.curves import GaussianCurve
from blindsum_rules.privacy.field import field_bits, noise_tail, smallest
from blindsum_rules.privacy.guarantee import Relation
from blindsum_rules.privacy.noise import MAX_VARIANCE, NoiseLaw
from blindsum_rules.privacy.plan import SMALLEST_SHARE, Plan, curve_of
from blindsum_rules.privacy.seals import filled_bits
from blindsum_rules.privacy.setting import Setting

INFLATION: Final = 1.01
"""Epsilon of the integers over epsilon of the continuous Gaussian of the same noise multiplier,
at most, both over the same integer orders: so that only what L can change is compared."""

MAX_FILLED_VARIANCE: Final = 1 << 28
"""Levels are filled up to shares of a deviation of 16,384: a sampler's table of 4 MiB. Beyond, its
table would cost more than the last thousandths of epsilon are worth."""

_FALLBACK_LEVELS: Final = 2048
_MAX_DOUBLINGS: Final = 128
_HALVINGS: Final = 60


def plan_for_noise(setting: Setting, noise_multiplier: float, seal: str = "ckks") -> Plan:
    """The plan whose honest shares together have the deviation z*C, or a little more.

    Args:
        setting: What it is for.
        noise_multiplier: z; above 0.
        seal: `ckks` or `masking`: whose field the levels fill.

    Raises:
        Refused: `privacy-noise-multiplier`; what `Plan` refuses; a rule of the seal.
    """
    if not (math.isfinite(noise_multiplier) and noise_multiplier > 0):
        raise Refused("privacy-noise-multiplier", "expected a finite number above 0")
    shares = setting.honest_shares

    def share_variance(levels: int) -> float:
        return (noise_multiplier * levels) ** 2 / shares

    return _derive(_Derivation(setting, share_variance), seal)


def plan_for_epsilon(setting: Setting, epsilon: float, seal: str = "ckks") -> Plan:
    """The plan with the least noise that stays within epsilon over all rounds.

    Args:
        setting: What it is for.
        epsilon: The whole study's; above 0.
        seal: `ckks` or `masking`: whose field the levels fill.

    Raises:
        Refused: `privacy-epsilon`, when no noise reaches it, or so little cannot hold delta; what
            `Plan` refuses; a rule of the seal.
    """
    # Every round is charged in whole steps, which costs one a round at most.
    goal = epsilon - math.ldexp(setting.rounds, -CHARGE_BITS)
    if not (math.isfinite(goal) and goal > 0):
        raise Refused("privacy-epsilon", f"expected a finite epsilon above 0, got {epsilon:g}")

    @cache
    def share_variance(levels: int) -> float:
        return _least_variance(setting, levels, goal)

    plan = _derive(_Derivation(setting, share_variance), seal)
    plan.check_delta()
    return plan


@dataclass(frozen=True, slots=True)
class _Derivation:
    """A setting, and the variance of a share that its aim asks for at L levels, in levels^2."""

    setting: Setting
    share_variance: Callable[[int], float]

    def whole_variance(self, levels: int) -> int:
        """mu_l; rounding up adds noise, so it never costs privacy."""
        return max(math.ceil(self.share_variance(levels)), 1)

    def is_fine_enough(self, levels: int) -> bool:
        """Whether L levels cost no more than `INFLATION`."""
        setting, shares = self.setting, self.setting.honest_shares
        variance = self.share_variance(levels)
        if variance <= SMALLEST_SHARE[setting.mechanism]:
            return False
        curve = curve_of(setting, levels, variance, shares)
        replaced = 2 if setting.relation is Relation.REPLACE_ONE else 1
        gaussian = GaussianCurve(math.sqrt(shares * variance) / (replaced * levels))
        delta = setting.conversion_delta
        _, epsilon = best_order(curve, setting.rounds, delta)
        _, continuous = best_order(gaussian, setting.rounds, delta)
        return epsilon <= INFLATION * continuous

    def need(self, levels: int) -> int:
        """The largest absolute sum of all clients that a field must hold."""
        clients = self.setting.cohort.clients
        variance = clients * self.whole_variance(levels)
        tail = noise_tail(self.setting.mechanism, variance, self.setting.dimension)
        return clients * self.setting.coordinate_bound(levels) + tail

    def may_fill(self, levels: int, largest: int) -> bool:
        """Whether a field holds L levels, and a table of moderate size their noise."""
        return (
            levels <= MAX_LEVELS
            and self.need(levels) <= largest
            and self.whole_variance(levels) <= MAX_FILLED_VARIANCE
        )


def fallback_levels(dimension: int) -> int:
    """L where no L meets `INFLATION`: 2^ceil(log2 max(8 sqrt d, 2048)), 2^18 at most."""
    wanted = max(8 * math.sqrt(dimension), _FALLBACK_LEVELS)
    return min(1 << math.ceil(math.log2(wanted)), MAX_LEVELS)


def _derive(derivation: _Derivation, seal: str) -> Plan:
    setting = derivation.setting
    levels = _filled_levels(derivation, seal, _smallest_levels(derivation))
    variance = derivation.whole_variance(levels)
    curve = curve_of(setting, levels, float(variance), setting.honest_shares)
    order, _ = best_order(curve, setting.rounds, setting.conversion_delta)
    bits = field_bits(derivation.need(levels))
    return Plan(setting, levels, NoiseLaw(setting.mechanism, variance), bits, order)


def _smallest_levels(derivation: _Derivation) -> int:
    """The smallest L that is fine enough, or the largest below it whose noise can be drawn."""
    if not derivation.is_fine_enough(MAX_LEVELS):
        wanted = fallback_levels(derivation.setting.dimension)
    else:
        wanted = smallest(lambda levels: levels >= MAX_LEVELS or derivation.is_fine_enough(levels))
    if derivation.whole_variance(wanted) <= MAX_VARIANCE:
        return wanted
    return max(1, smallest(lambda levels: derivation.whole_variance(levels) > MAX_VARIANCE) - 1)


def _filled_levels(derivation: _Derivation, seal: str, levels: int) -> int:
    """The largest L for which no byte more is sent than for the smallest that will do."""
    setting = derivation.setting
    needed = field_bits(derivation.need(levels))
    bits = filled_bits(seal, setting.dimension, setting.cohort.clients, needed)
    largest = largest_field(bits)
    beyond = smallest(lambda more: not derivation.may_fill(levels + more, largest))
    return levels + beyond - 1


def _least_variance(setting: Setting, levels: int, epsilon: float) -> float:
    """The least variance of a share whose rounds stay within epsilon, and the mechanism's least."""
    shares, delta = setting.honest_shares, setting.conversion_delta

    def holds(variance: float) -> bool:
        curve = curve_of(setting, levels, variance, shares)
        return best_order(curve, setting.rounds, delta)[1] <= epsilon

    low = float(SMALLEST_SHARE[setting.mechanism])
    if holds(low):
        return low
    high = low
    for _ in range(_MAX_DOUBLINGS):
        high *= 2
        if holds(high):
            break
    else:
        raise Refused(
            "privacy-epsilon", f"expected an epsilon that noise can reach, got {epsilon:g}"
        )
    low = high / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
