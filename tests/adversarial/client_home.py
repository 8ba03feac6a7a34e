"""A client's machine: manifest, key file, state folder and anchor, and the way to the port.

What joins from here is the product's own client, with keys from an encrypted file, over gRPC.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from tests.adversarial.hostile_aggregator import Integers

from blindsum_client.client import Client
from blindsum_crypto.keystore import FileKeyStore
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_rules.local_policy import ClientPolicy

if TYPE_CHECKING:
    from tests.adversarial.served_study import ServedStudy

PASSPHRASE = b"a passphrase of the attacks"
BEFORE_THE_ROW = "sealed bytes on the disk, nothing else"
"""Where a client may die beside the stages that it tells."""


@dataclass(frozen=True)
class ClientHome:
    """What one client's machine holds: manifest, key file, state folder, and where to dial.

    Attributes:
        home: The folder of all of it.
        address: Of the aggregator.
        digest: The manifest's, in hexadecimal digits.
        seal: The study's.
        values_seed: What the client's integers are drawn from.
        dies_at: A stage of a contribution, or `BEFORE_THE_ROW`.
        forgets: Whether the outbox is switched off: nothing is kept before the first byte leaves.
    """

    home: str
    address: str
    digest: str
    seal: str
    values_seed: int = 0
    dies_at: str = ""
    forgets: bool = False

    @property
    def state(self) -> Path:
        return Path(self.home) / "state"

    @property
    def manifest_file(self) -> Path:
        return Path(self.home) / "study.manifest"

    @property
    def key_file(self) -> Path:
        return Path(self.home) / "client.key"

    @property
    def anchor(self) -> Path:
        return self.state.with_name("state.anchor")

    def join(self, state: Path | None = None) -> Client:
        """Join from this machine, or from another state folder on it."""
        return Client.join(
            self.manifest_file,
            digest=self.digest,
            key_file=self.key_file,
            passphrase=PASSPHRASE,
            aggregator=self.address,
            state=state or self.state,
            policy=ClientPolicy(allowed_seals=frozenset({self.seal})),
        )

    def die(self, dies_at: str, *, forgets: bool = False) -> None:
        """Run the client in a process of its own, which contributes and dies at that point."""
        mortal = replace(self, dies_at=dies_at, forgets=forgets)
        (Path(self.home) / "home.json").write_text(json.dumps(asdict(mortal)))
        root = Path(__file__).resolve().parents[2]
        run = subprocess.run(
            [sys.executable, "-m", "tests.adversarial.dying_client", self.home],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            check=False,
        )
        assert run.returncode == -signal.SIGKILL, run.stderr.decode()

    @classmethod
    def read(cls, home: Path) -> Self:
        return cls(**json.loads((home / "home.json").read_text()))

    def copy_to(self, copy: Path) -> None:
        """Copy state and anchor, as a snapshot of a whole machine has them."""
        shutil.copytree(self.state, copy)
        shutil.copy(self.anchor, copy.with_name(f"{copy.name}.anchor"))

    def restore(self, backup: Path) -> None:
        """Put a backup of the state folder in its place; the anchor is left out of backups."""
        shutil.rmtree(self.state)
        shutil.copytree(backup, self.state)


def move_in(study: "ServedStudy", client: str, folder: Path) -> ClientHome:
    """The machine of a client that has not joined yet."""
    folder.mkdir()
    manifest, address = study.world.people.manifest, f"127.0.0.1:{study.port}"
    home = ClientHome(str(folder), address, manifest.digest.hex(), manifest.body.seals[0])
    home.manifest_file.write_bytes(manifest_file_to_bytes(manifest, None))
    FileKeyStore(home.key_file, PASSPHRASE).create(study.world.people.key_ring(client))
    return home


def values_from(seed: int, length: int) -> Integers:
    """The integers that a client contributes, by their seed."""
    return np.random.default_rng(seed).integers(-1000, 1000, length, dtype=np.int64)
