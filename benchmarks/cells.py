"""One cell of the grid: a whole masked round, role by role, for so many clients, values, dropouts.

What clients do is in `round_clients.py`; here the aggregator adds, compares the pair tables and
opens, t custodians admit every header and release, and the sum is compared value for value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from blindsum_aggregator.seals import aggregator_seal
from blindsum_cli.bench.committee import CustodianAtWork
from blindsum_cli.bench.figures import Stopwatch
from blindsum_cli.bench.message_sizes import message_sizes
from blindsum_cli.bench.scenario import Scenario
from blindsum_cli.bench.study import ClientKeys, Study, set_up
from blindsum_client.sealing import SealedContribution
from blindsum_crypto.randomness import SystemRandomness
from blindsum_crypto.seal import Accumulator, AggregatorSeal, Integers, SealedMember
from blindsum_protos.convert.signed import sign
from blindsum_rules.aggregate import SALT_BYTES, Aggregate
from blindsum_rules.freeze import Freeze, Member
from blindsum_rules.freeze_checks import freeze_root
from blindsum_rules.signed import Signed
from round_clients import WHOLE, ProcessWatch, RoundClients, Sent

BITS: Final = 18
"""Bits of a level: sums of 1,000 clients then take 28, those of fewer less; words have 32."""

_KIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Cell:
    """What one round of the grid cost.

    Attributes:
        clients: How many were invited.
        values: Values of a vector.
        dropout: Share of the clients that stayed away.
        seconds: Seconds of one core. Of one client: `keys`, `mask`, `header` (medians); of one
            custodian: `admit`, `release`; of the aggregator: `add` (all payloads), `dispute`,
            `open`.
        sizes: Bytes of each kind of message, one of each.
        opening_bytes: The sum, and the most that the process grew while it opened.
        is_exact: Whether the opened sum is the plain one; None where nothing was opened, and the
            seconds lie on a line through smaller cells.
    """

    clients: int
    values: int
    dropout: float
    seconds: Mapping[str, float]
    sizes: Mapping[str, int]
    opening_bytes: int
    is_exact: bool | None

    @property
    def dropped(self) -> int:
        """How many stayed away."""
        return int(self.clients * self.dropout)

    @property
    def removed_masks(self) -> int:
        """Masks that the aggregator takes off: one a survivor, and one for each of its dropouts."""
        return (self.clients - self.dropped) * (1 + self.dropped)


def run_cells(
    clients: int, values: int, dropouts: Sequence[float], advance: Callable[[], None]
) -> list[Cell]:
    """Run one round for each share of dropouts; up to 100 clients they share what was sealed.

    Args:
        clients: 2 or more.
        values: 1 or more.
        dropouts: Shares, each leaving 2 or more.
        advance: Called behind every client that seals.
    """
    if clients <= WHOLE:
        return _Rounds(clients, values, dropouts).run(advance)
    return [cell for one in dropouts for cell in _Rounds(clients, values, [one]).run(advance)]


@dataclass(slots=True, eq=False)
class _Collected:
    """What the aggregator holds when those are absent."""

    absent: frozenset[str]
    accumulator: Accumulator
    total: Integers
    arrived: list[SealedContribution] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Rounds:
    """Rounds of the same clients with the same vectors; in each of them others stay away."""

    clients: int
    values: int
    dropouts: Sequence[float]
    watch: Stopwatch = field(init=False, default_factory=ProcessWatch)
    study: Study = field(init=False)
    seal: AggregatorSeal = field(init=False)

    def __post_init__(self) -> None:
        keys: dict[str, ClientKeys] = {}
        for name in self._scenario(0.0).names():
            with self.watch.phase("keys"):
                keys[name] = ClientKeys()
        self.study = set_up(self._scenario(0.0), "masking", keys)
        self.seal = aggregator_seal(self.study.spec, self.study.manifest.body)

    def run(self, advance: Callable[[], None]) -> list[Cell]:
        rounds = {dropout: self._begun(dropout) for dropout in self.dropouts}
        in_none = frozenset.intersection(*(one.absent for one in rounds.values()))
        for sent in RoundClients(self.study, in_none, self.watch).sent():
            for collected in rounds.values():
                if sent.client not in collected.absent:
                    self._take(collected, sent)
            advance()
        return [self._cell(dropout, rounds.pop(dropout)) for dropout in self.dropouts]

    def _scenario(self, dropout: float) -> Scenario:
        return Scenario(self.clients, self.values, BITS, dropout)

    def _begun(self, dropout: float) -> _Collected:
        total = np.zeros(self.study.spec.body.vector_length, np.int64)
        return _Collected(self._scenario(dropout).absent(), self.seal.zero(), total)

    def _take(self, collected: _Collected, sent: Sent) -> None:
        view, size = memoryview(sent.sealed.payload), self.seal.chunk_bytes
        with self.watch.phase("add"):
            for index, start in enumerate(range(0, len(view), size)):
                self.seal.add(collected.accumulator, index, view[start : start + size])
        collected.total += sent.integers
        collected.arrived.append(replace(sent.sealed, payload=b""))

    def _cell(self, dropout: float, collected: _Collected) -> Cell:
        watch = ProcessWatch()
        freeze = self._frozen(collected)
        parts: dict[int, bytes] = {}
        for name in list(self.study.custodians)[: self._scenario(dropout).threshold]:
            custodian = CustodianAtWork(self.study, name, watch)
            released, pages = custodian.release(freeze, custodian.admit(collected.arrived))
            parts |= released
        cores = [(one.contribution.body.core, one.pair_table) for one in collected.arrived]
        members = [SealedMember(core.client, core.self_commitment, table) for core, table in cores]
        with watch.phase("dispute"):
            disputing = self.seal.disputing(members)
        before = _begin_peak()
        with watch.phase("open"):
            opened = self.seal.open(collected.accumulator, members, parts)
        grown = _peak_bytes() - before
        aggregate = Aggregate(SystemRandomness().bytes(SALT_BYTES), opened)
        sizes = message_sizes(self.study, collected.arrived, pages, aggregate)
        return Cell(
            self.clients,
            self.values,
            dropout,
            self._seconds(watch, len(members)),
            {"payload": self.seal.payload_bytes, **sizes},
            grown + collected.accumulator.nbytes,
            np.array_equal(opened, collected.total) and not disputing,
        )

    def _seconds(self, watch: Stopwatch, survivors: int) -> dict[str, float]:
        sealing, opening = self.watch.medians(), watch.medians()
        return {
            "keys": sealing["keys"] + sealing["agree"],
            "mask": sealing["mask"],
            "header": sealing["header"],
            "admit": opening["admit"],
            "release": opening["release"],
            "add": sealing["add"] * survivors,
            "dispute": opening["dispute"],
            "open": opening["open"],
        }

    def _frozen(self, collected: _Collected) -> Signed[Freeze]:
        spec = self.study.spec
        members = tuple(
            Member(one.contribution.body.core.client, one.contribution.digest)
            for one in collected.arrived
        )
        freeze = Freeze(
            study=spec.body.study,
            round_number=spec.body.round_number,
            round_id=spec.digest,
            members=members,
            root=freeze_root(members),
            left_out=(),
        )
        return sign(freeze, self.study.manifest.body.aggregator.name, self.study.aggregator)


def _begin_peak() -> int:
    """Let the peak that Linux keeps of this process begin anew, and say where it begins."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status_bytes("VmRSS:")


def _peak_bytes() -> int:
    return _status_bytes("VmHWM:")


def _status_bytes(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(one for one in status.splitlines() if one.startswith(name))
    return int(line.split()[1]) * _KIB
