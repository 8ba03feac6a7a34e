"""benchmarks/custodian_round.py plays a whole round against a real custodian. No time is judged."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
STEPS = ["accept", "admit", "endorse", "release", "close"]


def measured(*options: str) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "benchmarks/custodian_round.py", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


def test_every_step_of_a_round_under_ckks_is_measured_over_several_pages() -> None:
    document = measured("--clients", "400")
    assert (document["clients"], document["members"], document["pages"]) == (400, 400, 2)
    assert list(document["seconds"]) == list(document["wall_seconds"]) == STEPS
    assert all(seconds > 0 for seconds in document["seconds"].values())
    assert document["total_seconds"] == pytest.approx(sum(document["seconds"].values()), abs=0.01)
    assert document["peak_megabytes"] > 30
    # Three parts of set A, and what is signed around them.
    assert 3 * 30_720 < document["answer_bytes"]["release"] < 3 * 30_720 + 1000


def test_who_drops_out_of_a_masked_round_is_no_member_and_costs_the_survivors_leaves() -> None:
    document = measured("--clients", "40", "--seal", "masking", "--dropout", "0.1")
    assert (document["clients"], document["members"]) == (40, 36)
    leaves = 36 * (1 + 4) * 3 * 32
    assert leaves < document["answer_bytes"]["release"] < leaves + 1000


def test_a_custodian_that_refuses_is_not_measured() -> None:
    command = [sys.executable, "benchmarks/custodian_round.py", "--clients", "2"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert not ran.stdout
