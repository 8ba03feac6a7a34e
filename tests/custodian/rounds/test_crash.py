"""A custodian that is killed while it endorses endorses no second freeze (threat T3), and one that
is killed between two pages of headers goes on where it stood.

T3 asks for 200 crashes between persist and answer: 70 + 70 + 70 of them die at the three points
where the decision is durable and the answer has not left.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ENDORSING = Path(__file__).parent / "dying_custodian.py"
ADMITTING = Path(__file__).parent / "dying_between_pages.py"


def killed(folder: Path, point: str, times: int, script: Path = ENDORSING) -> dict[str, int]:
    """How often the surviving store knew the endorsement, and how often an answer had left."""
    command = [sys.executable, str(script), str(folder), point, str(times)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    counted: dict[str, int] = json.loads(ran.stdout)
    return counted


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    ["between commit and instance file", "after the instance file", "before the answer"],
)
def test_a_second_freeze_is_refused_after_a_crash_between_persist_and_answer(
    tmp_path: Path, point: str
) -> None:
    assert killed(tmp_path, point, 70) == {"endorsed": 70, "answered": 0}


@pytest.mark.slow
def test_a_crash_before_the_commit_leaves_nothing(tmp_path: Path) -> None:
    assert killed(tmp_path, "before the commit", 20) == {"not endorsed": 20, "answered": 0}


@pytest.mark.slow
def test_whenever_it_is_killed_what_left_is_what_is_remembered(tmp_path: Path) -> None:
    counted = killed(tmp_path, "at any time", 60)
    assert counted.get("endorsed", 0) + counted.get("not endorsed", 0) == 60
    assert counted["answered"] <= counted.get("endorsed", 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "point",
    [
        "before the commit",
        "between commit and instance file",
        "after the instance file",
        "before the answer",
    ],
)
def test_a_crash_in_the_second_page_loses_no_page_and_the_round_is_released_whole(
    tmp_path: Path, point: str
) -> None:
    assert killed(tmp_path, point, 5, ADMITTING) == {"went on": 5}
