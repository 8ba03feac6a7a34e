"""A whole study by its commands alone: real processes, and every command that talks to them."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import PASSPHRASE, Desk, Ran, Run

from blindsum_cli.demo.processes import Processes, running
from blindsum_cli.manifest_file import read_manifest_unchecked

pytestmark = pytest.mark.slow

CLIENTS = ("cleveland", "hungary", "switzerland", "va-long-beach")
CUSTODIANS = tuple(f"keeper-{letter}" for letter in "abcd")
LONGEST_SECONDS = 60.0

TRAINING = """
from blindsum_client import Update

def train(model, round):
    return Update({name: values * 0 + 0.25 for name, values in model.items()}, records=10)
"""


class Study:
    """A running study and the ways to speak to it."""

    def __init__(self, desk: Desk, processes: Processes, run: Run) -> None:
        self.desk, self.processes, self.run = desk, processes, run
        self.digest = read_manifest_unchecked(desk.manifest)[0].digest.hex()
        self.passphrase = desk.folder / "passphrase"
        self.passphrase.touch(mode=0o600)
        self.passphrase.write_text(f"{PASSPHRASE}\n")
        self.address = self._start()

    @property
    def transcript(self) -> Path:
        return self.desk.folder / "data" / "transcripts" / "heart-2026"

    def operator(self, *command: object, key: str = "registry") -> Ran:
        """Run a command as operator, or with another party's key."""
        return self.run(*command, "--key", self.desk.key(key), "--aggregator", self.address)

    def client(self, name: str, command: str, *options: object) -> Ran:
        return self.run(
            *("client", command, self.desk.manifest, *options),
            *("--digest", self.digest, "--key", self.desk.key(name)),
            *("--aggregator", self.address, "--state", self.desk.folder / "state" / name),
        )

    def status(self) -> dict[str, Any]:
        ran = self.operator("round", "status", self.desk.manifest, "--json")
        assert ran.code == 0, ran.err
        standing: dict[str, Any] = json.loads(ran.out)
        return standing

    def wait(self, happened: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        deadline = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < deadline:
            self.processes.check()
            standing = self.status()
            if happened(standing):
                return standing
            time.sleep(0.2)
        raise TimeoutError(str(standing))

    def _start(self) -> str:
        address_file = self.desk.folder / "address"
        keys = ("--passphrase-file", self.passphrase)
        self.processes.start(
            "adder",
            "blindsum_cli",
            [
                *("aggregator", "serve", "--manifest", self.desk.manifest),
                *("--key", self.desk.key("adder"), *keys, "--data", self.desk.folder / "data"),
                *("--initial-model", self.desk.initial_model, "--listen", "127.0.0.1:0"),
                *("--address-file", address_file, "--manual-rounds", "--keep-payloads"),
            ],
        )
        deadline = time.monotonic() + LONGEST_SECONDS
        while not address_file.exists() and time.monotonic() < deadline:
            self.processes.check()
            time.sleep(0.05)
        address = address_file.read_text().strip()
        for name in CUSTODIANS:
            self.processes.start(
                name,
                "blindsum_cli",
                [
                    *("custodian", "attend", "--new", "--manifest", self.desk.manifest),
                    *("--digest", self.digest, "--key", self.desk.key(name), *keys),
                    *("--store", self.desk.folder / name / "store"),
                    *("--instance", self.desk.folder / name / "instance"),
                    *("--aggregator", address),
                ],
            )
        return address


@pytest.fixture
def study(signed: Desk, run: Run) -> Iterator[Study]:
    logs = signed.folder / "logs"
    logs.mkdir()
    with running(logs) as processes:
        running_study = Study(signed, processes, run)
        running_study.wait(lambda standing: len(standing["attending"]) == len(CUSTODIANS))
        yield running_study


def test_a_study_runs_from_its_first_round_to_its_end_by_commands_alone(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = study.desk.manifest
    opened = study.operator("round", "open", manifest)
    assert opened.code == 0, opened.err

    update = tmp_path / "update.npz"
    np.savez(update, bias=np.full(1, 0.5, np.float32), weight=np.full(3, -0.25, np.float32))
    for name in CLIENTS[1:]:
        model = study.client(name, "model", "--out", tmp_path / f"{name}.npz")
        assert model.code == 0, model.err
        with np.load(tmp_path / f"{name}.npz") as arrays:
            np.testing.assert_array_equal(arrays["weight"], np.ones(3, np.float32))
        sent = study.client(name, "contribute", "--update", update, "--records", 100, "--round", 0)
        assert sent.code == 0, sent.err
        assert "receipt" in sent.out

    # The fourth client sends last, so that the round is open for as long as this test needs it.
    late = study.client(
        CLIENTS[0], "contribute", "--update", update, "--records", 100, "--round", 7
    )
    assert late.code == 1
    assert "other-round" in late.err
    assert study.client(CLIENTS[0], "verify", "--round", 0).code == 3
    sent = study.client(CLIENTS[0], "contribute", "--update", update, "--records", 200)
    assert sent.code == 0, sent.err

    closed = study.wait(lambda standing: standing["rounds"][0]["state"] == "CLOSED")
    assert closed["rounds"][0]["frozen"] == len(CLIENTS)
    for name in CLIENTS:
        checked = study.client(name, "verify", "--round", 0)
        assert checked.code == 0, checked.err
        assert f"{name} is in the sum" in checked.out
    table = study.operator("round", "status", manifest, key="keeper-a")
    assert "CLOSED" in table.out
    assert "against 1 colluding organisation" in " ".join(table.out.split())

    ended = study.operator("study", "end", manifest)
    assert ended.code == 0, ended.err
    study.wait(lambda standing: standing["ended"])

    (tmp_path / "my_training.py").write_text(TRAINING)
    monkeypatch.syspath_prepend(tmp_path)
    final = study.client(
        CLIENTS[0], "join", "--trainer", "my_training:train", "--out", tmp_path / "final.npz"
    )
    assert final.code == 0, final.err
    with np.load(tmp_path / "final.npz") as arrays:
        np.testing.assert_allclose(arrays["bias"], [0.5], atol=1e-3)
        np.testing.assert_allclose(arrays["weight"], [0.75] * 3, atol=1e-3)
    by_hand = study.client(CLIENTS[1], "model", "--out", tmp_path / "by-hand.npz")
    assert by_hand.code == 0, by_hand.err
    assert "final model" in by_hand.out
    with np.load(tmp_path / "by-hand.npz") as mine, np.load(tmp_path / "final.npz") as theirs:
        np.testing.assert_array_equal(mine["weight"], theirs["weight"])

    while not (study.transcript / "end" / "acceptances.pb").exists():
        time.sleep(0.1)
    verified = study.run("verify", study.transcript, "--digest", study.digest)
    assert verified.code == 0, verified.out
    assert "accepted" in verified.out
    assert "entitled" in verified.out
    assert json.loads(study.run("verify", study.transcript, "--json").out)["accepted"] is True
    every_line = study.run("verify", study.transcript, "--all")
    assert every_line.out.count("rounds/000000/") > verified.out.count("rounds/000000/")


def test_what_is_refused_is_refused_by_name_over_the_wire(study: Study, run: Run) -> None:
    manifest = study.desk.manifest

    by_a_client = study.operator("round", "open", manifest, "--round", 0, key="cleveland")
    skipping = study.operator("round", "open", manifest, "--round", 5)
    too_early = study.operator("study", "end", manifest)
    nothing_to_abort = study.operator(
        "round", "abort", manifest, "--round", 0, "--reason", "no reason"
    )
    nothing_comes = study.client("cleveland", "model", "--out", "model.npz", "--wait", 1)

    assert by_a_client.code == 1
    assert "operator-key" in by_a_client.err
    for ran in (skipping, too_early, nothing_to_abort):
        assert ran.code == 1
        assert "Refused" in ran.err
    assert nothing_comes.code == 3
    assert "no-round" in nothing_comes.err

    run("keys", "new", "stranger", "--role", "client", "--folder", study.desk.folder)
    stranger = study.operator("round", "status", manifest, key="stranger")
    assert stranger.code == 1
    assert "not-a-party" in stranger.err


def test_an_aborted_round_says_so_to_its_clients(study: Study) -> None:
    manifest = study.desk.manifest
    assert study.operator("round", "open", manifest).code == 0
    study.wait(lambda standing: standing["rounds"] and standing["rounds"][0]["state"] == "OPEN")

    aborted = study.operator("round", "abort", manifest, "--round", 0, "--reason", "a rehearsal")

    assert aborted.code == 0, aborted.err
    ended = study.wait(lambda standing: standing["rounds"][0]["state"] == "CLOSED")
    assert ended["rounds"][0]["ended_by_rule"] == "operator-abort"
    checked = study.client("cleveland", "verify", "--round", 0)
    assert checked.code == 1
    assert "operator-abort" in checked.out


def test_a_client_that_is_told_to_stop_ends_well_and_goes_on_later(
    study: Study, tmp_path: Path
) -> None:
    (tmp_path / "my_training.py").write_text(TRAINING)
    command = [
        *(sys.executable, "-m", "blindsum_cli", "client", "join", study.desk.manifest),
        *("--digest", study.digest, "--key", study.desk.key("hungary")),
        *("--passphrase-file", study.passphrase, "--aggregator", study.address),
        *("--state", tmp_path / "state", "--trainer", "my_training:train"),
    ]
    for _ in ("first start", "second start"):
        client = subprocess.Popen(
            list(map(str, command)), cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        assert client.stdout is not None
        assert "joined study" in client.stdout.readline()
        time.sleep(1.0)  # Long enough to wait for a round by then.

        client.terminate()

        client.communicate(timeout=20)
        assert client.returncode == 0


def test_two_processes_of_one_custodian_are_refused(study: Study, run: Run) -> None:
    folder = study.desk.folder / "keeper-a"

    second = run(
        *("custodian", "attend", "--manifest", study.desk.manifest, "--digest", study.digest),
        *("--key", study.desk.key("keeper-a"), "--aggregator", study.address),
        *("--store", folder / "store", "--instance", folder / "instance"),
    )

    assert second.code == 1
    assert "store-in-use" in second.err


def test_with_mutual_tls_only_a_party_with_a_certificate_gets_an_answer(
    signed: Desk, run: Run
) -> None:
    certificates, address_file = signed.folder / "tls", signed.folder / "address"
    run("keys", "tls", "127.0.0.1", "--folder", certificates, "--client", "registry")
    passphrase = signed.folder / "passphrase"
    passphrase.write_text(f"{PASSPHRASE}\n")
    (signed.folder / "logs").mkdir()
    with running(signed.folder / "logs") as processes:
        processes.start(
            "adder",
            "blindsum_cli",
            [
                *("aggregator", "serve", "--manifest", signed.manifest, "--listen", "127.0.0.1:0"),
                *("--key", signed.key("adder"), "--passphrase-file", passphrase),
                *("--initial-model", signed.initial_model, "--data", signed.folder / "data"),
                *("--tls-certificate", certificates / "aggregator.pem"),
                *("--tls-client-authority", certificates / "authority.pem"),
                *("--address-file", address_file),
            ],
        )
        while not address_file.exists():
            processes.check()
            time.sleep(0.05)
        status = (
            *("round", "status", signed.manifest, "--key", signed.key("registry")),
            *("--aggregator", address_file.read_text().strip()),
        )
        authority = ("--tls-authority", certificates / "authority.pem")

        mutual = run(*status, *authority, "--tls-certificate", certificates / "registry.pem")
        nameless = run(*status, *authority)
        plain = run(*status)

    assert mutual.code == 0, mutual.err
    assert "no custodian" in mutual.out
    assert nameless.code == 3
    assert plain.code == 3
