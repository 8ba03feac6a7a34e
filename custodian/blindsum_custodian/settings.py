"""The settings of a custodian process: from the environment (BLINDSUM_CUSTODIAN_...) or given."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from blindsum_crypto.execution import usable_cores
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.store.database import Store
from blindsum_protos.calling import TlsFiles
from blindsum_rules.privacy.own_limits import PromiseLimits


class CustodianSettings(BaseSettings):
    """What a custodian process needs to know before it starts, beside its keys and manifests.

    Attributes:
        aggregator: "host:port" that it dials; it listens nowhere itself.
        store: The SQLite file of its memory.
        instance_file: The file that the store is bound to. It must lie outside of the store's
            folder and outside of all backups: it is how a restored, old store is noticed.
        min_cohort_floor: Fewest contributions whose sum it helps to open, whatever a study says.
        min_organisations_floor: Fewest organisations among them.
        threshold_floor: Fewest custodians that a study may need to open.
        allowed_seals: Seals that it holds seeds for.
        max_epsilon: Largest epsilon of a study that it serves; studies without any are refused
            then.
        max_delta: Largest delta beside it.
        tls_authority: Certificate of the authority behind the aggregator's certificate; without it
            the connection is plain TCP.
        tls_certificate: This custodian's own certificate (mTLS).
        tls_key: Its private key.
        threads: How many threads judge a page of headers together; by default one for each core
            that the process may run on.
        answer_seconds: An answer or a fetch that takes longer is given up and tried again.
        first_retry_seconds: Wait after a lost connection; doubled each time, with jitter.
        longest_retry_seconds: No wait is longer.
    """

    model_config = SettingsConfigDict(env_prefix="BLINDSUM_CUSTODIAN_", frozen=True)

    aggregator: str = Field(pattern=r"^.+:[0-9]+$")
    store: Path
    instance_file: Path
    min_cohort_floor: int = Field(default=CustodianPolicy().min_cohort_floor, ge=2)
    min_organisations_floor: int = Field(default=CustodianPolicy().min_organisations_floor, ge=1)
    threshold_floor: int = Field(default=CustodianPolicy().threshold_floor, ge=1)
    allowed_seals: frozenset[str] = CustodianPolicy().allowed_seals
    max_epsilon: float | None = Field(default=None, gt=0)
    max_delta: float | None = Field(default=None, gt=0)
    tls_authority: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    threads: int = Field(default_factory=usable_cores, ge=1)
    answer_seconds: float = Field(default=30.0, gt=0)
    first_retry_seconds: float = Field(default=0.5, gt=0)
    longest_retry_seconds: float = Field(default=30.0, gt=0)

    @model_validator(mode="after")
    def _instance_is_apart(self) -> Self:
        """Refuse an instance file that a backup of the store's folder would take along."""
        if self.instance_file.resolve().is_relative_to(self.store.resolve().parent):
            raise ValueError(
                f"instance_file: expected a place outside of {self.store.parent}, the store's "
                "folder, and outside of all backups"
            )
        return self

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key: expected both or neither")
        if self.tls_certificate is not None and self.tls_authority is None:
            raise ValueError("tls_certificate: expected tls_authority as well")
        return self

    @property
    def policy(self) -> CustodianPolicy:
        """The custodian's own floors."""
        return CustodianPolicy(
            min_cohort_floor=self.min_cohort_floor,
            min_organisations_floor=self.min_organisations_floor,
            threshold_floor=self.threshold_floor,
            allowed_seals=self.allowed_seals,
            promise=PromiseLimits(self.max_epsilon, self.max_delta),
        )

    @property
    def tls(self) -> TlsFiles | None:
        """The TLS files, or None for plain TCP."""
        if self.tls_authority is None:
            return None
        return TlsFiles(self.tls_authority, self.tls_certificate, self.tls_key)

    def create_store(self) -> Store:
        """Create store and instance file, once; errors as `Store.create`."""
        return Store.create(self.store, self.instance_file)

    def open_store(self) -> Store:
        """Open the store of the instance; errors as `Store.open`."""
        return Store.open(self.store, self.instance_file)
