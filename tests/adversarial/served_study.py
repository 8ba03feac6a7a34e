"""The study behind a real port: the product's own aggregator, beside real custodians and clients.

Where `world.py` plays a hostile aggregator, this serves an honest one over gRPC, so that hostile
clients, curious custodians and liars on the way between meet everything that is really there. The
custodians' duties travel as the messages of the wire; the test performs them when it likes.
"""

# `**settings` are fields of the aggregator's settings; answers are of many kinds.
# ruff: noqa: ANN401

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tests.adversarial.hostile_aggregator import Integers, Sent
from tests.adversarial.people import DAY, initial_model
from tests.adversarial.world import World

from blindsum_aggregator.answers import take_answer, take_refusal
from blindsum_aggregator.duties import load_duty, outstanding
from blindsum_aggregator.server import AggregatorServer
from blindsum_aggregator.service.custodians import _duty_to_message
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_aggregator.store.messages import MessageKind, find_served, messages_of
from blindsum_aggregator.store.rounds import CLOSES_FILED, RoundRow, all_rounds
from blindsum_aggregator.study import Study
from blindsum_client.outbox import Entry
from blindsum_client.sealing import SealedContribution
from blindsum_client.transport import Transport
from blindsum_crypto.errors import Unavailable
from blindsum_custodian.duties import duty_from_message
from blindsum_protos.calling import AggregatorCalls
from blindsum_protos.convert.call import Caller
from blindsum_rules.aggregate import Aggregate, decode_aggregate
from blindsum_rules.freeze import Freeze
from blindsum_rules.receipt import Receipt
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import AggregatorState, ClientState

ResultT = TypeVar("ResultT")
PATIENCE_SECONDS = 30.0
ENDED = (AggregatorState.PUBLISHED, AggregatorState.ABORTED, AggregatorState.CLOSED)


def valid_now() -> dict[str, int]:
    """The changes of a manifest that make it valid by the clock on the wall."""
    now = int(time.time())
    return {"not_before_unix": now - DAY, "not_after_unix": now + DAY}


