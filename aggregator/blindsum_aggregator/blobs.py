"""Blobs: models by their digest, aggregates by their commitment, served to the roster."""

from collections.abc import Iterable
from pathlib import Path

from blindsum_aggregator.durable import write_atomically
from blindsum_crypto.errors import Unavailable


class Blobs:
    """The blobs of one study, one file each, called by the hexadecimal digest."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`; it is created with the first blob."""
        self._folder = folder

    def put(self, digest: bytes, data: bytes) -> None:
        """Keep a blob, durably; the same digest stands for the same bytes."""
        path = self._path(digest)
        if not path.exists():
            write_atomically(path, [data])

    def path(self, digest: bytes) -> Path | None:
        """Where a blob lies, or None."""
        path = self._path(digest)
        return path if path.is_file() else None

    def get(self, digest: bytes) -> bytes | None:
        """A blob's bytes, or None."""
        path = self.path(digest)
        return None if path is None else path.read_bytes()

    def require(self, digest: bytes) -> bytes:
        """A blob's bytes.

        Raises:
            Unavailable: `blob-missing`, when it is not here.
        """
        data = self.get(digest)
        if data is None:
            raise Unavailable("blob-missing", f"expected the blob {digest.hex()[:16]}")
        return data

    def read_piece(self, digest: bytes, offset: int, most_bytes: int) -> tuple[int, bytes] | None:
        """A blob's length and its bytes from `offset`, at most so many; None if it is not here."""
        path = self.path(digest)
        if path is None:
            return None
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(min(offset, size))  # an offset may be as large as the wire allows
            return size, file.read(most_bytes)

    def keep_only(self, digests: Iterable[bytes]) -> None:
        """Delete what no round speaks of: an aggregate whose publication was cut short."""
        names = {digest.hex() for digest in digests}
        if self._folder.exists():
            for path in self._folder.iterdir():
                if path.name not in names:
                    path.unlink()

    def _path(self, digest: bytes) -> Path:
        return self._folder / digest.hex()
