"""What a study says before its noise is derived: who, how often, how private, in which unit."""

from dataclasses import dataclass
from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_rules.privacy.effective_noise import Cohort
from blindsum_rules.privacy.guarantee import Relation, Unit
from blindsum_rules.privacy.noise import Mechanism
from blindsum_rules.privacy.sensitivity import conversion_delta, failures_at

FEWEST_CLIENT_UNITS: Final = 100
"""Below so many clients, noise that hides a whole client drowns what they have in common."""

MAX_DIMENSION: Final = 1 << 28
MAX_ROUNDS: Final = 1 << 20
MAX_UNITS: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What the plan is for.

    Attributes:
        cohort: Who may be summed.
        dimension: d, coordinates that are sent; 1 to 2^28.
        rounds: T, the rounds that the budget is made for, each at its worst; 1 to 2^20.
        delta: The whole delta, failures of rounding and sampler included; below 1.
        colluders: c, organisations that may pool their knowledge; >= 1.
        unit: Whose contribution is clipped to C.
        units_per_client: B, the most units that one client holds; 1 to 2^30, and 1 for the unit
            client.
        mechanism: Whose noise.
        relation: Which data sets are neighbours.
        allow_few_clients: Whether the unit client may be planned below 100 clients.
        most_rounds: The most rounds that may be opened, where that is more than T: a budget that
            is charged for the noise that was really there lasts longer. Each may fail to round
            and to draw as it should, so delta pays for all of them; 0 stands for T.

    Raises:
        Refused: `privacy-dimension`, `privacy-rounds`, `privacy-delta`, `privacy-units`,
            `privacy-client-unit`, `privacy-colluders`, `privacy-no-honest-noise`.
    """

    cohort: Cohort
    dimension: int
    rounds: int
    delta: float
    colluders: int = 1
    unit: Unit = Unit.RECORD
    units_per_client: int = 1
    mechanism: Mechanism = Mechanism.SKELLAM
    relation: Relation = Relation.ZERO_OUT
    allow_few_clients: bool = False
    most_rounds: int = 0

    def __post_init__(self) -> None:
        _check_range("privacy-dimension", "coordinates", self.dimension, MAX_DIMENSION)
        _check_range("privacy-rounds", "rounds", self.rounds, MAX_ROUNDS)
        _check_range("privacy-units", "units a client", self.units_per_client, MAX_UNITS)
        if self.most_rounds:
            _check_range("privacy-rounds", "rounds", self.most_rounds, MAX_ROUNDS)
        if self.most_rounds and self.most_rounds < self.rounds:
            raise Refused(
                "privacy-rounds",
                f"expected a schedule of {self.rounds} rounds or more, for which the budget is "
                f"made, got {self.most_rounds}",
            )
        conversion_delta(self.delta, *self._draws)
        self.cohort.honest_shares(self.colluders)
        if self.unit is Unit.CLIENT:
            self._check_client_unit()

    def _check_client_unit(self) -> None:
        if self.units_per_client != 1:
            raise Refused("privacy-units", "expected 1 unit a client where the client is the unit")
        clients = self.cohort.clients
        if clients < FEWEST_CLIENT_UNITS and not self.allow_few_clients:
            raise Refused(
                "privacy-client-unit",
                f"expected {FEWEST_CLIENT_UNITS} clients or more for the unit client, got "
                f"{clients}: noise that hides one of them drowns what few have in common",
            )

    @property
    def conversion_delta(self) -> float:
        """What is left of delta to convert divergences with."""
        return conversion_delta(self.delta, *self._draws)

    def delta_at(self, epsilon: float) -> float:
        """The whole delta of a promise: as planned, or more where epsilon is above 15.9.

        At 1 nothing is promised any more.
        """
        needed = self.conversion_delta + failures_at(epsilon, *self._draws)
        return min(1.0, max(self.delta, needed))

    @property
    def _draws(self) -> tuple[int, int, int]:
        return self.cohort.clients, self.dimension, max(self.rounds, self.most_rounds)

    @property
    def honest_shares(self) -> int:
        """n_eff against `colluders` organisations."""
        return self.cohort.honest_shares(self.colluders)

    def coordinate_bound(self, levels: int) -> int:
        """X, the largest absolute integer that a client sends before noise: B*L, rounded up."""
        return self.units_per_client * levels + 1


def _check_range(rule: str, what: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise Refused(rule, f"expected 1 to {most} {what}, got {value}")
