"""The spool: sealed payloads on disk, from the first chunk until the round is published."""

import hmac
import threading
from collections.abc import Iterator
from pathlib import Path

from blindsum_aggregator.durable import make_folder, sync
from blindsum_crypto import domains
from blindsum_crypto.errors import Rejected, Unavailable
from blindsum_crypto.primitives import DigestStream
from blindsum_crypto.seal import AggregatorSeal
from blindsum_rules.transcript import round_folder


class Spool:
    """The payload files of one study.

    A file is called by its client and lies in the folder of its round; one header stands behind
    each, so a file never holds the bytes of two contributions.
    """

    def __init__(self, folder: Path) -> None:
        """Use `folder`; it is created when the first byte comes."""
        self._folder = folder
        self._appending = threading.Lock()

    def path(self, number: int, client: str) -> Path:
        """Where a client's payload lies."""
        return self._folder / round_folder(number) / f"{client}.sealed"

    def committed_bytes(self, number: int, client: str) -> int:
        """How many bytes of a payload are here; the client resumes behind them."""
        path = self.path(number, client)
        return path.stat().st_size if path.exists() else 0

    def append(self, number: int, client: str, offset: int, data: bytes) -> int:
        """Write the next bytes of a payload behind what is here.

        Returns:
            How many bytes are here now; unchanged when `offset` is not where the file ends, so
            that two streams of one payload cannot mix.
        """
        path = self.path(number, client)
        make_folder(path.parent)
        with self._appending, path.open("ab") as file:
            if file.tell() == offset:
                file.write(data)
            return file.tell()

    def make_durable(self, number: int, client: str) -> None:
        """Return once the payload survives the loss of power."""
        path = self.path(number, client)
        sync(path)
        sync(path.parent)

    def check(self, number: int, client: str, payload_digest: bytes, seal: AggregatorSeal) -> None:
        """Read a whole payload once and check digest and every word, chunk by chunk.

        A payload with a wrong digest is deleted: power may have failed between its writes, and
        the client sends the same bytes again.

        Raises:
            Rejected: `payload-digest`, `payload-length`, `word-out-of-range`.
            Unavailable: `payload-gone`, when its round ended meanwhile.
        """
        path = self.path(number, client)
        try:
            found = digest_of(path, seal.chunk_bytes)
        except FileNotFoundError as error:
            raise Unavailable("payload-gone", "expected a round that goes on") from error
        if not hmac.compare_digest(found, payload_digest):
            path.unlink()
            raise Rejected(
                "payload-digest", "expected the bytes that the header's digest stands for"
            )
        for index, chunk in enumerate(chunks_of(path, seal.chunk_bytes)):
            seal.check_chunk(index, chunk)

    def discard(self, number: int) -> None:
        """Delete every payload of a round."""
        folder = self._folder / round_folder(number)
        if folder.exists():
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()

    def files(self, number: int) -> dict[str, Path]:
        """The payload files of a round, by client."""
        folder = self._folder / round_folder(number)
        if not folder.exists():
            return {}
        return {path.name.removesuffix(".sealed"): path for path in sorted(folder.iterdir())}


def chunks_of(path: Path, chunk_bytes: int) -> Iterator[bytes]:
    """The bytes of a payload file, chunk by chunk; the last may be short."""
    with path.open("rb") as file:
        while chunk := file.read(chunk_bytes):
            yield chunk


def digest_of(path: Path, chunk_bytes: int) -> bytes:
    """The payload digest of a file, 32 bytes."""
    stream = DigestStream(domains.PAYLOAD)
    for chunk in chunks_of(path, chunk_bytes):
        stream.update(chunk)
    return stream.digest()
