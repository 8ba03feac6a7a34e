"""The README's example is a program: four of it train together through real processes."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.integration.town import PASSPHRASE, Committee, Town, set_up

from blindsum_cli.demo.exactness import read_round
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.processes import running
from blindsum_rules.codec.encoding import decode

pytestmark = pytest.mark.slow

README = Path(__file__).resolve().parents[2] / "README.md"
ROUNDS = 2
LONGEST_SECONDS = 120


def example() -> str:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    assert isinstance(blocks[0], str)
    return blocks[0]


def test_the_example_is_short() -> None:
    assert len(example().splitlines()) <= 22


def test_the_example_runs_as_it_stands(tmp_path: Path) -> None:
    setup = set_up(tmp_path / "study", Committee(HOSPITALS, 2, 3), ROUNDS)
    program = tmp_path / "example.py"
    program.write_text(example(), encoding="utf-8")
    (study,) = setup.studies
    with running(setup.places.logs) as processes:
        town = Town(setup, processes)
        town.attend(*HOSPITALS, is_new=True)
        hospitals = {}
        for hospital in HOSPITALS:
            folder = study.places.client(hospital).folder
            (folder / "study.manifest").symlink_to(study.manifest_file)
            (folder / "hospital.key").symlink_to(study.places.client(hospital).key)
            hospitals[hospital] = subprocess.Popen(
                [sys.executable, program],
                cwd=folder,
                env={
                    "PATH": "/usr/bin:/bin",
                    "STUDY_DIGEST": study.digest,
                    "AGGREGATOR": town.address,
                    "BLINDSUM_PASSPHRASE": PASSPHRASE.decode(),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        for number in range(ROUNDS):
            town.open_round(number)
            town.wait_for_close(number)
        ended = {name: one.communicate(timeout=LONGEST_SECONDS) for name, one in hospitals.items()}
        town.standings.close()

    assert {name: one.returncode for name, one in hospitals.items()} == dict.fromkeys(HOSPITALS, 0)
    for output, errors in ended.values():
        assert output.count("in the sum: True") == ROUNDS, errors
    opened = read_round(study.transcript, 0, study.manifest)
    mean, weight = decode(opened.aggregate.values, study.manifest.codec)
    assert opened.members == tuple(sorted(HOSPITALS))
    # Each of the four says 0.01 for every value and 200 records.
    assert np.allclose(mean, 0.01, atol=1e-4)
    assert weight == pytest.approx(4 * 200, rel=1e-3)
