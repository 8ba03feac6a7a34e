"""Reading the files of a transcript: bounded, and what cannot be read is a finding like another."""

from collections.abc import Iterator
from pathlib import Path

from blindsum_crypto.errors import Rejected, Unavailable


def read_at_most(path: Path, most_bytes: int) -> bytes:
    """The bytes of a file.

    Raises:
        Rejected: `file-length`, when it is longer than `most_bytes`.
        Unavailable: `unreadable-file`.
    """
    size = _size_of(path)
    if size > most_bytes:
        raise Rejected("file-length", f"expected at most {most_bytes} bytes, got {size}")
    return b"".join(_pieces(path, max(size, 1)))


def read_exactly(path: Path, byte_count: int) -> bytes:
    """The bytes of a file of one exact length.

    Raises:
        Rejected: `file-length`; before anything is read.
        Unavailable: `unreadable-file`.
    """
    return b"".join(read_chunks(path, byte_count, max(byte_count, 1)))


def read_chunks(path: Path, byte_count: int, chunk_bytes: int) -> Iterator[bytes]:
    """The bytes of a file of one exact length, `chunk_bytes` at a time.

    Raises:
        Rejected: `file-length`; before anything is read.
        Unavailable: `unreadable-file`.
    """
    size = _size_of(path)
    if size != byte_count:
        raise Rejected("file-length", f"expected {byte_count} bytes, got {size}")
    yield from _pieces(path, chunk_bytes)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise Unavailable("unreadable-file", "expected a file that can be read") from error


def _pieces(path: Path, piece_bytes: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as opened:
            while piece := opened.read(piece_bytes):
                yield piece
    except OSError as error:
        raise Unavailable("unreadable-file", "expected a file that can be read") from error
