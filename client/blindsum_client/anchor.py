"""The anchor: the highest round that was sealed, kept outside the folder that gets restored.

A state folder that comes back from a backup has forgotten its newest seals, and a client that
sealed such a round a second time would hand out two contributions of one round (threat T14). The
anchor is a small file beside the folder, not inside it, and must be left out of backups. It is
written after a seal is on the disk and before anything is sent.
"""

import json
from pathlib import Path
from typing import Final

from blindsum_client.durable import make_private_folder, write_durably
from blindsum_crypto.errors import Refused, Rejected

NONE_SEALED: Final = -1
_SUFFIX: Final = ".anchor"


class Anchor:
    """The file that says through which round a client has sealed in one study."""

    def __init__(self, path: Path, manifest_digest: bytes, *, expected: bool) -> None:
        """Open the anchor, or begin one.

        Args:
            path: Where it lies.
            manifest_digest: Digest of the study's manifest, 32 bytes.
            expected: Whether the state folder has been in use, so that the anchor must be there.

        Raises:
            Refused: `anchor-missing`, when it is not there although the folder was in use;
                `anchor-study`, when it belongs to another study.
            Rejected: `anchor-damaged`, when it cannot be read.
        """
        self._path = path
        self._study = manifest_digest.hex()
        if path.exists():
            self._sealed_through = self._read()
            return
        if expected:
            raise Refused(
                "anchor-missing",
                f"expected {path} beside a state folder that was in use: a folder restored without "
                "it may have forgotten a seal; start again with an empty state folder",
            )
        make_private_folder(path.parent)
        self._sealed_through = NONE_SEALED
        self._write()

    @property
    def sealed_through(self) -> int:
        """The highest round number that was sealed; -1 when there was none."""
        return self._sealed_through

    def raise_to(self, round_number: int) -> None:
        """Remember a seal; on the disk when this returns."""
        if round_number > self._sealed_through:
            self._sealed_through = round_number
            self._write()

    def _read(self) -> int:
        try:
            content = json.loads(self._path.read_bytes())
            study, sealed_through = content["manifest"], content["sealed_through"]
        except (ValueError, KeyError, TypeError) as error:
            raise Rejected("anchor-damaged", f"expected {self._path} as it was written") from error
        if not isinstance(sealed_through, int):
            raise Rejected("anchor-damaged", f"expected {self._path} as it was written")
        if study != self._study:
            raise Refused("anchor-study", f"expected {self._path} to belong to this study")
        return sealed_through

    def _write(self) -> None:
        content = {"manifest": self._study, "sealed_through": self._sealed_through}
        write_durably(self._path, json.dumps(content).encode() + b"\n")


def default_anchor_path(state: Path) -> Path:
    """Beside the state folder: `state/cleveland` has `state/cleveland.anchor`."""
    return state.with_name(state.name + _SUFFIX)
