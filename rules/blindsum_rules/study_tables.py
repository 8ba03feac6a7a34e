"""The tables of study.toml: which keys there are, of which kind; unknown ones are refused."""

import tomllib
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from blindsum_crypto.errors import Rejected
from blindsum_rules.manifest import StudyKind
from blindsum_rules.privacy.guarantee import Relation, Unit
from blindsum_rules.privacy.noise import Mechanism
from blindsum_rules.sparsity import SparsityRule
from blindsum_rules.statistics.tables import QueryTable

_Count = Annotated[int, Field(ge=1, lt=2**32)]
_CountOrZero = Annotated[int, Field(ge=0, lt=2**32)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PartiesTable(_Table):
    """[parties]: who signs, approves and adds."""

    operator: str
    officer: str | None = None
    aggregator: str


class CustodiansTable(_Table):
    """[custodians]: the key management."""

    names: list[str]
    threshold: _Count
    quorum: _Count


class CohortTable(_Table):
    """[cohort]: what may be summed."""

    min_cohort: _Count
    min_organisations: _Count
    no_differencing: Literal["version", "study"] | None = None
    groups: _Count = 1


class ClientTable(_Table):
    """[[clients]]: one client."""

    name: str
    organisation: str


class CodecTable(_Table):
    """[codec]: how updates become integers without noise."""

    clip_norm: float
    levels: _Count
    weight_cap: _Count
    weight_scale: float


class AdaptiveClippingTable(_Table):
    """[privacy.adaptive_clipping]: how the clip norm moves."""

    count_noise: float
    rate: float = 0.2
    quantile: float = 0.5


class PrivacyTable(_Table):
    """[privacy]: how clients hide their units; levels, noise and field follow from it."""

    unit: Annotated[Unit, Field(strict=False)]
    epsilon: float | None = None
    noise_multiplier: float | None = None
    delta: float
    planned_rounds: _Count
    colluders: _Count = 1
    clip_norm: float | None = None
    units_per_client: _Count
    reference_units: _Count | None = None
    mechanism: Annotated[Mechanism, Field(strict=False)] = Mechanism.SKELLAM
    relation: Annotated[Relation, Field(strict=False)] = Relation.ZERO_OUT
    allow_few_clients: bool = False
    adaptive_clipping: AdaptiveClippingTable | None = None

    @model_validator(mode="after")
    def _one_aim(self) -> Self:
        if (self.epsilon is None) == (self.noise_multiplier is None):
            raise ValueError("expected exactly one of epsilon and noise_multiplier")
        return self


class CompressionTable(_Table):
    """[compression]: which coordinates travel."""

    rule: Annotated[SparsityRule, Field(strict=False)]
    kept: _Count


class UpdateTable(_Table):
    """[update]: how the aggregate makes the next model, and how clients train."""

    rule: str = "fedavg"
    server_learning_rate: float = 1.0
    local_methods: list[str] = []


class ScheduleTable(_Table):
    """[schedule]: when rounds open and how long their steps may take."""

    max_rounds: _Count
    accept_seconds: _Count
    contribute_seconds: _Count
    release_seconds: _Count
    pause_seconds: _CountOrZero = 0
    quota: _CountOrZero = 0


class StudyTable(_Table):
    """The whole file."""

    study: str
    purpose: str
    permit: str
    kind: Annotated[StudyKind, Field(strict=False)]
    seals: list[str] = ["ckks"]
    not_before: AwareDatetime
    not_after: AwareDatetime
    parties: PartiesTable
    custodians: CustodiansTable
    cohort: CohortTable
    clients: list[ClientTable]
    codec: CodecTable | None = None
    privacy: PrivacyTable | None = None
    compression: CompressionTable | None = None
    update: UpdateTable = UpdateTable()
    schedule: ScheduleTable
    queries: list[QueryTable] = []

    @model_validator(mode="after")
    def _goes_with_the_kind(self) -> Self:
        of_statistics = self.kind is StudyKind.STATISTIC
        given = {"codec", "compression", "update"} & self.model_fields_set
        if of_statistics and given:
            raise ValueError(f"expected no {min(given)} in statistics: nothing is trained")
        for name in ("clip_norm", "reference_units"):
            value = None if self.privacy is None else getattr(self.privacy, name)
            if self.privacy is not None and (value is None) != of_statistics:
                raise ValueError(
                    f"privacy.{name}: expected where a model is trained, and only there: of "
                    "statistics it follows from the queries"
                )
        return self


def parse_study(text: str) -> StudyTable:
    """Read the file.

    Raises:
        Rejected: `study-toml`, naming every key that is wrong.
    """
    try:
        return StudyTable.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise Rejected("study-toml", f"expected TOML: {error}") from error
    except ValidationError as error:
        problems = (
            ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"])))
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise Rejected("study-toml", "; ".join(problems)) from error
