"""A custodian as a process of its own: it serves from its files and stops cleanly on a signal."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blindsum_crypto.keystore import FileKeyStore, KeyRing
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.settings import CustodianSettings
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_protos.convert.signed import to_wire
from blindsum_rules.manifest import Approval
from blindsum_rules.signed import Signed

if TYPE_CHECKING:
    from tests.custodian.rounds.conftest import Play
    from tests.custodian.rounds.line.conftest import PlayedAggregator

A = "custodian-0"
PATIENCE_SECONDS = 30.0

ATTEND = """
import sys
from pathlib import Path
from blindsum_crypto.keystore import FileKeyStore
from blindsum_custodian.attend import attend
from blindsum_custodian.settings import CustodianSettings
from blindsum_protos.convert.manifest import manifest_file_from_bytes

key, manifest = Path(sys.argv[1]), Path(sys.argv[2])
ring = FileKeyStore(key, b"passphrase").load()
attend(CustodianSettings(), ring, [manifest_file_from_bytes(manifest.read_bytes())])
print("stopped cleanly")
"""


@pytest.fixture
def files(
    live: "Play", approved: Callable[["Play"], Signed[Approval]], tmp_path: Path
) -> list[Path]:
    """The custodian's key file and the study's manifest file."""
    key, manifest = tmp_path / "custodian.key", tmp_path / "small.manifest"
    ring = KeyRing(live.people.identities[A], live.people.wrap_keys[A])
    FileKeyStore(key, b"passphrase").create(ring)
    manifest.write_bytes(manifest_file_to_bytes(live.people.manifest, approved(live)))
    return [key, manifest]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_stops_cleanly_on_a_signal(
    live: "Play",
    aggregator: "PlayedAggregator",
    settings_for: Callable[["Play", int], CustodianSettings],
    files: list[Path],
    number: signal.Signals,
) -> None:
    aggregator.ask_to_close(0)
    with aggregator.serving() as port:
        settings = settings_for(live, port)
        settings.create_store().close()
        environment = os.environ | {
            "BLINDSUM_CUSTODIAN_AGGREGATOR": settings.aggregator,
            "BLINDSUM_CUSTODIAN_STORE": str(settings.store),
            "BLINDSUM_CUSTODIAN_INSTANCE_FILE": str(settings.instance_file),
        }
        command = [sys.executable, "-c", ATTEND, *map(str, files)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            answer = aggregator.answer()
            process.send_signal(number)
            said, _ = process.communicate(timeout=PATIENCE_SECONDS)

    assert process.returncode == 0
    assert said.splitlines()[-1] == "stopped cleanly"
    (stored,) = live.perform(A, CloseDuty(0))
    assert answer.close == to_wire(stored)
