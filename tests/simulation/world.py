"""The simulated study: everybody in one process, each over a disk of its own, and one clock."""

import asyncio
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.simulation.committee import Member
from tests.simulation.people import NOW, Shape, people_of
from tests.simulation.port import LineError, Port
from tests.simulation.served import AtOnce, ServedAggregator
from tests.simulation.sites import Site

from blindsum_protos.convert.signed import sign, to_wire
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.requests import OperatorAction, OperatorRequest
from blindsum_rules.transitions import AggregatorState

_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one
_ENDED = (AggregatorState.PUBLISHED, AggregatorState.ABORTED, AggregatorState.CLOSED)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop a process: what waits on it is over when a call returns."""
    loop = asyncio.new_event_loop()
    loop.set_default_executor(AtOnce(1))
    return loop


class World:
    """One study."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.people = people_of(shape)
        memory = str(_MEMORY) if _MEMORY.is_dir() else None
        self.folder = Path(tempfile.mkdtemp(prefix="blindsum-simulation-", dir=memory))
        self.now = float(NOW)
        self.port = Port(self.people, _loop())
        clock = lambda: self.now  # noqa: E731
        self.aggregator = ServedAggregator(
            self.people, self.folder / "aggregator", clock, self.port, _loop()
        )
        self.members = {
            name: Member(self.people, name, self.folder / name, clock, self.port)
            for name in self.people.custodians
        }
        self.sites = {
            name: Site(self.people, name, self.folder / name, clock, self.port)
            for name in self.people.clients
        }
        self._nonces = 0

    def close(self) -> None:
        for member in self.members.values():
            member.stop()
        for site in self.sites.values():
            site.stop()
        self.aggregator.close()
        shutil.rmtree(self.folder)

    def operator_aborts(self) -> str:
        """Ask for the abort of the round at hand; the rule by which it was refused, or nothing."""
        rows = self.aggregator.rows
        if not rows or rows[-1].state in _ENDED:
            return "no round at hand"
        self._nonces += 1
        request = OperatorRequest(
            study=self.people.study.study,
            action=OperatorAction.ABORT_ROUND,
            round_number=rows[-1].number,
            reason="the schedule wants it",
            issued_unix=int(self.now),
            nonce=self._nonces.to_bytes(16, "big"),
            manifest_digest=self.people.manifest.digest,
            exception_digest=b"",
        )
        signed = sign(request, "operator", self.people.identities["operator"])
        submission = aggregator_pb2.OperatorSubmission(request=to_wire(signed))
        calls = self.port.calls_of("operator")
        try:
            self.port.call("operator", "Operate", submission, lambda: calls.signed("Operate"))
        except LineError as error:
            return error.code().name
        return ""
