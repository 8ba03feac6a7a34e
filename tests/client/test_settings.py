"""The settings of a client process: parsed at the door, and never shown with their secret."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from blindsum_client.settings import ClientSettings
from blindsum_protos.calling import TlsFiles
from blindsum_rules.privacy.own_limits import ANY_PROMISE, PromiseLimits

ENVIRONMENT = {
    "BLINDSUM_CLIENT_MANIFEST": "heart.manifest",
    "BLINDSUM_CLIENT_DIGEST": "ab" * 32,
    "BLINDSUM_CLIENT_KEY_FILE": "cleveland.key",
    "BLINDSUM_CLIENT_PASSPHRASE": "a secret of tests",
    "BLINDSUM_CLIENT_AGGREGATOR": "sum.example.org:7443",
    "BLINDSUM_CLIENT_STATE": "state/cleveland",
}


def read() -> ClientSettings:
    return ClientSettings()  # type: ignore[call-arg]  # the environment gives the arguments


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def test_settings_come_from_the_environment() -> None:
    settings = read()

    assert settings.manifest == Path("heart.manifest")
    assert settings.passphrase.get_secret_value() == b"a secret of tests"
    assert settings.policy.min_cohort_floor == 3
    assert not settings.policy.trust_model_blob
    assert settings.tls is None


def test_a_clients_own_floors_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLINDSUM_CLIENT_MIN_COHORT_FLOOR", "10")
    monkeypatch.setenv("BLINDSUM_CLIENT_MIN_ORGANISATIONS_FLOOR", "4")
    monkeypatch.setenv("BLINDSUM_CLIENT_THRESHOLD_FLOOR", "2")
    monkeypatch.setenv("BLINDSUM_CLIENT_TRUST_MODEL_BLOB", "true")

    policy = read().policy

    assert (policy.min_cohort_floor, policy.min_organisations_floor) == (10, 4)
    assert (policy.threshold_floor, policy.trust_model_blob) == (2, True)


def test_the_passphrase_is_never_shown() -> None:
    settings = read()

    assert "a secret of tests" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DIGEST", "ab" * 31),
        ("DIGEST", "AB" * 32),
        ("AGGREGATOR", "sum.example.org"),
        ("MIN_COHORT_FLOOR", "1"),
        ("MIN_ORGANISATIONS_FLOOR", "0"),
        ("THRESHOLD_FLOOR", "0"),
        ("TLS_CERTIFICATE", "client.pem"),
        ("TLS_KEY", "client.key"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BLINDSUM_CLIENT_{name}", value)

    with pytest.raises(ValidationError):
        read()


@pytest.mark.parametrize("name", sorted(ENVIRONMENT))
def test_what_must_be_set_has_no_default(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)

    with pytest.raises(ValidationError):
        read()


def test_own_certificates_need_the_authority_beside_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLINDSUM_CLIENT_TLS_CERTIFICATE", "client.pem")
    monkeypatch.setenv("BLINDSUM_CLIENT_TLS_KEY", "client.key")
    with pytest.raises(ValidationError):
        read()

    monkeypatch.setenv("BLINDSUM_CLIENT_TLS_AUTHORITY", "authority.pem")

    expected = TlsFiles(Path("authority.pem"), Path("client.pem"), Path("client.key"))
    assert read().tls == expected


def test_the_weakest_promise_to_join_under_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read().policy.promise == ANY_PROMISE
    monkeypatch.setenv("BLINDSUM_CLIENT_MAX_EPSILON", "3")
    monkeypatch.setenv("BLINDSUM_CLIENT_MAX_DELTA", "1e-5")

    assert read().policy.promise == PromiseLimits(3.0, 1e-5)
