"""The aggregator in a process of its own: its real upload desk, driver, engine, store and opening.

    python benchmarks/aggregator_process.py SOCKET      # as aggregator_round.py starts it

Everybody else is on the other end of a pipe, with requests by name; what the door would add (gRPC,
TLS, authentication) is not in it. The clock stands still until `close_collection` turns it, so that
no deadline depends on how fast the clients are played.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog

from aggregator_messages import Begin, Outcome
from blindsum_aggregator.answers import take_answer
from blindsum_aggregator.driver import Driver
from blindsum_aggregator.duties import Duty, load_duty, outstanding
from blindsum_aggregator.receiving import Piece, UploadDesk
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_aggregator.store.database import Store
from blindsum_aggregator.store.messages import find_served
from blindsum_aggregator.store.rounds import RoundRow, newest_round
from blindsum_aggregator.study import Study, StudyFiles
from blindsum_aggregator.transcript import Filing
from blindsum_cli.bench.memory import process_peak_bytes
from blindsum_protos.limits import CHUNK_BYTES
from blindsum_rules.header import Contribution
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState

_LATE_SECONDS: Final = 1.0


def serve(line: Connection) -> None:
    """Begin as the first message says, then answer requests until the other end closes."""
    aggregator = _Aggregator(line.recv())
    # Any: each request has arguments and an answer of its own kind; both ends are in this folder.
    requests: dict[str, Callable[..., Any]] = {
        "spec": aggregator.spec,
        "upload": aggregator.upload,
        "close_collection": aggregator.close_collection,
        "duties": aggregator.duties,
        "answer": aggregator.answer,
        "fetch": aggregator.fetch,
        "outcome": aggregator.outcome,
    }
    while True:
        try:
            name, arguments = line.recv()
        except EOFError:
            return
        line.send(requests[name](*arguments))


@dataclass(slots=True, eq=False)
class _Aggregator:
    begin: Begin
    study: Study = field(init=False)
    driver: Driver = field(init=False)
    desk: UploadDesk = field(init=False)
    now: float = field(init=False)
    started_bytes: int = field(init=False)
    frozen_bytes: int = field(init=False, default=0)
    upload_seconds: float = field(init=False, default=0.0)
    last_answer: tuple[float, float] = field(init=False, default=(0.0, 0.0))

    def __post_init__(self) -> None:
        self.now = time.time()
        settings = AggregatorSettings(state_directory=self.begin.folder)
        model = np.zeros(self.begin.manifest.body.layout.size, np.float32)
        files = StudyFiles(self.begin.manifest, None, model)
        store = Store(settings.database)
        self.study = Study(files, self.begin.identity, settings, store, lambda: self.now)
        Filing(self.study).write_manifest()
        self.driver = Driver(self.study)
        self.desk = UploadDesk(settings)
        for custodian in self.begin.custodians:
            self.study.attending.arrive(custodian)
        self.started_bytes = process_peak_bytes()

    def spec(self) -> Signed[Spec]:
        """Propose the round."""
        self._settle()
        number = self._row.number
        return self.study.store.read(lambda connection: self.study.spec(connection, number))

    def upload(
        self,
        contribution: Signed[Contribution],
        wraps: Sequence[bytes],
        pair_table: bytes,
        payload: Path,
    ) -> None:
        """Take one client's header and payload; the file goes."""
        began = time.process_time()
        asyncio.run(self._receive(contribution, wraps, pair_table, payload))
        self.upload_seconds += time.process_time() - began
        payload.unlink()

    def close_collection(self) -> None:
        """Turn the clock past the deadline of the collection, and do what follows."""
        self.now = self._row.contribute_deadline_unix + _LATE_SECONDS
        self._settle()

    def duties(self, custodian: str) -> list[Duty]:
        """What a custodian owes now."""
        store, study = self.study.store, self.study
        keys = store.read(lambda connection: outstanding(study, connection, custodian))
        return [store.read(partial(load_duty, study, key, custodian)) for key in keys]

    def answer(self, answer: Signed[Any]) -> None:
        """Take a custodian's answer, and do what follows."""
        refusal = self.study.store.write(lambda c: take_answer(self.study, c, answer))
        if refusal is not None:
            raise refusal
        if self._state is AggregatorState.ENDORSED and not self.frozen_bytes:
            self.frozen_bytes = process_peak_bytes()
        before = time.process_time(), time.perf_counter()
        self._settle()
        if self._row.state is AggregatorState.PUBLISHED and not any(self.last_answer):
            after = time.process_time(), time.perf_counter()
            self.last_answer = after[0] - before[0], after[1] - before[1]

    def fetch(self, digest: bytes) -> bytes | None:
        """A message that any party may fetch."""
        return self.study.store.read(lambda c: find_served(c, self.study.name, digest))

    def outcome(self) -> Outcome:
        """How it ended, and what it took."""
        row = self._row
        published = row.state in {AggregatorState.PUBLISHED, AggregatorState.CLOSED}
        return Outcome(
            is_published=published,
            aggregate=self.study.blobs.path(row.commitment) if published else None,
            peak_bytes=process_peak_bytes(),
            started_bytes=self.started_bytes,
            frozen_bytes=self.frozen_bytes,
            seconds={
                "upload": self.upload_seconds,
                "open": self.last_answer[0],
                "process": time.process_time(),
            },
            wall_seconds=self.last_answer[1],
        )

    @property
    def _row(self) -> RoundRow:
        row = self._newest
        if row is None:
            raise RuntimeError("expected a round: too few custodians attend, or none may open")
        return row

    @property
    def _state(self) -> AggregatorState | None:
        row = self._newest
        return None if row is None else row.state

    @property
    def _newest(self) -> RoundRow | None:
        return self.study.store.read(lambda c: newest_round(c, self.study.name))

    def _settle(self) -> None:
        """Step the driver until nothing is due."""

        async def steps() -> None:
            await self.study.refresh()
            # A closed round is over: what would come next is the end of the study.
            while self._state is not AggregatorState.CLOSED and await self.driver.step():
                pass

        asyncio.run(steps())

    async def _receive(
        self,
        contribution: Signed[Contribution],
        wraps: Sequence[bytes],
        pair_table: bytes,
        payload: Path,
    ) -> None:
        await self.desk.submit(self.study, contribution, wraps, pair_table)
        client = contribution.body.core.client
        pieces = _pieces(contribution.digest, payload)
        state = await self.desk.receive(self.study, client, pieces)
        if state.receipt is None:
            raise RuntimeError(f"expected a receipt for {client}, got {state.committed_bytes} B")


async def _pieces(digest: bytes, payload: Path) -> AsyncIterator[Piece]:
    """A payload as it comes from a line, a chunk at a time."""
    with payload.open("rb") as file:
        offset = 0
        while data := file.read(CHUNK_BYTES):
            yield Piece(digest if offset == 0 else b"", offset, data)
            offset += len(data)


def main() -> None:
    """Serve whoever listens at the socket."""
    quiet = structlog.make_filtering_bound_logger(logging.WARNING)
    structlog.configure(wrapper_class=quiet)
    with Client(sys.argv[1], "AF_UNIX") as line:
        serve(line)


if __name__ == "__main__":
    main()
