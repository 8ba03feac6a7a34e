"""The state folder of a client, and the anchor beside it that is never restored."""

from dataclasses import dataclass
from pathlib import Path

from blindsum_client.anchor import default_anchor_path


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
