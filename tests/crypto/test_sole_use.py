"""Sole use: one holder at a time, and nothing to clear away after a crash."""

import subprocess
import sys
from pathlib import Path

import pytest

from blindsum_crypto.errors import Refused
from blindsum_crypto.sole_use import SoleUse

HOLDER = """
import sys, time
from pathlib import Path
from blindsum_crypto.sole_use import SoleUse
hold = SoleUse(Path(sys.argv[1]), "in-use", "expected nobody else")
print("held", flush=True)
time.sleep(60)
"""


def take(lock_file: Path) -> SoleUse:
    return SoleUse(lock_file, "in-use", "expected nobody else")


def test_a_second_hold_is_refused_by_the_rule_that_was_named_until_the_first_is_let_go(
    tmp_path: Path,
) -> None:
    first = take(tmp_path / "lock")

    with pytest.raises(Refused) as caught:
        take(tmp_path / "lock")
    assert (caught.value.rule, caught.value.expected) == ("in-use", "expected nobody else")

    first.close()
    with take(tmp_path / "lock"):
        pass
    take(tmp_path / "lock").close()


def test_letting_go_twice_lets_nobody_elses_hold_go(tmp_path: Path) -> None:
    first = take(tmp_path / "lock")
    first.close()

    with take(tmp_path / "lock"):
        first.close()
        with pytest.raises(Refused):
            take(tmp_path / "lock")


def test_a_process_that_is_killed_lets_go(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Refused):
            take(tmp_path / "lock")
    finally:
        holder.kill()
        holder.communicate()

    take(tmp_path / "lock").close()


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        take(tmp_path / "nowhere" / "lock")
