"""A small study under attack: real custodians over real stores, real clients, a hostile aggregator.

The custodians and the sealing clients are the product's own; only the aggregator is played. With
an honest script it carries a round through to the exact sum, so every refusal in these tests is
the attack's doing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tests.adversarial.hostile_aggregator import HostileAggregator, Integers, Sent
from tests.adversarial.people import People

from blindsum_client.sealing import Sealer
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.randomness import SystemRandomness
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.close import CloseDuty
from blindsum_custodian.custodian import Custodian, Duty
from blindsum_custodian.endorse import EndorseDuty
from blindsum_custodian.policy import CustodianPolicy
from blindsum_custodian.release import ReleaseDuty
from blindsum_custodian.store.database import Store
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.admission import Admission
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.freeze import Freeze
from blindsum_rules.manifest import Approval, Manifest
from blindsum_rules.refusal import Refusal
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

FACE = "/"
"""`custodian-3/other` is the corrupt custodian-3 with a second memory that knows nothing of its
first: it runs the honest code twice, and so signs whatever each memory alone would allow."""


@dataclass(frozen=True, eq=False)
class Played:
    """A round that was carried through."""

    spec: Signed[Spec]
    sent: list[Sent]
    freeze: Signed[Freeze]
    endorsements: tuple[Signed[Endorsement], ...]
    releases: tuple[Signed[Release], ...]
    total: Integers


@dataclass(repr=False)
class World:
    """One study, with everybody's keys in the hands of the test."""

    people: People
    folder: Path
    aggregator: HostileAggregator = field(init=False)
    running: dict[str, Custodian] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.aggregator = HostileAggregator(self.people)

    @property
    def study(self) -> Manifest:
        return self.people.study

    @property
    def clients(self) -> tuple[str, ...]:
        return self.people.clients

    @property
    def custodians(self) -> tuple[str, ...]:
        return self.people.custodians

    @property
    def approval(self) -> Signed[Approval] | None:
        """The privacy officer's, if the manifest names one."""
        if self.study.officer is None:
            return None
        body = Approval(self.study.study, self.people.manifest.digest)
        return self.people.sign(body, self.study.officer.name)

    # ---- custodians

    def custodian(self, name: str) -> Custodian:
        """The running custodian of that name (and face), started first if need be."""
        if name not in self.running:
            store_path, instance_path = self.memory_of(name)
            begin = Store.open if store_path.exists() else Store.create
            self.running[name] = Custodian(
                manifest=self.people.manifest,
                approval=self.approval,
                key_ring=self.people.key_ring(name.partition(FACE)[0]),
                store=begin(store_path, instance_path),
                fetch_signed=self.aggregator.fetch,
                policy=CustodianPolicy(allowed_seals=frozenset(self.study.seals)),
                clock=lambda: self.aggregator.now,
            )
        return self.running[name]

    def memory_of(self, name: str) -> tuple[Path, Path]:
        """Where a custodian's store and its instance file lie."""
        home = self.folder / name
        return home / "store" / "custodian.sqlite", home / "instance" / "instance.json"

    def stop(self, name: str) -> None:
        self.running.pop(name).store.close()

    def restart(self, name: str) -> None:
        self.stop(name)
        self.custodian(name)

    def close(self) -> None:
        for name in list(self.running):
            self.stop(name)

    def perform(self, name: str, duty: Duty) -> tuple[Signed[Any], ...]:
        return self.custodian(name).perform(duty)

    def refused(self, name: str, duty: Duty) -> str:
        """The rule of the one refusal that comes instead of an answer."""
        (answer,) = self.perform(name, duty)
        assert isinstance(answer.body, Refusal), f"answered with {type(answer.body).__name__}"
        return answer.body.rule

    def _answers(self, kind: type[Any], duties: Iterable[tuple[str, Duty]]) -> tuple[Any, ...]:
        """The last answer of each custodian, which must be of that kind."""
        answers = [self.perform(name, duty)[-1] for name, duty in duties]
        for answer in answers:
            assert isinstance(answer.body, kind), getattr(answer.body, "rule", type(answer.body))
        return tuple(answers)

    def accept(
        self, spec: Signed[Spec], names: Sequence[str] | None = None
    ) -> tuple[Signed[Acceptance], ...]:
        """Let custodians accept a spec; they close the rounds that they leave by this."""
        duty = AcceptDuty(spec)
        return self._answers(Acceptance, [(name, duty) for name in self._chosen(names)])

    def admit(
        self,
        spec: Signed[Spec],
        sent: Sequence[Sent],
        names: Sequence[str] | None = None,
        page: int = 0,
    ) -> tuple[Signed[Admission], ...]:
        """Let custodians judge one page of contributions."""
        signed = self.aggregator.page(spec, sent, page)
        chosen = self._chosen(names)
        duties = {
            name: self.aggregator.admit_duty(name.partition(FACE)[0], signed, sent)
            for name in chosen
        }
        return self._answers(Admission, duties.items())

    def endorse(
        self, freeze: Signed[Freeze], names: Sequence[str] | None = None
    ) -> tuple[Signed[Endorsement], ...]:
        duty = EndorseDuty(freeze.body.round_number, freeze.digest)
        return self._answers(Endorsement, [(name, duty) for name in self._chosen(names)])

    def release(
        self,
        freeze: Signed[Freeze],
        endorsements: Sequence[Signed[Endorsement]],
        names: Sequence[str] | None = None,
    ) -> tuple[Signed[Release], ...]:
        duty = ReleaseDuty(freeze.body.round_number, freeze.digest, tuple(endorsements))
        return self._answers(Release, [(name, duty) for name in self._chosen(names)])

    def leave(
        self, round_number: int, names: Sequence[str] | None = None, handed_to: bytes = b""
    ) -> tuple[Signed[Close], ...]:
        duty = CloseDuty(round_number, handed_to)
        return self._answers(Close, [(name, duty) for name in self._chosen(names)])

    def _chosen(self, names: Sequence[str] | None) -> Sequence[str]:
        return self.custodians if names is None else names

    # ---- clients

    def values_of(self, client: str) -> Integers:
        """A client's vector: the same in every round, as a client that trains on one model has."""
        drawn = np.random.default_rng(int.from_bytes(client.encode()))
        bound = self.study.weighted_codec.coordinate_bound
        values = drawn.integers(-bound, bound, self.study.vector_length, endpoint=True)
        values[-1] = abs(values[-1])  # the weight
        return values.astype(np.int64)

    def seal(self, spec: Signed[Spec], client: str, values: Integers | None = None) -> Sent:
        """Seal a vector as the real client does. It has no memory: it seals again when asked."""
        keys = self.people.keys
        agreements = Agreements(client, keys.agreements[client], self.study.agreement_keys)
        identity = keys.identities[client]
        sealer = Sealer(self.study, client, identity, SystemRandomness(), agreements)
        vector = self.values_of(client) if values is None else values
        return Sent(sealer.seal(spec, vector), vector)

    def seal_all(self, spec: Signed[Spec], clients: Iterable[str] | None = None) -> list[Sent]:
        names = spec.body.cohort if clients is None else clients
        return [self.seal(spec, client) for client in names]

    # ---- the honest script

    def collect(self, spec: Signed[Spec], clients: Iterable[str] | None = None) -> list[Sent]:
        """Everybody accepts, the clients seal, everybody admits."""
        self.accept(spec)
        sent = self.seal_all(spec, clients)
        self.admit(spec, sent)
        return sent

    def play(self, spec: Signed[Spec], members: Iterable[str] | None = None) -> Played:
        """One round, from the spec to the opened sum over the members."""
        sent = self.collect(spec)
        chosen = set(spec.body.cohort if members is None else members)
        in_set = [one for one in sent if one.client in chosen]
        freeze = self.aggregator.freeze(spec, in_set)
        endorsements = self.endorse(freeze)
        releases = self.release(freeze, endorsements)
        total = self.aggregator.open(spec, in_set, releases)
        return Played(spec, sent, freeze, endorsements, releases, total)


def total_of(sent: Iterable[Sent]) -> Integers:
    """The sum in clear, from what only the test knows."""
    total: Integers = np.sum([one.values for one in sent], axis=0, dtype=np.int64)
    return total
