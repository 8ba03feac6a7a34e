"""The plan of a private study: levels, noise share, field, order, and every figure that follows.

A plan is checked whenever it is built, so that one which was read is as good as one that was
derived. `derivation.py` finds it.
"""

import math
from dataclasses import dataclass
from typing import Final

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.errors import Refused
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_crypto.packing import largest_field
from blindsum_rules.codec.parameters import MAX_LEVELS
from blindsum_rules.privacy.accountant import Charge, best_order, charge_of, epsilon_of
from blindsum_rules.privacy.curves import DiscreteGaussianSumCurve, RenyiCurve, SkellamCurve
from blindsum_rules.privacy.field import noise_tail
from blindsum_rules.privacy.filter import RenyiFilter
from blindsum_rules.privacy.guarantee import Guarantee
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw
from blindsum_rules.privacy.seals import sealed_sum
from blindsum_rules.privacy.sensitivity import rounded_sensitivity
from blindsum_rules.privacy.setting import Setting

SMALLEST_SHARE: Final = {Mechanism.SKELLAM: 1, Mechanism.DISCRETE_GAUSSIAN: 4}
"""Least variance of one share. Below sigma = 2 a sum of discrete Gaussians is not nearly one."""

_FEWEST_DISCRETE_GAUSSIANS: Final = 2
_ROUNDING_VARIANCE: Final = 0.25  # of one stochastic rounding, at most


