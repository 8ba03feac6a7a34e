"""Every figure of a privacy plan that people compare, and the same as plain values for scripts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from blindsum_cli.privacy_comparison import comparisons
from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.guarantee import Relation, Unit
from blindsum_rules.privacy.plan import Plan

NOT_COVERED: Final = (
    "who takes part, when, and who refuses: let none of it depend on the data",
    "anybody who breaks a seal or a generator: the promise is computational",
    "what leaves a client beside its update: logs, metrics, other models of the same data",
    "choices that were tuned on the same data without being charged",
    "budget: a sum that fails a check is charged too, so a client that sends garbage burns some",
)
"""What an epsilon says nothing about."""

_SEALS: Final = ("ckks", "masking")
_SHARES_OF_ROUNDS: Final = (0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """A plan, and the public number that its sums are divided by.

    Attributes:
        plan: The plan.
        total_records: Records of all clients; None for as many as they may hold.
    """

    plan: Plan
    total_records: int | None = None

    @property
    def units(self) -> int:
        """Units of a sum of all clients."""
        setting = self.plan.setting
        if setting.unit is Unit.CLIENT:
            return setting.cohort.clients
        return self.total_records or setting.cohort.clients * setting.units_per_client

    def noise(self) -> dict[int, float]:
        """Clients of a sum to the deviation of one coordinate of its mean, as a multiple of C."""
        cohort = self.plan.setting.cohort
        by_client = self.plan.setting.unit is Unit.CLIENT
        return {
            members: self.plan.noise_of_mean(members, members if by_client else self.units)
            for members in (cohort.clients, cohort.min_cohort)
        }

    def over_rounds(self) -> dict[int, float]:
        """Rounds to epsilon, at the order of the ledgers."""
        most = self.plan.setting.rounds
        counts = sorted({1, *(max(1, round(share * most)) for share in _SHARES_OF_ROUNDS)})
        return {count: self.plan.guarantee_after(count).epsilon for count in counts}

    def over_colluders(self) -> dict[int, tuple[int, float | None]]:
        """Colluding organisations to honest shares and epsilon; the last row has neither."""
        most = self.most_colluders()
        doubled = {1 << power for power in range(most.bit_length())}
        rows: dict[int, tuple[int, float | None]] = {}
        for count in sorted({*doubled, self.plan.setting.colluders, most}):
            shares = self.plan.setting.cohort.honest_shares(count)
            rows[count] = (shares, self.plan.guarantee_against(count).epsilon)
        rows[most + 1] = (0, None)
        return rows

    def replaced_epsilon(self) -> float:
        """Epsilon when one unit is exchanged for another, under the same noise."""
        setting = replace(self.plan.setting, relation=Relation.REPLACE_ONE)
        return replace(self.plan, setting=setting).guarantee_against(setting.colluders).epsilon

    def sealed_bytes(self) -> dict[str, float | str]:
        """Seal to bytes a value, or why it cannot carry the sum."""
        found: dict[str, float | str] = {}
        for seal in _SEALS:
            try:
                found[seal] = self.plan.bytes_a_value(seal)
            except Refused as refused:
                found[seal] = refused.expected
        return found

    # Any: plain values of several kinds, for JSON.
    def document(self) -> dict[str, Any]:
        """The plan as plain values for JSON."""
        plan, setting = self.plan, self.plan.setting
        return {
            "guarantee": plan.guarantee.plain,
            "clients": setting.cohort.clients,
            "organisations": setting.cohort.organisations,
            "min_cohort": setting.cohort.min_cohort,
            "values": setting.dimension,
            "rounds": setting.rounds,
            "mechanism": plan.share.mechanism.value,
            "noise_multiplier": plan.noise_multiplier,
            "honest_shares": plan.honest_shares,
            "share_variance": plan.share.variance,
            "levels": plan.levels,
            "field_bits": plan.field_bits,
            "order": plan.order,
            "bytes_a_value": self.sealed_bytes(),
            "noise_of_mean": [
                {"clients": members, "deviation_over_clip_norm": deviation}
                for members, deviation in self.noise().items()
            ],
            "epsilon_over_rounds": [
                {"rounds": count, "epsilon": epsilon}
                for count, epsilon in self.over_rounds().items()
            ],
            "epsilon_over_colluders": [
                {"colluders": count, "honest_shares": shares, "epsilon": epsilon}
                for count, (shares, epsilon) in self.over_colluders().items()
            ],
            "epsilon_replace_one": self.replaced_epsilon(),
            "comparisons": comparisons(plan),
            "not_covered": list(self.not_covered()),
        }

    def not_covered(self) -> Sequence[str]:
        """What the promise says nothing about, in sentences."""
        if self.plan.setting.unit is Unit.PATIENT:
            several = "a patient at k clients, who counts k-fold: the promise is for one client"
            return (several, *NOT_COVERED)
        if self.plan.setting.unit is Unit.RECORD:
            several = "people with several records: the promise is for one record at a time"
            return (several, *NOT_COVERED)
        return NOT_COVERED

    def noise_of_vector(self) -> float:
        """Length of the noise of the mean over all clients, as a multiple of C."""
        all_clients = self.noise()[self.plan.setting.cohort.clients]
        return math.sqrt(self.plan.setting.dimension) * all_clients

    def most_colluders(self) -> int:
        """The most colluding organisations that leave somebody's noise unknown."""
        cohort = self.plan.setting.cohort
        most, too_many = 1, cohort.organisations
        while too_many - most > 1:
            middle = (most + too_many) // 2
            try:
                cohort.honest_shares(middle)
                most = middle
            except Refused:
                too_many = middle
        return most
