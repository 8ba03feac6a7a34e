"""One sealed round in one process, role by role: real keys, real custody, a real opening."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from blindsum_aggregator.seals import aggregator_seal
from blindsum_cli.bench.committee import CustodianAtWork
from blindsum_cli.bench.contributing import Contributed, Contributors, Integers
from blindsum_cli.bench.figures import Figures, Stopwatch
from blindsum_cli.bench.memory import traced
from blindsum_cli.bench.message_sizes import message_sizes
from blindsum_cli.bench.scenario import Scenario
from blindsum_cli.bench.study import ClientKeys, Study, set_up
from blindsum_client.sealing import SealedContribution
from blindsum_crypto import domains
from blindsum_crypto.primitives import DigestStream
from blindsum_crypto.randomness import SystemRandomness
from blindsum_crypto.seal import Accumulator, AggregatorSeal, SealedMember
from blindsum_protos.convert.signed import sign
from blindsum_rules.aggregate import SALT_BYTES, Aggregate
from blindsum_rules.freeze import Freeze, Member
from blindsum_rules.freeze_checks import check_freeze, freeze_root
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed

Advance = Callable[[], None]


def run_sealed(scenario: Scenario, seal: str, advance: Advance) -> Figures:
    """Run one round and measure it.

    Args:
        scenario: What is asked.
        seal: `ckks` or `masking`.
        advance: Called behind every client, for a progress bar.

    Raises:
        BlindsumError: what the protocol refuses, before anything is sealed.
    """
    watch = Stopwatch()
    keys: dict[str, ClientKeys] = {}
    for name in scenario.names():
        with watch.phase("keys"):
            keys[name] = ClientKeys()
    study = set_up(scenario, seal, keys)
    return _SealedRound(study, scenario, watch).run(advance)


@dataclass(slots=True)
class _SealedRound:
    """The aggregator of the round, and the order of its steps.

    Attributes:
        study: Keys, manifest and spec.
        scenario: What is asked.
        watch: Where the seconds go.
        arrived: What the survivors sent, without the payloads: those are in the sum.
        payload_bytes: Bytes of one payload.
        total: The sum that has to come out.
    """

    study: Study
    scenario: Scenario
    watch: Stopwatch
    arrived: list[SealedContribution] = field(init=False, default_factory=list)
    payload_bytes: int = field(init=False, default=0)
    total: Integers = field(init=False)

    def run(self, advance: Advance) -> Figures:
        spec = self.study.spec
        seal = aggregator_seal(spec, self.study.manifest.body)
        self.total = np.zeros(spec.body.vector_length, np.int64)
        contributors = Contributors(self.study, self.watch)
        accumulator = self._collect(contributors, seal, advance)
        parts, pages = self._released(self._frozen())
        with self.watch.phase("open"):
            opened = seal.open(accumulator, self._members(), parts)
        _, opening_bytes = traced(lambda: seal.open(accumulator, self._members(), parts))
        sizes = message_sizes(
            self.study, self.arrived, pages, Aggregate(SystemRandomness().bytes(SALT_BYTES), opened)
        )
        return Figures(
            way=spec.body.seal,
            seconds=self.watch.medians(),
            sizes={"payload": self.payload_bytes, **sizes},
            memory={
                "client": contributors.peak_bytes,
                "aggregator": accumulator.nbytes + opening_bytes,
            },
            is_exact=np.array_equal(opened, self.total),
        )

    def _collect(
        self, contributors: Contributors, seal: AggregatorSeal, advance: Advance
    ) -> Accumulator:
        """Everybody seals; whoever stays is added."""
        accumulator = seal.zero()
        absent = self.scenario.absent()
        for contributed in contributors.contributions():
            if contributed.client not in absent:
                with self.watch.phase("add"):
                    _add(seal, accumulator, contributed.sealed.payload)
                self._keep(contributed)
            advance()
        return accumulator

    def _keep(self, contributed: Contributed) -> None:
        self.total += contributed.integers
        self.payload_bytes = len(contributed.sealed.payload)
        self.arrived.append(replace(contributed.sealed, payload=b""))

    def _frozen(self) -> Signed[Freeze]:
        """U, signed and checked as the custodians check it."""
        spec, manifest = self.study.spec, self.study.manifest.body
        members = tuple(
            Member(one.contribution.body.core.client, one.contribution.digest)
            for one in self.arrived
        )
        freeze = sign(
            Freeze(
                study=spec.body.study,
                round_number=spec.body.round_number,
                round_id=spec.digest,
                members=members,
                root=freeze_root(members),
                left_out=(),
            ),
            manifest.aggregator.name,
            self.study.aggregator,
        )
        check_freeze(freeze, spec, manifest)
        return freeze

    def _released(
        self, freeze: Signed[Freeze]
    ) -> tuple[dict[int, bytes], tuple[Signed[Release], ...]]:
        """The parts of the first t custodians, and the pages of the last of them."""
        parts: dict[int, bytes] = {}
        pages: tuple[Signed[Release], ...] = ()
        for name in list(self.study.custodians)[: self.scenario.threshold]:
            custodian = CustodianAtWork(self.study, name, self.watch)
            released, pages = custodian.release(freeze, custodian.admit(self.arrived))
            parts |= released
        return parts, pages

    def _members(self) -> list[SealedMember]:
        cores = [(one.contribution.body.core, one.pair_table) for one in self.arrived]
        return [SealedMember(core.client, core.self_commitment, table) for core, table in cores]


def _add(seal: AggregatorSeal, accumulator: Accumulator, payload: bytes) -> None:
    """What the aggregator does with every payload: read it for its digest, then for the sum."""
    stream = DigestStream(domains.PAYLOAD)
    stream.update(payload)
    stream.digest()
    view, size = memoryview(payload), seal.chunk_bytes
    for index, start in enumerate(range(0, len(payload), size)):
        seal.add(accumulator, index, view[start : start + size])
