"""Settings: from the environment, and never half of a TLS configuration."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from blindsum_aggregator.settings import AggregatorSettings


def test_settings_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLINDSUM_AGGREGATOR_STATE_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("BLINDSUM_AGGREGATOR_PORT", "7444")
    monkeypatch.setenv("BLINDSUM_AGGREGATOR_KEEP_PAYLOADS", "true")

    settings = AggregatorSettings()  # type: ignore[call-arg]

    assert (settings.port, settings.keep_payloads) == (7444, True)
    assert settings.database == f"sqlite:///{tmp_path}/aggregator.sqlite"
    assert settings.transcripts == tmp_path / "transcripts"


@pytest.mark.parametrize(
    "files",
    [
        {"tls_certificate": Path("server.pem")},
        {"tls_key": Path("server.key")},
        {"tls_client_authority": Path("authority.pem")},
    ],
)
def test_half_a_tls_configuration_is_refused(tmp_path: Path, files: dict[str, Path]) -> None:
    with pytest.raises(ValidationError):
        AggregatorSettings(state_directory=tmp_path, **files)  # type: ignore[arg-type]


def test_by_default_it_listens_on_this_machine_alone(tmp_path: Path) -> None:
    assert AggregatorSettings(state_directory=tmp_path).host == "127.0.0.1"
