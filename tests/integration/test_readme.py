"""The README's examples run: four of its program train together through real processes."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.integration.town import PASSPHRASE, Committee, Town, set_up

from blindsum_cli.demo.exactness import read_round
from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.processes import running
from blindsum_client.update import Update
from blindsum_rules.codec.encoding import decode

pytestmark = pytest.mark.slow

README = Path(__file__).resolve().parents[2] / "README.md"
ROUNDS = 2
LONGEST_SECONDS = 120


def blocks() -> tuple[str, str]:
    """The client's program, and the lines for those who train with torch."""
    program, torch_lines = re.findall(
        r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
    )
    return program, torch_lines


def example() -> str:
    return blocks()[0]


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
    mean, weight = decode(opened.aggregate.values, study.manifest.weighted_codec)
    assert opened.members == tuple(sorted(HOSPITALS))
    # Each of the four says 0.01 for every value and 200 records.
    assert np.allclose(mean, 0.01, atol=1e-4)
    assert weight == pytest.approx(4 * 200, rel=1e-3)


def test_the_torch_lines_run_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = torch.nn.Linear(13, 1)
    model = {"weight": np.ones((1, 13), np.float32), "bias": np.zeros(1, np.float32)}
    names = {"np": np, "module": module, "round": SimpleNamespace(model=model)}
    exec(blocks()[1], names)  # noqa: S102 (it is our own README)
    assert set(np.load("initial.npz")) == set(model)
    assert torch.equal(module.weight, torch.ones(1, 13))
    update = names["update"]
    assert isinstance(update, Update)
    assert not any(change.any() for change in update.arrays.values())