class ServedStudy:
    """A world's study at a real aggregator; `world` holds everybody's keys and the custodians."""

    def __init__(self, world: World, folder: Path, **settings: Any) -> None:
        self.world = world
        self.port = 0
        self.calls: list[AggregatorCalls] = []
        chosen = {"port": 0, "tick_seconds": 0.02, "page_wait_seconds": 0, "drain_seconds": 0}
        self._settings = AggregatorSettings(state_directory=folder, **(chosen | settings))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        files = (world.people.manifest, world.approval, initial_model(world.study.layout))
        ring = world.people.key_ring("aggregator")
        self._server = AggregatorServer(self._settings, ring, [files])
        self.port = self.run(self._server.start())
        world.aggregator.now = time.time()
        # What custodians fetch comes from the real aggregator, by the rule of what it serves.
        world.aggregator.fetch = self._fetch  # type: ignore[method-assign]
        for name in world.custodians:
            self.study.attending.arrive(name)
        self.refresh()

    # ---- the aggregator

    @property
    def study(self) -> Study:
        return self._server._studies[self.world.study.study]

    @property
    def rows(self) -> list[RoundRow]:
        return list(self.study.store.read(lambda c: all_rounds(c, self.study.name)))

    def row(self, number: int) -> RoundRow:
        return next(row for row in self.rows if row.number == number)

    def spec(self, number: int) -> Signed[Spec]:
        """The spec of a round, as soon as it is proposed."""
        self._wait_until(lambda: any(row.number == number for row in self.rows))
        return self.study.store.read(lambda c: self.study.spec(c, number))

    def messages(self, number: int, kind: MessageKind, body: type[Any]) -> list[Signed[Any]]:
        return self.study.store.read(lambda c: messages_of(c, self.study.name, number, kind, body))

    def frozen(self, number: int) -> list[Signed[Freeze]]:
        return self.messages(number, MessageKind.FREEZE, Freeze)

    def aggregate(self, number: int) -> Aggregate:
        blob = self.study.blobs.require(self.row(number).commitment)
        return decode_aggregate(blob, self.world.study.vector_length)

    def opened(self, number: int) -> Integers:
        return self.aggregate(number).values

    @property
    def transcript(self) -> Path:
        return self.study.transcript

    # ---- custodians

    def owed(self, custodian: str) -> bool:
        """Let one custodian do what it owes now; whether it owed anything."""
        store = self.study.store
        keys = store.read(lambda c: outstanding(self.study, c, custodian))
        for key in keys:
            duty = store.read(partial(load_duty, self.study, key, custodian))
            for answer in self.world.perform(custodian, duty_from_message(_duty_to_message(duty))):
                self._answer(answer)
        return bool(keys)

    def carry(
        self, number: int, *states: AggregatorState, custodians: Sequence[str] | None = None
    ) -> AggregatorState:
        """Let custodians work until a round is in one of these states (by default, ended)."""
        names = self.world.custodians if custodians is None else custodians
        wanted = states or ENDED
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            owed = False
            for name in names:
                # Asked before everybody's turn: a round that is published is not closed by this.
                state = self._state(number)
                if state in wanted:
                    return state
                owed |= self.owed(name)
            assert time.monotonic() < deadline, f"round {number} stays {state}"
            if not owed:
                time.sleep(0.005)

    def _state(self, number: int) -> AggregatorState | None:
        return next((row.state for row in self.rows if row.number == number), None)

    def is_open(self, number: int) -> Signed[Spec]:
        """Carry a round until clients may contribute."""
        self.carry(number, AggregatorState.OPEN)
        return self.spec(number)

    def close(self, number: int) -> None:
        """Let a quorum leave an ended round, and wait until the transcript says so."""
        self.carry(number, AggregatorState.CLOSED)
        self._wait_until(lambda: self.row(number).filed == CLOSES_FILED)

    def end(self) -> None:
        """Let a quorum accept the spec that ends the study, and wait until it is filed."""
        number = self.world.study.schedule.max_rounds
        self.carry(number, AggregatorState.OPEN)
        self._wait_until(lambda: self.row(number).filed == CLOSES_FILED)

    # ---- clients

    def calls_of(self, client: str) -> AggregatorCalls:
        """A client's own line to the port; closed with the study."""
        caller = Caller(client, self.world.people.keys.identities[client])
        calls = AggregatorCalls(f"127.0.0.1:{self.port}", self.world.study, caller)
        self.calls.append(calls)
        return calls

    def send(self, sent: Sent) -> Signed[Receipt]:
        """Send one contribution over the wire, whatever is in it, as the client that signed it.

        Raises:
            BlindsumError: the aggregator's refusal.
        """
        return self.upload(sent, sent.client)

    def upload(self, sent: Sent, caller: str) -> Signed[Receipt]:
        folder = self._settings.state_directory.parent / "sent"
        folder.mkdir(exist_ok=True)
        file = folder / f"{sent.contribution.digest.hex()}.sealed"
        file.write_bytes(sent.sealed.payload)
        entry = entry_of(sent, file)
        transport = Transport(self.calls_of(caller), self.world.study.study)
        progress = transport.submit_header(entry)
        if progress.receipt is None:
            progress = transport.upload(entry, progress.committed_bytes)
        assert progress.receipt is not None, "no receipt"
        return progress.receipt

    # ---- the machinery

    def run(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_SECONDS)

    def settle(self) -> None:
        """Give the driver the time to do whatever it has to do: it looks every 20 ms."""
        self.refresh()
        time.sleep(0.2)

    def refresh(self) -> None:
        """Let the driver see what was just committed."""
        self.run(self.study.refresh())

    def stop(self) -> None:
        for calls in self.calls:
            calls.close()
        self.run(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    def _answer(self, answer: Signed[Any]) -> None:
        if isinstance(answer.body, Refusal):
            self.study.store.write(lambda c: take_refusal(self.study, c, answer))
            return
        refusal = self.study.store.write(lambda c: take_answer(self.study, c, answer))
        assert refusal is None, refusal
        self.refresh()

    def _fetch(self, wanted: bytes) -> bytes:
        # What a test signed in the aggregator's name first, for those that add a lie to the truth.
        invented = self.world.aggregator.published.get(wanted)
        if invented is not None:
            return invented
        found = self.study.store.read(lambda c: find_served(c, self.study.name, wanted))
        if found is None:
            raise Unavailable("aggregator-unreachable", "expected an answer of the aggregator")
        return found

    def _wait_until(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            assert time.monotonic() < deadline, "nothing happened"
            time.sleep(0.005)


def entry_of(sent: Sent, payload_file: Path) -> Entry:
    """A contribution as the client's transport wants it; its sealed bytes lie in the file."""
    return Entry(
        contribution=sent.contribution,
        wraps=sent.sealed.wraps,
        pair_table=sent.sealed.pair_table,
        payload_file=payload_file,
        deadline_unix=0,
        state=ClientState.SEALED,
        receipt=None,
    )


def sent_by(entry: Entry, values: Integers) -> Sent:
    """What lies in a client's outbox, as the test's other parties hold it."""
    payload = entry.payload_file.read_bytes()
    sealed = SealedContribution(entry.contribution, entry.wraps, payload, entry.pair_table)
    return Sent(sealed, values)


@contextmanager
def served(world: World, folder: Path, **settings: Any) -> Iterator[ServedStudy]:
    """Serve a world's study (made with `valid_now()`) until the block is left."""
    study = ServedStudy(world, folder, **settings)
    try:
        yield study
    finally:
        study.stop()
