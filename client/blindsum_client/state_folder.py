"""The state folder of a client, and the anchor beside it that is never restored."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from blindsum_client.anchor import default_anchor_path
from blindsum_client.durable import make_private_folder
from blindsum_crypto.sole_use import SoleUse

_LOCK: Final = "lock"


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Where a client keeps what it must remember.

    Attributes:
        path: The folder: one for each client and study.
        anchor: A file outside it, left out of backups; beside the folder unless it is named.
    """

    path: Path
    anchor: Path

    @classmethod
    def at(cls, path: str | Path, anchor: str | Path | None = None) -> "StateFolder":
        """The folder at `path`, which need not exist yet."""
        folder = Path(path)
        return cls(folder, Path(anchor) if anchor else default_anchor_path(folder))

    def hold(self) -> SoleUse:
        """Hold the folder, which is created if need be, for this process alone.

        The transactions of the outbox already let one seal of two through; the hold keeps a second
        process from wasting a training, and a user from wondering which of the two sent.

        Raises:
            Refused: `state-in-use`, when it is held.
        """
        make_private_folder(self.path)
        return SoleUse(
            self.path / _LOCK,
            "state-in-use",
            f"expected the state folder {self.path} for itself; another client process uses it",
        )
