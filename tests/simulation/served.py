"""The simulated study's aggregator: the product's own, in process, and mortal.

Store, engine, spool, driver, transcript and service are those of `blindsum aggregator serve`; they
lie on a disk in memory, and are opened again from there after every death.
"""

# ruff: noqa: ANN401 - what is submitted to a thread is of any type

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from tests.simulation.people import People, initial_model
from tests.simulation.port import Killed, LineError, Port

from blindsum_aggregator.driver import Driver
from blindsum_aggregator.duties import load_duty, outstanding
from blindsum_aggregator.engine.in_process import InProcessEngine
from blindsum_aggregator.retention import sweep_study
from blindsum_aggregator.service.custodians import _duty_to_message
from blindsum_aggregator.service.servicer import Servicer
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_aggregator.store.database import Store
from blindsum_aggregator.store.messages import MessageKind, messages_of
from blindsum_aggregator.store.rounds import RoundRow, all_rounds
from blindsum_aggregator.study import Study, StudyFiles
from blindsum_aggregator.transcript import Filing
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.signed import BodyT, Signed

ResultT = TypeVar("ResultT")
_MOST_STEPS = 200
"""A driver that has more to do than this at one moment goes round in circles."""


class AtOnce(ThreadPoolExecutor):
    """Threads that are none: a schedule decides what comes before what, and nothing else does."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as a thread of a pool hands it over
            done.set_exception(error)
        return done


class MortalStore(Store):
    """A database whose process dies at a transaction that a schedule names."""

    dies_in: int | None = None
    after_commit: bool = False

    def __init__(self, url: str) -> None:
        super().__init__(url)
        for threads in (self._writer, self._readers):
            threads.shutdown()
        self._writer = self._readers = AtOnce(1)

    def _in_transaction(self, change: Callable[[Connection], ResultT]) -> ResultT:
        dies = self._is_last()

        def mortal(connection: Connection) -> ResultT:
            result = change(connection)
            if dies and not self.after_commit:
                raise Killed("aggregator")
            return result

        result = super()._in_transaction(mortal)
        if dies:
            raise Killed("aggregator")
        return result

    def _is_last(self) -> bool:
        if self.dies_in is None:
            return False
        self.dies_in -= 1
        return self.dies_in < 0


class FoldingStore:
    """The database as the engine has it, whose process may die before the sum's commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.dies = False

    def write(self, change: Callable[[Connection], ResultT]) -> ResultT:
        if self.dies:
            # The other buffer is written; which one counts is not.
            raise Killed("aggregator")
        return self._store.write(change)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class ServedAggregator:
    """One aggregator, from its first start over every restart."""

    def __init__(
        self,
        people: People,
        folder: Path,
        clock: Callable[[], float],
        port: Port,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._people = people
        self._settings = AggregatorSettings(state_directory=folder, page_wait_seconds=2.0)
        self._clock = clock
        self._port = port
        self._loop = loop
        self.attending: set[str] = set(people.custodians)
        self.deaths = 0
        folder.mkdir(parents=True, exist_ok=True)
        port.on_death = self._rise
        self._open()

    def _open(self) -> None:
        people = self._people
        self.store = MortalStore(self._settings.database)
        files = StudyFiles(people.manifest, None, initial_model(people.shape.clients))
        identity = people.identities["aggregator"]
        self.study = Study(files, identity, self._settings, self.store, self._clock)
        self._folding = FoldingStore(self.store)
        self._engine._store = self._folding  # type: ignore[assignment] # it stands for it
        sweep_study(self.study)
        Filing(self.study).write_manifest()
        self.driver = Driver(self.study)
        # A call is as old as the clock on the wall says: `sign_call` knows no other.
        self._port.service = Servicer({self.study.name: self.study}, self._settings, time.time)
        for name in self.attending:
            self.study.attending.arrive(name)
        self._loop.run_until_complete(self.study.refresh())

    def close(self) -> None:
        self.store.close()

    def restart(self) -> None:
        self.close()
        self._open()

    def _rise(self) -> None:
        self.deaths += 1
        self.restart()

    def dies(self, transactions: int, *, after_commit: bool) -> None:
        """Let it die at its next transaction but so many, before or behind the commit."""
        self.store.dies_in = transactions
        self.store.after_commit = after_commit

    def dies_as_it_folds(self) -> None:
        """Let it die when it has next written a sum, before that counts."""
        self._folding.dies = True

    def is_well(self) -> None:
        """Let it live on."""
        self.store.dies_in = None
        self._folding.dies = False

    @property
    def _engine(self) -> InProcessEngine:
        engine = self.study.engine
        assert isinstance(engine, InProcessEngine)
        return engine

    def settle(self, most_steps: int = _MOST_STEPS) -> None:
        """Let the driver do what is due."""
        self._port.run(self.study.refresh())
        for _ in range(most_steps):
            try:
                if not self._port.run(self.driver.step()):
                    return
            except LineError:
                continue  # It died, and goes on.
        assert most_steps < _MOST_STEPS, "the driver goes round in circles"

    # ---- custodians come and go

    def arrives(self, name: str) -> None:
        if name not in self.attending:
            self.attending.add(name)
            self.study.attending.arrive(name)

    def leaves(self, name: str) -> None:
        if name in self.attending:
            self.attending.remove(name)
            self.study.attending.leave(name)

    def duties(self, custodian: str) -> list[bytes]:
        """What a custodian owes now, as it goes over the wire."""

        def load(connection: Connection) -> list[bytes]:
            keys = outstanding(self.study, connection, custodian)
            duties = [load_duty(self.study, key, custodian, connection) for key in keys]
            return [_duty_to_message(duty).SerializeToString() for duty in duties]

        return self.store.read(load)

    # ---- what it remembers

    @property
    def rows(self) -> list[RoundRow]:
        return list(self.store.read(lambda c: all_rounds(c, self.study.name)))

    def messages(self, number: int, kind: MessageKind, body: type[BodyT]) -> list[Signed[BodyT]]:
        return self.store.read(lambda c: messages_of(c, self.study.name, number, kind, body))


def duty_kind(data: bytes) -> str:
    """Which of the five duties it is."""
    kind: Any = aggregator_pb2.Duty.FromString(data).WhichOneof("kind")
    return str(kind)
