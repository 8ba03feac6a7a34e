"""What a manifest says of differential privacy: the operator's wishes, and what follows from them.

`study_plan.py` puts it together with roster, floors and layout, and checks it there.
"""

import math
from dataclasses import dataclass

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.guarantee import Relation, Unit
from blindsum_rules.privacy.noise import Mechanism, NoiseLaw


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveClipping:
    """How the clip norm follows the units' norms (Andrew et al., NeurIPS 2021).

    Attributes:
        count_noise: sigma_b, the deviation of the noise on the number of units within the clip
            norm, in units; above 0.
        rate: How fast the clip norm moves: C * exp(-rate * (fraction within - quantile)); above 0.
        quantile: The fraction of units that should lie within the clip norm; above 0, below 1.

    Raises:
        Refused: `adaptive-clipping`.
    """

    count_noise: float
    rate: float = 0.2
    quantile: float = 0.5

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        for name, value in (("count_noise", self.count_noise), ("rate", self.rate)):
            if not (math.isfinite(value) and value > 0):
                raise Refused("adaptive-clipping", f"{name}: expected a finite number above 0")
        if not 0 < self.quantile < 1:
            raise Refused("adaptive-clipping", "quantile: expected above 0 and below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyPolicy:
    """How a private study protects its units.

    Attributes:
        unit: Whose contribution is clipped, and protected.
        relation: Which data sets are neighbours.
        mechanism: Whose noise.
        delta: The whole delta; above 0, below 1.
        colluders: c, organisations that may pool what they know; >= 1.
        planned_rounds: Rounds at their worst that the budget is made for.
        units_per_client: B, the most units of one client.
        allow_few_clients: Whether the unit client is allowed below 100 clients.
        clip_norm: C, the L2 norm to which every unit is clipped, in the unit of the update or the
            gradient; where it is adaptive, of round 0.
        reference_units: The public number that a sum of units is divided by; >= 1.
        levels: L, integers that C maps to.
        share_variance: mu_l, the variance of each client's share of noise, in levels^2.
        field_bits: w, bits of the field that holds a sum of all clients.
        order: a*, the order at which ledgers count.
        adaptive: How the clip norm moves, or None where it stays.

    Raises:
        Refused: `privacy-policy`, when a number cannot be meant; `noise-variance`.
    """

    unit: Unit
    relation: Relation
    mechanism: Mechanism
    delta: float
    colluders: int
    planned_rounds: int
    units_per_client: int
    allow_few_clients: bool
    clip_norm: float
    reference_units: int
    levels: int
    share_variance: int
    field_bits: int
    order: int
    adaptive: AdaptiveClipping | None = None

    def __post_init__(self) -> None:
        """Refuse what no plan looks at."""
        if not (math.isfinite(self.clip_norm) and self.clip_norm > 0):
            raise Refused("privacy-policy", "clip_norm: expected a finite number above 0")
        if self.reference_units < 1:
            raise Refused("privacy-policy", "reference_units: expected 1 or more")
        NoiseLaw(self.mechanism, self.share_variance)

    @property
    def share(self) -> NoiseLaw:
        """The law of a client's share of noise."""
        return NoiseLaw(self.mechanism, self.share_variance)
