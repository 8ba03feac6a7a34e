"""The demo as its users run it: nine processes, and no byte of a transcript changes (T16, T17)."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blindsum_auditor.report import Level, Report
from blindsum_auditor.verify import verify
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.interruptions import plan
from blindsum_cli.demo.places import AGGREGATOR, Places, study_of
from blindsum_cli.demo.quality import MOST_DIFFERENCE

pytestmark = pytest.mark.slow

ROUNDS = 3
SEALS = ("ckks", "masking")
LONGEST_SECONDS = 400
TERMINAL = 80


@dataclass(frozen=True)
class DemoRun:
    """What one run of the demo left behind."""

    code: int
    output: str
    results: dict[str, Any]
    places: Places

    def transcript(self, seal: str) -> Path:
        return self.places.transcript(study_of(seal))

    def digest(self, seal: str) -> bytes:
        return bytes.fromhex(self.results[seal]["manifest_digest"])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    folder = tmp_path_factory.mktemp("demo")
    json_file = folder.with_name("results.json")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "blindsum_cli", "demo", "--rounds", str(ROUNDS)),
            *("--folder", str(folder), "--json", str(json_file)),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": str(TERMINAL)},
        timeout=LONGEST_SECONDS,
        check=False,
    )
    output = run.stdout + run.stderr
    assert json_file.exists(), output
    return DemoRun(run.returncode, output, json.loads(json_file.read_text()), Places(folder))


def test_it_ends_well_and_says_so(ran: DemoRun) -> None:
    assert ran.code == 0, ran.output
    assert ran.output.count("accepted: ") == len(SEALS)
    assert "demo harness, public test set" in ran.output
    assert f"{ROUNDS} of {ROUNDS} rounds: sum through ckks == sum through masking" in ran.output
    assert "models are equal byte for byte" in ran.output
    for seal in SEALS:
        assert f"blindsum verify {ran.transcript(seal)} --digest" in ran.output


def test_every_round_is_exact_and_its_set_is_what_the_interruptions_left(ran: DemoRun) -> None:
    chosen = plan(ROUNDS)

    assert ran.results["exact"] is ran.results["same_sums"] is ran.results["same_models"] is True
    for one in ran.results["rounds"]:
        assert one["same_sums"] is one["same_models"] is True
        for seal in SEALS:
            assert one[seal]["exact"] is True
            assert set(one[seal]["members"]) == set(HOSPITALS) - chosen.absent(one["round"])
    assert len(ran.results["rounds"]) == ROUNDS


def test_the_json_holds_what_scripts_ask_for(ran: DemoRun) -> None:
    auc = ran.results["auc"]
    for name in ("hospital_best", "plaintext", *SEALS, "pooled"):
        assert 0.5 < auc[name] < 1.0
        assert auc[f"{name}_sd"] >= 0.0
    assert auc["ckks"] == auc["masking"]
    assert abs(auc["ckks"] - auc["plaintext"]) <= MOST_DIFFERENCE
    # Rounding leaves its trace: the two are two computations and not one shown twice.
    assert 0.0 < auc["largest_parameter_difference"] < 1e-3
    assert set(auc["gap_to_best_hospital"]) == {"plaintext", *SEALS, "pooled"}
    assert ran.results["verified"] is True
    assert ran.results["seconds"]["whole run"] < LONGEST_SECONDS
    for seal in SEALS:
        sizes = ran.results[seal]["bytes_per_client_round"]
        assert sizes["sent/payload"] > sizes["sent/header"] > 0
        assert ran.results[seal]["bytes_sent"] > sizes["sent/payload"]
        assert 0 < ran.results[seal]["seconds"]["round"] < LONGEST_SECONDS
    assert ran.results["environment"]["packages"]["tenseal"]


def test_no_line_but_a_command_is_wider_than_a_terminal(ran: DemoRun) -> None:
    wide = [line for line in ran.output.splitlines() if len(line) > TERMINAL]

    assert wide == [line for line in wide if line.startswith(("$ ", "folder "))]


def test_no_process_is_left_behind(ran: DemoRun) -> None:
    folder = str(ran.places.root).encode()

    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if folder in read(path)]

    assert left == []


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # It ended while we looked.


@pytest.mark.parametrize("seal", SEALS)
def test_nothing_that_is_sealed_or_opened_lies_with_a_custodian(ran: DemoRun, seal: str) -> None:
    rounds = ran.transcript(seal) / "rounds"
    payloads = [path.read_bytes() for path in rounds.glob("*/payloads/*.bin")]
    aggregates = [path.read_bytes() for path in rounds.glob("*/aggregate.bin")]
    assert len(aggregates) == ROUNDS
    assert len(payloads) > len(aggregates)

    held = b"".join(
        path.read_bytes()
        for hospital in HOSPITALS
        for path in ran.places.custodian(hospital).folder.rglob("*")
        if path.is_file()
    )

    for kept_away in (*payloads, *aggregates):
        assert kept_away[:64] not in held
        assert kept_away[-64:] not in held


def test_no_hospitals_integers_lie_with_the_aggregator(ran: DemoRun) -> None:
    kept = [np.load(path) for path in ran.places.harness.glob("*/*/*.npy")]
    files = [
        *ran.places.party(AGGREGATOR).folder.rglob("*"),
        *ran.places.transcripts.rglob("*"),
    ]

    held = b"".join(path.read_bytes() for path in files if path.is_file())

    assert len(kept) > 3 * ROUNDS * len(SEALS)
    for integers in kept:
        for dtype in ("<i8", "<i4", "<f4"):
            assert integers.astype(dtype).tobytes()[:64] not in held


@pytest.mark.parametrize("seal", SEALS)
def test_the_transcript_is_accepted_at_the_entitled_level(ran: DemoRun, seal: str) -> None:
    report = verify(ran.transcript(seal), ran.digest(seal))

    assert report.accepted, report.failed
    assert report.level is Level.ENTITLED
    assert report.ended
    assert report.rounds == ROUNDS


@pytest.mark.parametrize("seal", SEALS)
def test_one_flipped_byte_in_any_file_is_refused_by_the_files_name(
    ran: DemoRun, seal: str, tmp_path: Path
) -> None:
    folder = tmp_path / "transcript"
    shutil.copytree(ran.transcript(seal), folder)

    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    unnoticed = []
    for path in files:
        name = path.relative_to(folder).as_posix()
        for position in (0, 1 / 2, 1):
            report = verify_altered(path, folder, ran.digest(seal), position)
            unnoticed += [] if name in {finding.file for finding in report.failed} else [name]

    assert len(files) > 10 * ROUNDS
    assert unnoticed == []


def verify_altered(path: Path, folder: Path, digest: bytes, position: float) -> Report:
    """Verify the folder with one bit of one file flipped; a file without bytes gets one."""
    content = path.read_bytes()
    altered = bytearray(content or b"\x01")
    altered[int(position * (len(altered) - 1))] ^= 1
    path.write_bytes(altered)
    report = verify(folder, digest)
    path.write_bytes(content)
    return report


@pytest.mark.parametrize("seal", SEALS)
def test_the_control_that_the_copied_folder_itself_is_accepted(
    ran: DemoRun, seal: str, tmp_path: Path
) -> None:
    shutil.copytree(ran.transcript(seal), tmp_path / "transcript")

    assert verify(tmp_path / "transcript", ran.digest(seal)).accepted


@pytest.mark.parametrize("seal", SEALS)
def test_a_missing_file_is_refused_by_its_name(ran: DemoRun, seal: str, tmp_path: Path) -> None:
    shutil.copytree(ran.transcript(seal), tmp_path / "transcript")
    (tmp_path / "transcript" / "rounds" / "000001" / "freeze.pb").unlink()

    report = verify(tmp_path / "transcript", ran.digest(seal))

    assert "rounds/000001/freeze.pb" in {finding.file for finding in report.failed}


def test_one_study_is_refused_under_the_other_ones_digest(ran: DemoRun) -> None:
    assert not verify(ran.transcript("masking"), ran.digest("ckks")).accepted


def test_a_folder_that_is_not_empty_is_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "something").touch()

    run = subprocess.run(
        [sys.executable, "-m", "blindsum_cli", "demo", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 1
    assert "demo-folder" in run.stderr
