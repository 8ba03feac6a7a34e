"""benchmarks/bench_privacy.py runs and writes its rows. Times are not judged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DEVIATIONS = (10, 100, 2500, 10_000)


def test_a_small_run_writes_every_row_and_finds_the_variances(tmp_path: Path) -> None:
    small = ("--quick", "--values", "20000", "--repetitions", "1")
    file, results = tmp_path / "rows.json", ("--results", tmp_path)

    ran = subprocess.run(
        [sys.executable, "benchmarks/bench_privacy.py", *small, "--json", file, *results],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert "every share has its law's variance: yes" in " ".join(ran.stdout.split())
    rows = {row["name"]: row for row in json.loads(file.read_text(encoding="utf-8"))["rows"]}
    for deviation in DEVIATIONS:
        for name in ("skellam", "gaussian"):
            assert rows[f"{name}_sd{deviation}_table_seconds"]["value"] > 0
            share = rows[f"{name}_sd{deviation}_seconds"]
            assert share["unit"] == "s"
            assert share["baseline"] == rows[f"numpy_poissons_sd{deviation}_seconds"]["value"]
    assert rows["codec_skellam_seconds"]["value"] > 0
    assert rows["codec_gaussian_seconds"]["value"] > 0
    assert rows["bare_keystream_seconds"]["value"] > 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "rows.json",
        "privacy-quick.json",
        "privacy-quick.png",
    }
