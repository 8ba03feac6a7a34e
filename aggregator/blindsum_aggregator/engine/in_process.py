"""The in-process engine: a partial sum in two buffers, of which one transaction picks the one.

A step reads the buffer that counts, adds or subtracts whole payloads in memory, writes the other
buffer, makes it durable, and then commits the new generation together with the list of what the
sum contains. Killed at any moment, the old buffer and the old list still belong together.

Memory: one accumulator, 2 to 8 bytes a word, and one chunk. Traffic of a step: each payload is read
twice (digest, then addition), the accumulator once in and once out.
"""

import hmac
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from blindsum_aggregator.durable import write_atomically
from blindsum_aggregator.engine.protocol import Upload
from blindsum_aggregator.spool import Spool, chunks_of, digest_of
from blindsum_aggregator.store.contributions import change_contributions, folded_of
from blindsum_aggregator.store.database import Store
from blindsum_aggregator.store.rounds import change_round, find_round
from blindsum_crypto.errors import Aborted, Refused
from blindsum_crypto.seal import Accumulator, AggregatorSeal
from blindsum_rules.transcript import round_folder

Apply = Callable[[Accumulator, int, bytes], None]


class InProcessEngine:
    """Adds the payloads of one study on this machine; one step at a time, from any thread."""

    def __init__(self, study: str, store: Store, spool: Spool, folder: Path) -> None:
        """Keep sums below `folder`, what they contain in `store`, and read from `spool`."""
        self._study = study
        self._store = store
        self._spool = spool
        self._folder = folder
        self._seals: dict[int, AggregatorSeal] = {}
        self._lock = threading.Lock()

    def open(self, number: int, seal: AggregatorSeal) -> None:
        """Make a round ready; see `Engine.open`."""
        self._seals[number] = seal

    def fold(self, number: int, uploads: Sequence[Upload]) -> tuple[str, ...]:
        """Add payloads; see `Engine.fold`."""
        with self._lock:
            folded = self._folded(number)
            wanted = {one.client: one for one in uploads if one.client not in folded}
            damaged = self._damaged(number, wanted.values())
            self._advance(number, add=_without(wanted.values(), damaged))
            return damaged

    def subtract(self, number: int, uploads: Sequence[Upload]) -> tuple[str, ...]:
        """Take payloads out; see `Engine.subtract`."""
        with self._lock:
            folded = self._folded(number)
            wanted = {one.client: one for one in uploads if one.client in folded}
            damaged = self._damaged(number, wanted.values())
            self._advance(number, subtract=_without(wanted.values(), damaged))
            return damaged

    def close(self, number: int, members: Sequence[Upload]) -> Accumulator:
        """The sum of exactly the members; see `Engine.close`."""
        with self._lock:
            folded = self._folded(number)
            names = _clients(members)
            missing = [one for one in members if one.client not in folded]
            surplus = [one for one in folded.values() if one.client not in names]
            if self._damaged(number, surplus):
                # What cannot be taken out is left behind: the members alone, from zero.
                self._require_whole(number, members)
                self._start_again(number, members, folded)
            else:
                self._require_whole(number, missing)
                self._advance(number, add=missing, subtract=surplus)
            return self._load(number)

    def discard(self, number: int) -> None:
        """Forget a round's sum; see `Engine.discard`."""
        with self._lock:
            self._seals.pop(number, None)
            folder = self._folder / round_folder(number)
            if folder.exists():
                for path in folder.iterdir():
                    path.unlink()
                folder.rmdir()

    def _advance(
        self, number: int, add: Sequence[Upload] = (), subtract: Sequence[Upload] = ()
    ) -> None:
        if not (add or subtract):
            return
        seal = self._seal(number)
        accumulator = self._load(number)
        _apply(seal.add, accumulator, add, seal.chunk_bytes)
        _apply(seal.subtract, accumulator, subtract, seal.chunk_bytes)
        self._flip(number, accumulator, _clients(add), _clients(subtract))

    def _start_again(
        self, number: int, members: Sequence[Upload], folded: dict[str, Upload]
    ) -> None:
        seal = self._seal(number)
        accumulator = seal.zero()
        _apply(seal.add, accumulator, members, seal.chunk_bytes)
        self._flip(number, accumulator, _clients(members), set(folded) - _clients(members))

    def _flip(
        self, number: int, accumulator: Accumulator, added: set[str], taken: set[str]
    ) -> None:
        generation = self._generation(number) + 1
        write_atomically(self._buffer(number, generation), [accumulator.data])

        def commit(connection: Connection) -> None:
            row = find_round(connection, self._study, number)
            if row is None:
                raise Refused("unknown-round", f"expected a round that was opened, got {number}")
            change_round(connection, row, generation=generation)
            change_contributions(connection, self._study, number, sorted(added), folded=True)
            change_contributions(connection, self._study, number, sorted(taken), folded=False)

        self._store.write(commit)

    def _load(self, number: int) -> Accumulator:
        zero = self._seal(number).zero()
        generation = self._generation(number)
        if generation == 0:
            return zero
        words = np.fromfile(self._buffer(number, generation), dtype=zero.dtype)
        return words.reshape(zero.shape)

    def _buffer(self, number: int, generation: int) -> Path:
        return self._folder / round_folder(number) / f"{generation % 2}.sum"

    def _generation(self, number: int) -> int:
        row = self._store.read(lambda connection: find_round(connection, self._study, number))
        return 0 if row is None else row.generation

    def _folded(self, number: int) -> dict[str, Upload]:
        rows = self._store.read(lambda connection: folded_of(connection, self._study, number))
        return {
            row.client: Upload(row.client, self._spool.path(number, row.client), row.payload_digest)
            for row in rows
        }

    def _seal(self, number: int) -> AggregatorSeal:
        seal = self._seals.get(number)
        if seal is None:
            raise Refused("unknown-round", f"expected a round that was opened, got {number}")
        return seal

    def _damaged(self, number: int, uploads: Iterable[Upload]) -> tuple[str, ...]:
        chunk_bytes = self._seal(number).chunk_bytes
        return tuple(one.client for one in uploads if not _is_whole(one, chunk_bytes))

    def _require_whole(self, number: int, uploads: Sequence[Upload]) -> None:
        damaged = self._damaged(number, uploads)
        if damaged:
            raise Aborted("spool-damaged", f"expected the receipted bytes of {list(damaged)}")


def _is_whole(upload: Upload, chunk_bytes: int) -> bool:
    try:
        found = digest_of(upload.path, chunk_bytes)
    except FileNotFoundError:
        return False
    return hmac.compare_digest(found, upload.payload_digest)


def _apply(
    apply: Apply, accumulator: Accumulator, uploads: Iterable[Upload], chunk_bytes: int
) -> None:
    for upload in uploads:
        for index, chunk in enumerate(chunks_of(upload.path, chunk_bytes)):
            apply(accumulator, index, chunk)


def _clients(uploads: Iterable[Upload]) -> set[str]:
    return {upload.client for upload in uploads}


def _without(uploads: Iterable[Upload], clients: Sequence[str]) -> list[Upload]:
    return [upload for upload in uploads if upload.client not in clients]
