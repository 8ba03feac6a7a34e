"""The settings of a client process: from the environment (BLINDSUM_CLIENT_...) or by keyword."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretBytes, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from blindsum_client.client import Client
from blindsum_protos.calling import TlsFiles
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.privacy.own_limits import PromiseLimits


class ClientSettings(BaseSettings):
    """What a client process needs to know before it starts.

    Attributes:
        manifest: The file STUDY.manifest.
        digest: The manifest's digest in full, 64 hex digits, given out of band.
        key_file: This client's key file, or several, one an epoch.
        passphrase: What opens them.
        aggregator: "host:port".
        state: The state folder.
        anchor: The file outside it; `STATE.anchor` unless named.
        initial_model: A .npz file of the first model; fetched from the aggregator if not given.
        min_cohort_floor: Fewest contributions that this client's may be summed with.
        min_organisations_floor: Fewest organisations among them.
        threshold_floor: Fewest custodians that a study may need to open.
        trust_model_blob: Whether a late start may begin from a served model.
        max_epsilon: Largest epsilon of a study that it joins; studies without any are refused then.
        max_delta: Largest delta beside it.
        tls_authority: Certificate of the authority behind the aggregator's certificate.
        tls_certificate: This client's own certificate (mTLS).
        tls_key: Its private key.
    """

    model_config = SettingsConfigDict(env_prefix="BLINDSUM_CLIENT_", extra="forbid", frozen=True)

    manifest: Path
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    key_file: Path | tuple[Path, ...]
    passphrase: SecretBytes
    aggregator: str = Field(pattern=r"^.+:[0-9]+$")
    state: Path
    anchor: Path | None = None
    initial_model: Path | None = None
    min_cohort_floor: int = Field(default=ClientPolicy().min_cohort_floor, ge=2)
    min_organisations_floor: int = Field(default=ClientPolicy().min_organisations_floor, ge=1)
    threshold_floor: int = Field(default=ClientPolicy().threshold_floor, ge=1)
    trust_model_blob: bool = False
    max_epsilon: float | None = Field(default=None, gt=0)
    max_delta: float | None = Field(default=None, gt=0)
    tls_authority: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("expected tls_certificate and tls_key together")
        if self.tls_certificate is not None and self.tls_authority is None:
            raise ValueError("expected tls_authority beside tls_certificate")
        return self

    @property
    def policy(self) -> ClientPolicy:
        """The client's own floors."""
        return ClientPolicy(
            min_cohort_floor=self.min_cohort_floor,
            min_organisations_floor=self.min_organisations_floor,
            threshold_floor=self.threshold_floor,
            trust_model_blob=self.trust_model_blob,
            promise=PromiseLimits(self.max_epsilon, self.max_delta),
        )

    @property
    def tls(self) -> TlsFiles | None:
        """The TLS files, or None for plain TCP."""
        if self.tls_authority is None:
            return None
        return TlsFiles(self.tls_authority, self.tls_certificate, self.tls_key)

    def join(self, *, alone: bool = True) -> Client:
        """Join the study with these settings; `alone` and errors as `Client.join`."""
        return Client.join(
            self.manifest,
            digest=self.digest,
            key_file=self.key_file,
            passphrase=self.passphrase.get_secret_value(),
            aggregator=self.aggregator,
            state=self.state,
            policy=self.policy,
            initial_model=self.initial_model,
            tls=self.tls,
            anchor=self.anchor,
            alone=alone,
        )
