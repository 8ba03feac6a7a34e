"""benchmarks/bench_compression.py runs and writes its rows. Times are not judged; bytes are."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SEALS = ("ckks", "masking")


def test_a_small_run_writes_every_row_and_finds_every_sum_exact(tmp_path: Path) -> None:
    small = ("--quick", "--values", "60000", "--clients", "3", "--repetitions", "1")
    file, results = tmp_path / "rows.json", ("--results", tmp_path)

    ran = subprocess.run(
        [sys.executable, "benchmarks/bench_compression.py", *small, "--json", file, *results],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    shown = " ".join(ran.stdout.split())
    for seal in SEALS:
        for case in ("dense", "random_k", "levels_8", "levels_16", "random_k_levels_8"):
            assert f"{seal} opens {case} to the exact sum: yes" in shown
    assert "error feedback comes nearer to the optimum: yes" in shown
    rows = {row["name"]: row for row in json.loads(file.read_text(encoding="utf-8"))["rows"]}
    # Three clients' sums of signed levels take two bits more than a level: 14 bits for 12.
    assert rows["masking_dense_bytes"]["value"] == pytest.approx(60_001 * 14 / 8, abs=30)
    assert rows["masking_random_k_bytes"]["ratio"] == pytest.approx(0.1, abs=0.005)
    assert rows["masking_levels_8_bytes"]["ratio"] == pytest.approx(10 / 14, abs=0.005)
    assert rows["masking_levels_16_bytes"]["ratio"] == pytest.approx(18 / 14, abs=0.005)
    assert rows["ckks_random_k_bytes"]["ratio"] < 0.5  # a whole ciphertext is the least
    assert rows["quadratic_random_k_feedback_distance"]["ratio"] < 0.5
    assert rows["positions_random_k_time"]["value"] > 0
    assert rows["positions_prune_time"]["value"] > 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "rows.json",
        "compression-quick.json",
        "compression-quick.png",
    }
