"""Files that survive the loss of power: a receipt, once sent, must be honoured."""

import os
from collections.abc import Iterable
from pathlib import Path


def sync(path: Path) -> None:
    """Return once a file's bytes, or a folder's entries, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create a folder and those above it, for this user alone, durably."""
    missing = [folder, *folder.parents]
    missing = [one for one in missing if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
        sync(one.parent)


def write_atomically(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file so that it is there whole or not at all, also after the loss of power."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.part")
    with temporary.open("wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync(path.parent)
