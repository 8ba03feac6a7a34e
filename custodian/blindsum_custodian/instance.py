"""The instance file: how a custodian notices that its memory is a copy or an old one.

A custodian's memory is a security boundary: restored from a backup, it would endorse a second
freeze of a round that it no longer remembers (threat T25). So the store is bound to a file outside
all backups that holds the instance's id and how many decisions were committed. The count follows
every decision before its answer leaves; a store that is behind the file has lost decisions whose
answers may be out, and a store that is ahead by one was stopped before the answer left.

A snapshot of a whole machine holds both and is not noticed here: the custodian notices it when it
is shown a signature of its own that it does not remember, and SECURITY.md says so.
"""

import hmac
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from blindsum_crypto.errors import Refused
from blindsum_crypto.sole_use import SoleUse

INSTANCE_ID_BYTES: Final = 16
_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Instance:
    """What the instance file says.

    Attributes:
        instance_id: 32 hexadecimal characters, drawn when store and file were created together.
        decisions: Decisions that the store had committed when the file was written last.
    """

    instance_id: str
    decisions: int


class InstanceFile:
    """The one file of an instance, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Take the instance for this process.

        Raises:
            Refused: `store-in-use`, when another process holds it; `instance-mismatch`, when its
                folder does not exist.
        """
        self._path = path
        lock_path = path.with_name(path.name + ".lock")
        try:
            self._hold = SoleUse(
                lock_path, "store-in-use", f"expected no other process on the instance {path}"
            )
        except FileNotFoundError:
            raise _mismatch(f"the folder of {path}") from None

    def exists(self) -> bool:
        """Say whether the instance was created."""
        return self._path.exists()

    def read(self) -> Instance:
        """Read the file.

        Raises:
            Refused: `instance-mismatch`, when it is missing or not as it was written.
        """
        try:
            fields = json.loads(self._path.read_text(encoding="utf-8"))
            return Instance(str(fields["instance_id"]), int(fields["decisions"]))
        except (OSError, ValueError, KeyError, TypeError):
            raise _mismatch(f"a readable instance file at {self._path}") from None

    def write(self, instance: Instance) -> None:
        """Replace the file's words, durably: after a crash it holds the old or the new ones."""
        fresh = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(instance), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        _sync_folder(self._path.parent)

    def close(self) -> None:
        """Let another process have the instance."""
        self._hold.close()


def check_instance(file: Instance, stored: Instance) -> None:
    """Check that a store is the one that the file was written for, and has lost nothing.

    Raises:
        Refused: `instance-mismatch`, unless the ids are equal and the store's count is the file's,
            or one more: the process stopped between commit and file, so that answer never left.
    """
    if not hmac.compare_digest(file.instance_id.encode(), stored.instance_id.encode()):
        raise _mismatch("the store that this instance file was created with")
    if stored.decisions not in (file.decisions, file.decisions + 1):
        raise _mismatch(f"a store with {file.decisions} decisions, got one with {stored.decisions}")


def _mismatch(expected: str) -> Refused:
    return Refused(
        "instance-mismatch",
        f"expected {expected}; a custodian without its whole memory signs nothing and is enrolled "
        "anew with new keys",
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
