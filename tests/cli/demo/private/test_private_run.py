"""The private demo as its users run it: nine processes, until its budget is spent."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blindsum_auditor.report import Level
from blindsum_auditor.verify import verify
from blindsum_cli.demo.exactness import read_round
from blindsum_cli.demo.harness import Harness
from blindsum_cli.demo.heart_disease import HOSPITALS, training_records
from blindsum_cli.demo.places import Places, custodian_of
from blindsum_cli.demo.private.gradients import gradients, of_split
from blindsum_cli.demo.private.quality import SEALED_SPLIT
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_cli.demo.private.study import STUDY
from blindsum_cli.manifest_file import read_manifest
from blindsum_rules.codec.parameters import FINE_BITS
from blindsum_rules.codec.units import sum_units
from blindsum_rules.manifest import Manifest
from blindsum_rules.model import decode_model
from blindsum_rules.privacy.charging import Charging
from blindsum_rules.privacy.study_plan import study_codec, study_plan

pytestmark = pytest.mark.slow

PLANNED = 4
SEAL = "masking"
LONGEST_SECONDS = 300
TERMINAL = 80


@dataclass(frozen=True)
class PrivateRun:
    """What one run of the private demo left behind."""

    code: int
    output: str
    results: dict[str, Any]
    places: Places

    @property
    def manifest(self) -> Manifest:
        signed, _ = read_manifest(self.places.manifest(STUDY))
        return signed.body

    @property
    def rounds(self) -> int:
        return len(self.results["rounds"])


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> PrivateRun:
    folder = tmp_path_factory.mktemp("private-demo")
    json_file = folder.with_name("private-results.json")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "blindsum_cli", "demo", "--epsilon", "3", "--seal", SEAL),
            *("--rounds", str(PLANNED), "--folder", str(folder), "--json", str(json_file)),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": str(TERMINAL)},
        timeout=LONGEST_SECONDS,
        check=False,
    )
    output = run.stdout + run.stderr
    assert json_file.exists(), output
    return PrivateRun(run.returncode, output, json.loads(json_file.read_text()), Places(folder))


def test_it_ends_well_and_says_what_its_epsilon_means(ran: PrivateRun) -> None:
    words = " ".join(ran.output.split())

    assert ran.code == 0, ran.output
    assert "epsilon 3 at delta 1e-05, zero-out of one record, against 1 colluding" in words
    assert f"Split 1 of 10 goes through nine processes and the seal {SEAL}" in words
    assert "demo harness, public test set" in words
    assert "no noise │ epsilon 3 │ epsilon 1" in words.replace("┃", "│")
    assert f"{ran.rounds} of {ran.rounds} rounds: sum through {SEAL} == plain sum" in words
    assert "9 books agree to the last step" in words
    assert "4 of 4 clients and 4 of 4 custodians refuse another round" in words
    assert f"asked for round {ran.rounds}, the aggregator ended the study" in words


def test_its_rounds_go_on_until_the_budget_pays_no_other(ran: PrivateRun) -> None:
    charging = Charging.of(ran.manifest)
    spent = ran.rounds * charging.price(HOSPITALS).steps

    assert ran.rounds > PLANNED
    assert spent + charging.worst.steps > charging.budget.steps
    assert spent - charging.price(HOSPITALS).steps + charging.worst.steps <= charging.budget.steps
    ended = ran.results["budget"]["ended"]
    for hospital in HOSPITALS:
        assert ended["clients"][hospital]["settled_steps"] == spent
        assert ended["custodians"][custodian_of(hospital)] == dict.fromkeys(HOSPITALS, spent)
    assert ended["rounds_left"] == 0
    assert set(ran.results["budget"]["refusals"].values()) == {"privacy-budget"}


def test_every_opened_sum_is_that_of_what_was_sealed_noise_included(ran: PrivateRun) -> None:
    for number in range(ran.rounds):
        opened = read_round(ran.places.transcript(STUDY), number, ran.manifest)
        kept = [
            Harness(ran.places.harness / STUDY / hospital).integers(number)
            for hospital in HOSPITALS
        ]
        np.testing.assert_array_equal(np.sum(kept, axis=0), opened.aggregate.values)


def test_what_every_hospital_sealed_is_its_sum_and_its_own_share_of_noise(ran: PrivateRun) -> None:
    manifest, recipe = ran.manifest, PrivateRecipe()
    codec = study_codec(manifest, recipe.clip_norm)
    residuals = []
    for number in range(ran.rounds):
        opened = read_round(ran.places.transcript(STUDY), number, manifest)
        model = manifest.layout.unflatten(decode_model(opened.model, manifest.layout.size))
        for hospital in HOSPITALS:
            records = of_split(training_records(hospital), SEALED_SPLIT)
            batches = gradients(model, records, manifest.layout, recipe.batch_size)
            sealed = Harness(ran.places.harness / STUDY / hospital).integers(number)
            residuals.append(sealed - sum_units(batches, codec)[0] / 2**FINE_BITS)
    noise = np.array(residuals)

    # 540 draws or more: five deviations of an estimate are below a sixth.
    assert np.std(noise) == pytest.approx(np.sqrt(study_plan(manifest).share.variance), rel=1 / 6)
    assert len({one.tobytes() for one in noise}) == len(noise)
    correlated = np.atleast_2d(np.corrcoef(noise))[~np.eye(len(noise), dtype=bool)]
    assert np.abs(correlated).max() < 0.9


def test_the_figures_are_those_of_the_plan_and_of_ten_splits(ran: PrivateRun) -> None:
    plan = study_plan(ran.manifest)
    privacy, auc = ran.results["privacy"]["3"], ran.results["auc"]

    assert privacy["epsilon"] == pytest.approx(3.0, abs=1e-6)
    assert privacy["noise_multiplier"] == plan.noise_multiplier
    assert (privacy["levels"], privacy["field_bits"]) == (plan.levels, plan.field_bits)
    assert [row["shares"] for row in privacy["over_colluders"]] == [2, 1, 0]
    for name in ("no_noise", "epsilon_3", "epsilon_1"):
        assert 0.5 < auc[name]["mean"] < 1
        assert auc[name]["sd"] > 0
    assert auc["judged"] is False
    assert ran.results["recipe"]["rounds"] == PLANNED != PrivateRecipe().rounds
    assert ran.results[SEAL]["bytes_sent"] > 0


def test_its_last_commands_read_the_ledgers(ran: PrivateRun) -> None:
    commands = [line for line in ran.output.splitlines() if "blindsum privacy spent" in line]

    assert len(commands) == 2
    for command in commands:
        told = subprocess.run(
            [sys.executable, "-m", "blindsum_cli", *command.split()[2:], "--json"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(told.stdout)


def test_an_auditor_accepts_the_transcript_and_counts_the_same(ran: PrivateRun) -> None:
    digest = bytes.fromhex(ran.results[SEAL]["manifest_digest"])
    report = verify(ran.places.transcript(STUDY), digest, Level.ENTITLED)

    assert report.accepted
    assert report.privacy is not None
    ended = ran.results["budget"]["ended"]["clients"]
    for spender in report.privacy.spenders:
        assert spender.steps == ended[spender.name]["settled_steps"]


def test_no_line_but_a_command_is_wider_than_a_terminal(ran: PrivateRun) -> None:
    wide = [line for line in ran.output.splitlines() if len(line) > TERMINAL]

    assert wide == [line for line in wide if line.startswith(("$ ", "folder "))]


def test_no_process_is_left_behind(ran: PrivateRun) -> None:
    folder = str(ran.places.root).encode()

    assert [path for path in Path("/proc").glob("[0-9]*/cmdline") if folder in read(path)] == []


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # It ended while we looked.
