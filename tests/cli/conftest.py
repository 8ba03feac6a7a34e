"""Runs commands as their users do, and founds a study of real files for them."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import structlog

from blindsum_cli.key_files import make_party
from blindsum_cli.main import main
from blindsum_rules.party import Role
from blindsum_rules.study_example import example_toml

PASSPHRASE = "correct horse battery"  # noqa: S105 - of keys that live as long as a test
PARTIES = {
    "registry": Role.OPERATOR,
    "privacy-office": Role.OFFICER,
    "adder": Role.AGGREGATOR,
    **{f"keeper-{letter}": Role.CUSTODIAN for letter in "abcd"},
    **dict.fromkeys(("cleveland", "hungary", "switzerland", "va-long-beach"), Role.CLIENT),
}
"""The parties of `blindsum study create --example`."""


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run `blindsum ARGUMENTS` in this process, through the very function that the script calls."""

    def run_command(*arguments: object, passphrase: str | None = PASSPHRASE) -> Ran:
        monkeypatch.setattr(sys, "argv", ["blindsum", *map(str, arguments)])
        if passphrase is None:
            monkeypatch.delenv("BLINDSUM_PASSPHRASE", raising=False)
        else:
            monkeypatch.setenv("BLINDSUM_PASSPHRASE", passphrase)
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
        shown = capsys.readouterr()
        assert isinstance(code, int)
        return Ran(code, shown.out, shown.err)

    yield run_command
    structlog.reset_defaults()


@dataclass(frozen=True)
class Desk:
    """An operator's desk: everybody's files in one folder, a study.toml, an initial model."""

    folder: Path

    @property
    def study_toml(self) -> Path:
        return self.folder / "study.toml"

    @property
    def initial_model(self) -> Path:
        return self.folder / "initial.npz"

    @property
    def draft(self) -> Path:
        return self.folder / "heart-2026.draft"

    @property
    def manifest(self) -> Path:
        return self.folder / "heart-2026.manifest"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def identity(self, name: str) -> Path:
        return self.folder / f"{name}.identity"


@pytest.fixture(scope="session")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys of every party of the example, made once: scrypt takes its time on purpose."""
    folder = tmp_path_factory.mktemp("everybody")
    for name, role in PARTIES.items():
        make_party(folder, name, role, PASSPHRASE.encode())
    return folder


@pytest.fixture
def desk(everybody: Path, tmp_path: Path) -> Desk:
    """A desk of one's own, on which files may be changed; the example's study, valid today."""
    folder = tmp_path / "desk"
    shutil.copytree(everybody, folder)
    place = Desk(folder)
    now = datetime.now(UTC).replace(microsecond=0)
    place.study_toml.write_text(
        example_toml()
        .replace("2026-01-01T00:00:00Z", (now - timedelta(days=1)).isoformat())
        .replace("2027-01-01T00:00:00Z", (now + timedelta(days=1)).isoformat())
    )
    np.savez(place.initial_model, bias=np.zeros(1, np.float32), weight=np.ones(3, np.float32))
    return place


@pytest.fixture
def drafted(desk: Desk, run: Run) -> Desk:
    """A desk on which the study was compiled."""
    ran = run(
        *("study", "create", desk.study_toml),
        *("--identity", desk.folder, "--initial-model", desk.initial_model),
    )
    assert ran.code == 0, ran.err
    return desk


@pytest.fixture
def signed(drafted: Desk, run: Run) -> Desk:
    """A desk on which operator and officer signed."""
    for file, signer in ((drafted.draft, "registry"), (drafted.manifest, "privacy-office")):
        ran = run("study", "sign", file, "--key", drafted.key(signer))
        assert ran.code == 0, ran.err
    return drafted


@pytest.fixture
def unused_address() -> str:
    """An address of this machine where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(autouse=True)
def _wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are read by tests: let nothing wrap, whatever the terminal."""
    monkeypatch.setenv("COLUMNS", "200")
    # A console that was made while COLUMNS said something else keeps that for good.
    for name in ("out", "err"):
        console = getattr(sys.modules.get("blindsum_cli.console"), name, None)
        if console is not None:
            monkeypatch.setattr(console, "_width", None)
    for name in [name for name in os.environ if name.startswith("BLINDSUM_")]:
        monkeypatch.delenv(name)
