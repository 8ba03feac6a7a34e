"""`client` by hand: it says what it waits for, and ends where waiting would help nobody."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Ran, Run
from tests.client.people import DAY, PASSPHRASE, initial_arrays
from tests.client.stage import Stage
from tests.client.wire import WireServer

from blindsum_client.client import Client
from blindsum_crypto.errors import Refused
from blindsum_crypto.identity import Identity
from blindsum_crypto.keystore import FileKeyStore
from blindsum_crypto.randomness import SystemRandomness
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.manifest import Party

BY_HAND = ("model", "contribute", "verify")
LONGEST_SECONDS = 20.0
"""Nobody who sits in front of a command waits longer to hear that nobody answers."""


@dataclass(frozen=True)
class Hospital:
    """A hospital at its command line, and the stage that plays everybody else."""

    stage: Stage
    server: WireServer
    folder: Path
    run: Run

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def write_manifest(self) -> None:
        (self.folder / "heart.manifest").write_bytes(
            manifest_file_to_bytes(self.stage.manifest, None)
        )

    def type(self, command: str, aggregator: str | None = None, wait: float = 1.0) -> Ran:
        options: dict[str, tuple[object, ...]] = {
            "model": ("--out", self.folder / "model.npz", "--wait", wait),
            "contribute": ("--update", self.folder / "update.npz", "--records", 9, "--wait", wait),
            "verify": ("--round", 0),
        }
        return self.run(
            *("client", command, self.folder / "heart.manifest", *options[command]),
            *("--digest", self.stage.manifest.digest.hex(), "--state", self.state),
            *("--key", self.folder / "cleveland.key"),
            *("--aggregator", aggregator or self.server.address),
            passphrase=PASSPHRASE.decode(),
        )

    def take_part(self) -> Client:
        """Hold the state as `client join --trainer` does."""
        return Client.join(
            self.folder / "heart.manifest",
            digest=self.stage.manifest.digest.hex(),
            key_file=self.folder / "cleveland.key",
            passphrase=PASSPHRASE,
            aggregator=self.server.address,
            state=self.state,
        )


@pytest.fixture
def hospital(tmp_path: Path, run: Run) -> Iterator[Hospital]:
    stage = Stage()
    stage.now = time.time()
    now = int(stage.now)
    body = replace(stage.manifest.body, not_before_unix=now - DAY, not_after_unix=now + DAY)
    stage.manifest = stage.people.sign(body, "operator")
    FileKeyStore(tmp_path / "cleveland.key", PASSPHRASE).create(stage.people.key_ring("cleveland"))
    changes = {name: np.full_like(array, 0.5) for name, array in initial_arrays().items()}
    np.savez(tmp_path / "update.npz", **changes)  # type: ignore[arg-type]
    let_the_stage_wait(stage)
    server = WireServer(stage)
    place = Hospital(stage, server, tmp_path, run)
    place.write_manifest()
    yield place
    server.stop()


def let_the_stage_wait(stage: Stage) -> None:
    """Where there is no newer round, answer so after a while, as the real aggregator does."""
    newest = stage.calls._next_round

    def answer(request: aggregator_pb2.NextRoundRequest) -> aggregator_pb2.RoundAnnouncement:
        if stage.calls.announced(request.after) is not None:
            return newest(request)
        time.sleep(0.2 if request.wait_seconds else 0)
        return aggregator_pb2.RoundAnnouncement()

    stage.calls._next_round = answer  # type: ignore[method-assign]


# ---- what it waits for


def test_a_client_says_that_it_waits_for_a_first_round(hospital: Hospital) -> None:
    ran = hospital.type("model")

    assert ran.code == 3
    assert "no-round" in ran.err
    assert ran.err.startswith("waiting for a first round, up to 1 s (--wait)\n")


@pytest.mark.parametrize("command", ["model", "contribute"])
def test_a_client_that_has_contributed_says_so_and_which_round_it_waits_for(
    hospital: Hospital, command: str
) -> None:
    hospital.stage.open_round()
    sent = hospital.type("contribute")
    assert sent.code == 0, sent.err

    ran = hospital.type(command)

    assert ran.code == 3
    assert ran.err.startswith(
        "this --state has sealed its contribution to round 0: waiting for round 1, up to 1 s "
        "(--wait)\n"
    )


def test_a_client_that_has_not_contributed_is_shown_its_round_again(hospital: Hospital) -> None:
    hospital.stage.open_round()

    first, second = hospital.type("model"), hospital.type("model")

    assert (first.code, second.code) == (0, 0)
    assert "waiting for a first round" in first.err
    assert "waiting for round 0 or a later one, up to 1 s (--wait)" in second.err
    assert "sealed" not in second.err


# ---- nobody, or somebody else


@pytest.mark.parametrize("command", BY_HAND)
def test_where_nobody_listens_a_command_ends_at_once_with_the_next_step(
    hospital: Hospital, unused_address: str, command: str
) -> None:
    begun = time.monotonic()

    ran = hospital.type(command, unused_address, wait=600)

    assert time.monotonic() - begun < LONGEST_SECONDS
    assert ran.code == 3
    assert "aggregator-unreachable" in ran.err
    assert "Next:" in ran.err
    assert "waiting" not in ran.err


@pytest.mark.parametrize("command", BY_HAND)
def test_where_another_studys_aggregator_answers_a_command_says_so_and_ends(
    hospital: Hospital, command: str
) -> None:
    """The same study id and the same names; only the aggregator's key is another one."""
    stage = hospital.stage
    served = stage.manifest
    other = Party("aggregator", Identity.generate(SystemRandomness()).public)
    stage.manifest = stage.people.sign(replace(served.body, aggregator=other), "operator")
    hospital.write_manifest()
    for method in ("NextRound", "GetOutcome"):
        stage.calls.fail(method, Refused("unknown-study", "expected a study served here"))

    ran = hospital.type(command, wait=600)

    assert ran.code == 1
    assert "wrong-aggregator" in ran.err
    assert "somebody else answers there" in ran.err
    assert "correct --aggregator" in ran.err.partition("Next:")[2]


# ---- two processes on one state


def test_a_command_on_a_state_that_somebody_takes_part_with_is_refused(hospital: Hospital) -> None:
    hospital.stage.open_round()
    with hospital.take_part():
        refused = [hospital.type(command) for command in ("model", "contribute")]

    for ran in refused:
        assert ran.code == 1
        assert "state-in-use" in ran.err
        assert "Next:" in ran.err
    assert not hospital.stage.rounds[-1].uploads
    assert hospital.type("contribute").code == 0


def test_verifying_looks_on_while_somebody_takes_part(hospital: Hospital) -> None:
    hospital.stage.open_round()
    with hospital.take_part():
        ran = hospital.type("verify")

    assert ran.code == 3
    assert "round-not-over" in ran.err
