"""One process takes part with a state folder; another one is told, and may only look on (T14)."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.client.people import PASSPHRASE, peers, vector
from tests.client.stage import Stage

from blindsum_client.client import Client
from blindsum_client.standing import Standing
from blindsum_crypto.errors import Refused
from blindsum_crypto.keystore import FileKeyStore
from blindsum_protos.convert.manifest import manifest_file_to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

JOINER = """
import sys, time
from pathlib import Path
from tests.client.test_state_in_use import join
client = join(Path(sys.argv[1]), sys.argv[2])
print("joined", flush=True)
time.sleep(60)
"""


def join(folder: Path, digest: str, *, alone: bool = True) -> Client:
    return Client.join(
        folder / "heart.manifest",
        digest=digest,
        key_file=folder / "cleveland.key",
        passphrase=PASSPHRASE,
        aggregator="127.0.0.1:1",
        state=folder / "state",
        alone=alone,
    )


@pytest.fixture
def digest(stage: Stage, tmp_path: Path) -> str:
    """The digest of a study whose files lie ready for `join`."""
    (tmp_path / "heart.manifest").write_bytes(manifest_file_to_bytes(stage.manifest, None))
    FileKeyStore(tmp_path / "cleveland.key", PASSPHRASE).create(stage.people.key_ring("cleveland"))
    return stage.manifest.digest.hex()


def refusal(act: "Callable[[], Client]") -> str:
    with pytest.raises(Refused) as caught:
        act()
    return caught.value.rule


def test_a_second_client_on_one_state_is_refused_until_the_first_is_closed(
    tmp_path: Path, digest: str
) -> None:
    first = join(tmp_path, digest)

    assert refusal(lambda: join(tmp_path, digest)) == "state-in-use"

    first.close()
    first.close()
    join(tmp_path, digest).close()


def test_a_process_that_takes_part_is_noticed_and_once_killed_it_bars_nobody(
    tmp_path: Path, digest: str
) -> None:
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", JOINER, str(tmp_path), digest],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "joined\n"
        assert refusal(lambda: join(tmp_path, digest)) == "state-in-use"
    finally:
        process.kill()
        process.communicate()

    join(tmp_path, digest).close()


def test_who_only_looks_back_neither_minds_nor_takes_the_hold(tmp_path: Path, digest: str) -> None:
    with join(tmp_path, digest, alone=False), join(tmp_path, digest):
        looking = join(tmp_path, digest, alone=False)

        looking.close()

        assert refusal(lambda: join(tmp_path, digest)) == "state-in-use"


def test_a_join_that_fails_lets_go_of_the_folder(tmp_path: Path, digest: str) -> None:
    join(tmp_path, digest).close()
    anchor = tmp_path / "state.anchor"
    kept = anchor.read_bytes()
    anchor.unlink()
    assert refusal(lambda: join(tmp_path, digest)) == "anchor-missing"

    anchor.write_bytes(kept)

    join(tmp_path, digest).close()


def test_a_client_knows_how_far_it_has_come(stage: Stage, tmp_path: Path) -> None:
    client = stage.client(tmp_path / "state")
    assert client.standing == Standing(-1, sealed=False, ended=False)

    stage.open_round()
    round_ = next(client.rounds())
    assert client.standing == Standing(0, sealed=False, ended=False)

    client.contribute(round_, vector(1))
    assert client.standing == Standing(0, sealed=True, ended=False)

    stage.publish(peers())
    stage.end_study()
    assert list(client.rounds()) == []
    assert client.standing == Standing(1, sealed=False, ended=True)
