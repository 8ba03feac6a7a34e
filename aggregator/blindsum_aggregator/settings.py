"""The aggregator's settings: where it listens, what it keeps, how long it waits."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class AggregatorSettings(BaseSettings):
    """Read from the environment (BLINDSUM_AGGREGATOR_PORT=7443 ...) or given by keyword.

    What a study fixes for everybody (deadlines, quorum, cohort) stands in its manifest, not here.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0 lets the system choose one.
        state_directory: Folder of everything that must survive: database, spool, sums, blobs.
        transcript_directory: Where transcripts are written, a folder for each study; in
            `state_directory` unless given.
        database_url: SQLAlchemy URL; SQLite in `state_directory` unless given. One aggregator
            process writes to a database at a time.
        tls_certificate: PEM chain of the server; without it the port speaks plain TCP.
        tls_key: PEM private key of the server.
        tls_client_authority: PEM authority of client certificates; given, every caller must show
            one (mTLS). Calls are signed with TLS and without.
        keep_payloads: Move sealed payloads into the transcript instead of deleting them once a
            round is published.
        manual_rounds: Open a round only when the operator asks for it.
        max_concurrent_uploads: Payload streams at once; further ones are told to come again.
        max_concurrent_calls: Calls at once, waiting ones included.
        upload_idle_seconds: A payload stream that sends nothing for so long is ended.
        page_wait_seconds: Longest time that a receipted contribution waits for its page to fill.
        admission_grace_seconds: After the collection closed and a quorum answered every page, how
            long the freeze waits for attending custodians that have not.
        resend_seconds: An unanswered duty is sent again after so long.
        tick_seconds: How often the driver looks at its clock.
        drain_seconds: How long calls in progress may finish when the aggregator stops.
    """

    model_config = SettingsConfigDict(env_prefix="BLINDSUM_AGGREGATOR_", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=7443, ge=0, le=65_535)
    state_directory: Path
    transcript_directory: Path | None = None
    database_url: str | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_authority: Path | None = None
    keep_payloads: bool = False
    manual_rounds: bool = False
    max_concurrent_uploads: int = Field(default=64, ge=1)
    max_concurrent_calls: int = Field(default=4_096, ge=1)
    upload_idle_seconds: float = Field(default=60.0, gt=0)
    page_wait_seconds: float = Field(default=2.0, ge=0)
    admission_grace_seconds: float = Field(default=10.0, ge=0)
    resend_seconds: float = Field(default=30.0, gt=0)
    tick_seconds: float = Field(default=0.5, gt=0)
    drain_seconds: float = Field(default=10.0, ge=0)

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        """Refuse half a TLS configuration: it would silently listen without."""
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key: expected both or neither")
        if self.tls_client_authority is not None and self.tls_certificate is None:
            raise ValueError("tls_client_authority: expected tls_certificate and tls_key as well")
        return self

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.state_directory / 'aggregator.sqlite'}"

    @property
    def transcripts(self) -> Path:
        """The folder that holds a transcript folder for each study."""
        return self.transcript_directory or self.state_directory / "transcripts"
