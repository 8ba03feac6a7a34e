"""The study manifest: what is summed, by whom, under which policy. Round 0 rests on its digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from blindsum_crypto import domains
from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import Refused
from blindsum_rules.codec.parameters import Codec
from blindsum_rules.model import Layout
from blindsum_rules.privacy.policy import PrivacyPolicy
from blindsum_rules.sparsity import Sparsity
from blindsum_rules.statistics.query import Query


class StudyKind(StrEnum):
    """What the rounds sum."""

    MODEL = "model"
    STATISTIC = "statistic"


class DifferencingScope(StrEnum):
    """Over which rounds two freezes must be equal or disjoint."""

    VERSION = "version"
    STUDY = "study"


@dataclass(frozen=True, slots=True)
class Party:
    """A party that only signs: its id and Ed25519 public key (32 bytes)."""

    name: str
    identity: bytes


@dataclass(frozen=True, slots=True)
class EnrolledClient:
    """A client of the roster.

    Attributes:
        name: Client id.
        organisation: Id of the organisation it belongs to.
        identity: Ed25519 public key, 32 bytes.
        agreement_key: X25519 public key of the epoch, 32 bytes.
        group: The group whose rounds invite it, from 0; a study without groups has group 0 alone.
    """

    name: str
    organisation: str
    identity: bytes
    agreement_key: bytes
    group: int = 0


@dataclass(frozen=True, slots=True)
class EnrolledCustodian:
    """A custodian of the committee; its position in the manifest is its index in the parts.

    Attributes:
        name: Custodian id.
        identity: Ed25519 public key, 32 bytes.
        wrap_suite: HPKE suite.
        wrap_key: HPKE public key of the epoch.
    """

    name: str
    identity: bytes
    wrap_suite: str
    wrap_key: bytes


@dataclass(frozen=True, slots=True)
class Schedule:
    """When rounds open and how long their steps may take.

    Attributes:
        max_rounds: Rounds of the study, aborted ones included; after the last one it ends.
        accept_seconds: From proposal to a quorum of acceptances.
        contribute_seconds: What a client has at least, once the round is open: the freeze comes
            accept_seconds + contribute_seconds after the proposal at the latest. The deadline
            stands in the spec, and so is fixed before anybody accepts.
        release_seconds: From the contribution deadline to the release deadline.
        pause_seconds: From a round's closes to the next opening.
        quota: Contributions at which the aggregator freezes early; 0 means the whole cohort.
    """

    max_rounds: int
    accept_seconds: int
    contribute_seconds: int
    release_seconds: int
    pause_seconds: int
    quota: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A study. Signed by the operator, approved by the privacy officer if one is named.

    Attributes:
        study: Study id.
        purpose: Why these data are summed, in words.
        permit: The permit or legal ground, in words.
        kind: What the rounds sum.
        seals: Names of the seals that rounds may use; one in this version.
        operator: Who signs the manifest.
        officer: The privacy officer, or None.
        aggregator: Who adds.
        clients: The roster, ascending by id.
        custodians: The committee, ascending by id.
        threshold: t, custodians needed to open.
        quorum: Signatures needed.
        min_cohort: Fewest contributions that may be released.
        min_organisations: Fewest organisations among them.
        codec: How updates become integers without noise; None in a private study, and in one of
            statistics, which sums integers.
        layout: The model's arrays; of statistics, the one counter of answered queries.
        initial_model_digest: `model_digest` of version 0, 32 bytes.
        update_rule: Name of the declared function of model and aggregate: `fedavg` or `fedsgd`;
            `answered` of statistics.
        server_learning_rate: Factor on the mean update; > 0.
        schedule: Times and the number of rounds.
        no_differencing: Scope of the rule against differencing.
        not_before_unix: UTC seconds; no round opens earlier.
        not_after_unix: UTC seconds; no round opens later.
        privacy: How a private study protects its units; None without differential privacy.
        sparsity: Which coordinates travel, or None for all.
        local_methods: What the operator asks clients to do beside one pass over the round's model,
            ascending: `batch-norm`, `error-feedback`, `momentum`, `site-fitted-preprocessing`.
        queries: What a statistic study asks, in this order, one a version; none in a model study.
    """

    DOMAIN: ClassVar[str] = domains.MANIFEST

    study: str
    purpose: str
    permit: str
    kind: StudyKind
    seals: tuple[str, ...]
    operator: Party
    officer: Party | None
    aggregator: Party
    clients: tuple[EnrolledClient, ...]
    custodians: tuple[EnrolledCustodian, ...]
    threshold: int
    quorum: int
    min_cohort: int
    min_organisations: int
    codec: Codec | None
    layout: Layout
    initial_model_digest: bytes
    update_rule: str
    server_learning_rate: float
    schedule: Schedule
    no_differencing: DifferencingScope
    not_before_unix: int
    not_after_unix: int
    privacy: PrivacyPolicy | None = None
    sparsity: Sparsity | None = None
    local_methods: tuple[str, ...] = ()
    queries: tuple[Query, ...] = ()

    @property
    def committee(self) -> Committee:
        """The custodians' parts."""
        return Committee(len(self.custodians), self.threshold)

    @property
    def weighted_codec(self) -> Codec:
        """The codec of a study without noise, in which weights travel hidden.

        Raises:
            Refused: `private-study`, when the study has none; `study-kind`, when it trains no
                model.
        """
        if self.kind is StudyKind.STATISTIC:
            raise Refused("study-kind", "expected a study that trains a model, got statistics")
        if self.codec is None:
            raise Refused(
                "private-study",
                "expected a study without noise: here weights do not travel",
            )
        return self.codec

    @property
    def vector_length(self) -> int:
        """Values in a contribution: those of the layout that travel, and a weight.

        In a private study no weight travels. Where its clip norm is adaptive, that is a value of
        the layout, and the count behind it travels in its place. Answers of a statistic study are
        as long as its longest query, with zeros behind shorter ones.
        """
        if self.kind is StudyKind.STATISTIC:
            return max((len(query.cells) for query in self.queries), default=0)
        kept = self.layout.size if self.sparsity is None else self.sparsity.kept
        return kept + (1 if self.privacy is None else 0)

    @property
    def operator_key(self) -> Mapping[str, bytes]:
        """Who may sign as operator."""
        return {self.operator.name: self.operator.identity}

    @property
    def officer_key(self) -> Mapping[str, bytes]:
        """Who may sign as privacy officer; nobody if none is named."""
        return {} if self.officer is None else {self.officer.name: self.officer.identity}

    @property
    def aggregator_key(self) -> Mapping[str, bytes]:
        """Who may sign as aggregator."""
        return {self.aggregator.name: self.aggregator.identity}

    @property
    def client_keys(self) -> Mapping[str, bytes]:
        """Who may sign as client."""
        return {client.name: client.identity for client in self.clients}

    @property
    def agreement_keys(self) -> Mapping[str, bytes]:
        """Every client's public agreement key."""
        return {client.name: client.agreement_key for client in self.clients}

    @property
    def custodian_keys(self) -> Mapping[str, bytes]:
        """Who may sign as custodian."""
        return {custodian.name: custodian.identity for custodian in self.custodians}

    def custodian_index(self, name: str) -> int:
        """A custodian's position in the committee.

        Raises:
            ValueError: when nobody of that name is enrolled.
        """
        return [custodian.name for custodian in self.custodians].index(name)

    def organisation_of(self, client: str) -> str:
        """A client's organisation.

        Raises:
            KeyError: when no client of that name is enrolled.
        """
        return {enrolled.name: enrolled.organisation for enrolled in self.clients}[client]


@dataclass(frozen=True, slots=True)
class Approval:
    """The privacy officer's approval of one manifest.

    Attributes:
        study: Study id.
        manifest_digest: Digest of the operator-signed manifest body, 32 bytes.
    """

    DOMAIN: ClassVar[str] = domains.APPROVAL

    study: str
    manifest_digest: bytes
