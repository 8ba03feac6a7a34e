"""A client that kills itself in the middle of a contribution; `test_client_rolled_back.py` runs it.

    python -m tests.adversarial.dying_client HOME

HOME is a `ClientHome`. The process joins the study at its real port, seals, and is gone
by SIGKILL at the point that HOME names: nothing of it is closed, flushed or said goodbye to.
"""

# The functions that are replaced have no types to name.
# ruff: noqa: ANN401

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from tests.adversarial.hostile_aggregator import Integers

from blindsum_client import outbox
from blindsum_client.anchor import Anchor
from blindsum_client.client import Client
from blindsum_client.stages import Stage
from blindsum_rules.local_policy import ClientPolicy

PASSPHRASE = b"a passphrase of the attacks"
BEFORE_THE_ROW = "sealed bytes on the disk, nothing else"


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


def values_from(seed: int, length: int) -> Integers:
    """The integers that a client contributes, by their seed."""
    return np.random.default_rng(seed).integers(-1000, 1000, length, dtype=np.int64)


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def forget(*_: Any, **__: Any) -> None:
    return None


def main(home: ClientHome) -> None:
    if home.forgets:
        for name in ("_insert", "_remember_training"):
            setattr(outbox, name, forget)
        Anchor.raise_to = forget  # type: ignore[method-assign]
    if home.dies_at == BEFORE_THE_ROW:
        outbox._insert = die

    def on_stage(_: int, stage: Stage) -> None:
        if stage.value == home.dies_at:
            die()

    client = home.join()
    client.tell_stages_to(on_stage)
    round_ = next(client.rounds())
    length = round_.spec.body.vector_length
    client.contribute(round_, values_from(home.values_seed, length))


if __name__ == "__main__":
    main(ClientHome.read(Path(sys.argv[1])))
