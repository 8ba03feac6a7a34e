"""The script that an installation makes: what a user types, and no traceback behind it."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(sys.executable).with_name("blindsum")


def run(*arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [SCRIPT, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_broken_rule_becomes_words_and_exit_code_one(tmp_path: Path) -> None:
    (tmp_path / "passphrase").touch(mode=0o600)
    (tmp_path / "passphrase").write_text("a long passphrase\n")
    arguments = ("keys", "new", "cleveland", "--role", "client", "--passphrase-file", "passphrase")
    assert run(*arguments, cwd=tmp_path).returncode == 0

    again = run(*arguments, cwd=tmp_path)

    assert again.returncode == 1
    assert "Refused key-file-exists" in again.stderr
    assert "Traceback" not in again.stderr
