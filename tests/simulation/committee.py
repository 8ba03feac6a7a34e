"""The simulated study's custodians: the product's own, over their stores on a disk in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from tests.simulation.people import People
from tests.simulation.port import Killed, Port, SimulatedCalls

from blindsum_crypto.errors import BlindsumError
from blindsum_custodian.custodian import Custodian
from blindsum_custodian.duties import answer_to_message, duty_from_message
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.store.database import Store
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.signed import Signed


class MortalStore(Store):
    """A memory whose process dies at a decision that a schedule names.

    The places: before the commit; between the commit and the instance file that follows it; behind
    both, before the answer leaves.
    """

    dies_in: int | None = None
    place: str = "before the commit"

    @contextmanager
    def decision(self) -> Iterator[Connection]:
        dies = self.dies_in is not None and self.dies_in <= 0
        if self.dies_in is not None:
            self.dies_in -= 1
        with super().decision() as connection:
            yield connection
            if dies and self.place == "before the commit":
                raise Killed("custodian")
        if dies:
            raise Killed("custodian")

    def _follow(self) -> None:
        last = self.dies_in is not None and self.dies_in < 0
        if last and not self._written and self.place == "before the instance file":
            raise Killed("custodian")
        super()._follow()


class Member:
    """One custodian of the committee, from its first start over every restart."""

    def __init__(
        self, people: People, name: str, folder: Path, clock: Callable[[], float], port: Port
    ) -> None:
        self.name = name
        self._people = people
        self._store_path = folder / "store" / "custodian.sqlite"
        self._instance_path = folder / "instance" / "instance.json"
        self._clock = clock
        self._calls: SimulatedCalls = port.calls_of(name)
        self.heard: list[bytes] = []
        self.signs: Callable[[Signed[Any]], None] = lambda _: None
        self._custodian: Custodian | None = None

    @property
    def custodian(self) -> Custodian:
        """The running process, started first if need be."""
        if self._custodian is None:
            begin = MortalStore.open if self._store_path.exists() else MortalStore.create
            self._custodian = Custodian(
                manifest=self._people.manifest,
                approval=None,
                key_ring=self._people.custodian_ring(self.name),
                store=begin(self._store_path, self._instance_path),
                fetch_signed=self._calls.fetch_signed,
                policy=CustodianPolicy(
                    min_cohort_floor=2, allowed_seals=frozenset(self._people.study.seals)
                ),
                clock=self._clock,
            )
        return self._custodian

    def stop(self) -> None:
        if self._custodian is not None:
            self._custodian.store.close()
            self._custodian = None

    def dies(self, decisions: int, place: str) -> None:
        self._store.dies_in, self._store.place = decisions, place

    def is_well(self) -> None:
        """Let the running process live on."""
        if self._custodian is not None:
            self._store.dies_in = None

    @property
    def _store(self) -> MortalStore:
        store = self.custodian.store
        assert isinstance(store, MortalStore)
        return store

    def performs(self, duty: bytes) -> tuple[Signed[Any], ...]:
        """Do a duty; what was signed has left the process, whether or not it arrives.

        Returns:
            The answers, none when the process died of it: it is then started anew by the next duty.
        """
        self.heard.append(duty)
        message = aggregator_pb2.Duty.FromString(duty)
        try:
            answers = self.custodian.perform(duty_from_message(message))
        except Killed:
            self.stop()
            return ()
        for answer in answers:
            self.signs(answer)
        return answers

    def answers(self, answer: Signed[Any]) -> BlindsumError | None:
        """Send one answer; the error that came of it."""
        try:
            self._calls.unary("Answer", answer_to_message(answer), 1.0)
        except Killed:
            self.stop()
            return None
        except BlindsumError as error:
            return error
        return None