@dataclass(frozen=True, slots=True)
class Plan:
    """What the manifest of a private study fixes.

    Attributes:
        setting: What it is for.
        levels: L, integers that the clip norm C maps to; 1 to 2^18.
        share: The law of every coordinate of every client's share; its variance is mu_l.
        field_bits: w, bits of the signed field that holds the sum of all clients.
        order: a*, the one order at which ledgers count; >= 2.

    Raises:
        Refused: `privacy-levels`, `privacy-order`; `privacy-share`, when the shares are too small
            or too few for the mechanism; `privacy-field`, when all clients' worst case and the
            tail of their noise do not fit into the field.
    """

    setting: Setting
    levels: int
    share: NoiseLaw
    field_bits: int
    order: int

    def __post_init__(self) -> None:
        if not 1 <= self.levels <= MAX_LEVELS:
            raise Refused("privacy-levels", f"expected 1 to {MAX_LEVELS}, got {self.levels}")
        if self.share.mechanism is not self.setting.mechanism:
            raise Refused("privacy-share", f"expected {self.setting.mechanism} noise")
        check_share(self.share, self.honest_shares)
        largest = largest_field(self.field_bits)
        if self.worst_sum + self.noise_tail > largest:
            raise Refused(
                "privacy-field",
                f"expected the worst sum {self.worst_sum} and the noise's tail {self.noise_tail} "
                f"to stay within {largest}, which {self.field_bits} bits hold",
            )
        charge_of(self.curve(self.honest_shares), self.order)

    def check_delta(self) -> None:
        """Check that the promise holds at the delta that was asked for, and at no larger one.

        Raises:
            Refused: `privacy-epsilon`, where so little noise cannot hold it.
        """
        if self.guarantee.delta > self.setting.delta:
            raise Refused(
                "privacy-epsilon",
                f"expected an epsilon at which delta {self.setting.delta:g} can hold, got "
                f"{self.guarantee.epsilon:.4g}: what every draw may be off counts e^epsilon times",
            )

    @property
    def honest_shares(self) -> int:
        """n_eff: shares of the smallest permitted sum that no colluder knows."""
        return self.setting.honest_shares

    @property
    def noise_multiplier(self) -> float:
        """z: the deviation of the honest shares' sum over the clip norm C."""
        return math.sqrt(self.honest_shares * self.share.variance) / self.levels

    @property
    def coordinate_bound(self) -> int:
        """X, the largest absolute integer of a client before noise."""
        return self.setting.coordinate_bound(self.levels)

    @property
    def worst_sum(self) -> int:
        """n*X, the largest absolute integer of a sum of all clients before noise."""
        return self.setting.cohort.clients * self.coordinate_bound

    @property
    def noise_tail(self) -> int:
        """tau, beyond which all clients' noise reaches with a chance of 2^-40 a round."""
        variance = self.setting.cohort.clients * self.share.variance
        return noise_tail(self.share.mechanism, variance, self.setting.dimension)

    def curve(self, shares: int) -> RenyiCurve:
        """One round's divergence when so many shares are unknown to the adversary.

        Raises:
            Refused: `privacy-share` below 1 share.
        """
        return curve_of(self.setting, self.levels, float(self.share.variance), shares)

    def round_charge(self, shares: int | None = None) -> Charge:
        """What one round costs at the plan's order.

        Args:
            shares: Shares of the frozen sum that no colluder knows, from `honest_shares_in`; None
                for the fewest that are permitted, at which a client reserves.

        Raises:
            Refused: `privacy-share` below 1.
        """
        count = self.honest_shares if shares is None else shares
        return charge_of(self.curve(count), self.order)

    @property
    def budget(self) -> Charge:
        """The whole study's charge: every round at its worst."""
        return self.round_charge().times(self.setting.rounds)

    def filter(self) -> RenyiFilter:
        """A ledger that begins: nothing is spent."""
        return RenyiFilter(self.budget, self.setting.conversion_delta)

    @property
    def guarantee(self) -> Guarantee:
        """The promise of the whole study: the budget's epsilon."""
        return self.guarantee_after(self.setting.rounds)

    def guarantee_after(self, rounds: int) -> Guarantee:
        """The promise of a study that makes so many rounds and no more, at the plan's order."""
        spent = self.round_charge().times(rounds)
        return self._guarantee(epsilon_of(spent, self.setting.conversion_delta))

    def guarantee_against(self, colluders: int) -> Guarantee:
        """What the whole study promises against so many colluding organisations.

        At the order that is best for them: it follows from the plan alone, so it may be chosen. A
        promise against more organisations holds against fewer; and ledgers count what `colluders`
        of the setting leave, so that others may see more rounds, or dearer ones, than were planned.

        Raises:
            Refused: `privacy-colluders`, `privacy-no-honest-noise`.
        """
        shares = self.setting.cohort.honest_shares(colluders)
        curve, delta = self.curve(shares), self.setting.conversion_delta
        rounds = self._most_rounds_against(colluders)
        order, _ = best_order(curve, rounds, delta)
        epsilon = epsilon_of(charge_of(curve, order).times(rounds), delta)
        if colluders <= self.setting.colluders:
            epsilon = min(epsilon, epsilon_of(self.budget, delta))
        return self._guarantee(epsilon, colluders)

    def _most_rounds_against(self, colluders: int) -> int:
        """Rounds at their worst for `colluders` that all rounds within the budget never exceed.

        A round costs more before them than in the ledgers, by how much is largest in the sum that
        `Cohort.shares_beside` tells of: one that is cheap in the ledgers and bare before them.
        """
        setting = self.setting
        most = max(setting.rounds, setting.most_rounds)
        if most == setting.rounds or colluders <= setting.colluders:
            return most
        counted = self.round_charge(setting.cohort.shares_beside(setting.colluders, colluders))
        return min(most, -(-self.budget.steps // counted.steps))

    def noise_of_mean(self, members: int, units: int) -> float:
        """The deviation of one coordinate of (sum of members)/units, as a multiple of C.

        Noise of all shares and the rounding of all clients, which adds 1/4 level^2 each at most.

        Args:
            members: Clients of the sum; >= 1.
            units: The public number that the sum is divided by; >= 1.
        """
        variance = members * (self.share.variance + _ROUNDING_VARIANCE)
        return math.sqrt(variance) / (self.levels * units)

    def seal_parameters(self, seal: str) -> CkksParameters | MaskingParameters:
        """The parameters of a round of all clients under a seal.

        Raises:
            Refused: `unknown-seal`; a rule of the seal, when the cohort or the field does not fit.
        """
        setting = self.setting
        return sealed_sum(seal, setting.dimension, setting.cohort.clients, self.field_bits)

    def bytes_a_value(self, seal: str) -> float:
        """Bytes of a client's payload over coordinates.

        Raises:
            Refused: as `seal_parameters`.
        """
        dimension = self.setting.dimension
        return self.seal_parameters(seal).payload_bytes(dimension) / dimension

    def _guarantee(self, epsilon: float, colluders: int | None = None) -> Guarantee:
        setting = self.setting
        return Guarantee(
            epsilon,
            setting.delta_at(epsilon),
            setting.unit,
            setting.relation,
            setting.colluders if colluders is None else colluders,
        )


def curve_of(setting: Setting, levels: int, share_variance: float, shares: int) -> RenyiCurve:
    """One round's divergence.

    Args:
        setting: Mechanism, relation and dimension.
        levels: L.
        share_variance: Of one share, in levels^2; not yet whole while a plan is being derived.
        shares: Shares that no adversary knows.

    Raises:
        Refused: `privacy-share`, below 1 share; for discrete Gaussians, below a variance of 1/4.
    """
    if shares < 1:
        raise Refused("privacy-share", f"expected 1 share or more, got {shares}")
    sensitivity = rounded_sensitivity(levels, setting.dimension, setting.relation)
    if setting.mechanism is Mechanism.SKELLAM:
        return SkellamCurve(sensitivity, shares * share_variance)
    return DiscreteGaussianSumCurve(sensitivity, setting.dimension, shares, share_variance)


def check_share(share: NoiseLaw, honest_shares: int) -> None:
    """Check that a share is what its mechanism's accounting can carry.

    Raises:
        Refused: `privacy-share`.
    """
    smallest = SMALLEST_SHARE[share.mechanism]
    if share.variance < smallest:
        raise Refused(
            "privacy-share",
            f"expected a {share.mechanism} share of variance {smallest} or more, got "
            f"{share.variance}",
        )
    gaussian = share.mechanism is Mechanism.DISCRETE_GAUSSIAN
    if gaussian and honest_shares < _FEWEST_DISCRETE_GAUSSIANS:
        raise Refused(
            "privacy-share",
            "expected 2 discrete Gaussian shares or more that no colluder knows: the mechanism is "
            "accounted for as a sum; skellam has no such limit",
        )
