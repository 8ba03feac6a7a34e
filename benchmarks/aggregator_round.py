"""What memory does the aggregator need for a whole masked round? Its own process is measured.

    python benchmarks/aggregator_round.py                          # 1,000 clients, 1,000,000 values
    python benchmarks/aggregator_round.py --clients 100 --values 100000

Clients seal here, one after the other (more than 100 of them as `round_clients.py` says), and real
custodians over real stores answer every duty; the aggregator's process gets files and messages, as
its door would hand them on. The opened sum is compared with the plain one, value for value.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import Progress

from aggregator_messages import Begin, Outcome
from blindsum_aggregator import duties as asked
from blindsum_cli.bench.scenario import Scenario
from blindsum_cli.bench.study import ClientKeys, Study, set_up
from blindsum_crypto.errors import Unavailable
from blindsum_crypto.keystore import KeyRing
from blindsum_crypto.seal import Integers
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.admit import AdmitDuty, HeaderEntry
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.custodian import Custodian, Duty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.store.database import Store
from blindsum_protos.convert.signed import signed_from_bytes
from blindsum_rules.aggregate import decode_aggregate
from blindsum_rules.header import Contribution
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import Signed
from cells import BITS
from round_clients import RoundClients

_SEAL: Final = "masking"
_PROCESS: Final = Path(__file__).with_name("aggregator_process.py")


@dataclass(frozen=True, slots=True)
class AggregatorCost:
    """What a whole round took of the aggregator.

    Attributes:
        members: Clients in the sum.
        outcome: What its process says of itself.
        is_exact: Whether the published sum is the plain one, value for value.
    """

    members: int
    outcome: Outcome
    is_exact: bool


def measure_aggregator(scenario: Scenario, advance: Callable[[], None]) -> AggregatorCost:
    """Play one round against a real aggregator in a process of its own.

    Args:
        scenario: Clients, values, levels and dropouts.
        advance: Called behind every client that sent.
    """
    study = set_up(scenario, _SEAL, {name: ClientKeys() for name in scenario.names()})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = tuple(study.custodians)[: scenario.quorum]
        begin = Begin(study.manifest, study.aggregator, names, folder / "aggregator")
        begin.folder.mkdir()
        with _Line(begin) as line:
            custodians = [_custodian(study, one, folder, line) for one in names]
            return _Game(study, scenario, custodians, line, folder / "payload").play(advance)


class _Line(AbstractContextManager["_Line"]):
    """The pipe to the aggregator's process, which is started with it and ends with the block."""

    def __init__(self, begin: Begin) -> None:
        socket = str(begin.folder / "line")
        with Listener(socket, "AF_UNIX") as listener:
            self._process = subprocess.Popen(  # noqa: S603 - a file beside this one
                [sys.executable, str(_PROCESS), socket]
            )
            self._line = listener.accept()
        self._line.send(begin)

    # Any: each request has arguments and an answer of its own kind.
    def ask(self, request: str, *arguments: Any) -> Any:  # noqa: ANN401
        self._line.send((request, arguments))
        return self._line.recv()

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self._process.wait()


@dataclass(frozen=True, slots=True)
class _Game:
    """Everybody but the aggregator."""

    study: Study
    scenario: Scenario
    custodians: list[Custodian]
    line: _Line
    payload: Path

    def play(self, advance: Callable[[], None]) -> AggregatorCost:
        """The whole round, from the proposed spec to the quorum of closes."""
        study = replace(self.study, spec=self.line.ask("spec"))
        self._perform()
        total: Integers = np.zeros(study.spec.body.vector_length, np.int64)
        for sent in RoundClients(study, self.scenario.absent()).sent():
            self.payload.write_bytes(sent.sealed.payload)
            one = sent.sealed
            header = one.contribution, one.wraps, one.pair_table
            self.line.ask("upload", *header, self.payload)
            total += sent.integers
            advance()
        self.line.ask("close_collection")
        while self._perform():
            pass
        outcome: Outcome = self.line.ask("outcome")
        return AggregatorCost(self.scenario.survivors, outcome, _is_exact(outcome, total))

    def _perform(self) -> bool:
        """Let every custodian do what it owes; whether any owed something."""
        owed = False
        for custodian in self.custodians:
            for duty in self.line.ask("duties", custodian.seat.name):
                owed = True
                for answer in custodian.perform(_duty(duty)):
                    self.line.ask("answer", _believed(answer))
        return owed


def _believed(answer: Signed[Any]) -> Signed[Any]:
    if isinstance(answer.body, Refusal):
        told = answer.body.rule
        raise RuntimeError(f"expected an answer, got a refusal: {told}")  # noqa: TRY004 - no type
    return answer


def _is_exact(outcome: Outcome, total: Integers) -> bool:
    if outcome.aggregate is None:
        return False
    opened = decode_aggregate(outcome.aggregate.read_bytes(), len(total)).values
    return np.array_equal(opened, total)


def _custodian(study: Study, name: str, folder: Path, line: _Line) -> Custodian:
    def fetch(digest: bytes) -> bytes:
        served: bytes | None = line.ask("fetch", digest)
        if served is None:
            raise Unavailable("not-served", "expected a message that the aggregator serves")
        return served

    keys = study.custodians[name]
    return Custodian(
        manifest=study.manifest,
        approval=None,
        key_ring=KeyRing(keys.identity, keys.wrap),
        store=Store.create(folder / name / "custodian.sqlite", folder / name / "instance"),
        fetch_signed=fetch,
        policy=CustodianPolicy(min_cohort_floor=study.manifest.body.min_cohort),
    )


def _duty(duty: asked.Duty) -> Duty:
    """A duty as its custodian reads it from the wire."""
    match duty:
        case asked.AcceptDuty(spec):
            return AcceptDuty(spec)
        case asked.AdmitDuty(page, entries):
            read = (
                HeaderEntry(signed_from_bytes(Contribution, header), wrap)
                for header, wrap in entries
            )
            return AdmitDuty(page, tuple(read))
        case asked.EndorseDuty(number, digest):
            return EndorseDuty(number, digest)
        case asked.ReleaseDuty(number, digest, endorsements, pages_here):
            return ReleaseDuty(number, digest, endorsements, frozenset(pages_here))
        case asked.CloseDuty(number):
            return CloseDuty(number)


def main() -> int:
    """Measure once and print the figures as JSON."""
    parser = argparse.ArgumentParser(description="What memory does the aggregator need?")
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--values", type=int, default=1_000_000)
    parser.add_argument("--dropout", type=float, default=0.01)
    given = parser.parse_args()
    scenario = Scenario(given.clients, given.values, BITS, given.dropout)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("sealing and sending", total=scenario.survivors)
        cost = measure_aggregator(scenario, lambda: progress.advance(bar))
    document = {
        "members": cost.members,
        "is_exact": cost.is_exact,
        "peak_bytes": cost.outcome.peak_bytes,
        "started_bytes": cost.outcome.started_bytes,
        "frozen_bytes": cost.outcome.frozen_bytes,
        "seconds": cost.outcome.seconds,
        "open_wall_seconds": cost.outcome.wall_seconds,
    }
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return 0 if cost.is_exact else 1


if __name__ == "__main__":
    sys.exit(main())
