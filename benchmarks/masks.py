"""Masked vectors at 28-bit sums: one client's seal, its keys and header, and an opening.

Each is real work of the seal `masking` on vectors that are checked: what is timed stands beside the
bare limit, which is a keystream and an addition for the same masks in words of 32 bits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from bare_limits import Words, keystream_add
from blindsum_cli.bench.scenario import Scenario
from blindsum_cli.bench.study import ClientKeys, Study, set_up
from blindsum_cli.bench.timing import Task
from blindsum_client.sealing import SealedContribution, Sealer, check_own_opening
from blindsum_client.seals import client_seal
from blindsum_crypto.custody import SEED_BYTES, Committee, CustodySeeds, deal
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.masking.opening import MaskingAggregatorSeal
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_crypto.masking.releasing import MaskingCustodianSeal
from blindsum_crypto.masking.round import MaskingRound
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.primitives import digest
from blindsum_crypto.randomness import SystemRandomness
from blindsum_crypto.seal import Accumulator, Integers, SealedMember, SealedVector
from blindsum_rules.codec.encoding import encode
from blindsum_rules.codec.parameters import MAX_LEVELS, Codec

SUM_BITS: Final = 28
COMMITTEE: Final = Committee(custodians=4, threshold=2)
_ROUND_ID: Final = digest("benchmarks/masks")
_RANDOMNESS: Final = SystemRandomness()
_RECORDS: Final = 800
_CODEC: Final = Codec(clip_norm=1.0, levels=MAX_LEVELS, weight_cap=1000, weight_scale=0.25)


def names(clients: int) -> tuple[str, ...]:
    """The clients' ids, ascending."""
    return tuple(f"client-{place:04d}" for place in range(clients))


def levels(values: int, clients: int) -> Integers:
    """A vector over the whole range that sums of 28 bits leave to one of so many clients."""
    bound = coordinate_bound(clients)
    drawn = np.frombuffer(_RANDOMNESS.bytes(4 * values), "<u4").astype(np.int64)
    return drawn % (2 * bound + 1) - bound


def coordinate_bound(clients: int) -> int:
    """The largest |value| of one of so many clients; the codec's 2^18 fits up to 500 of them."""
    return ((1 << (SUM_BITS - 1)) - 1) // clients


@dataclass(slots=True, eq=False)
class MaskedVectors:
    """A round among so many clients, each of which seals; the last of them may stay away.

    Attributes:
        values: Values of a vector.
        clients: How many share masks.
        dropped: How many of them seal and are not in the sum, spread evenly.
    """

    values: int
    clients: int
    dropped: int = 0
    _round: MaskingRound = field(init=False, repr=False)
    _keys: Mapping[str, AgreementKey] = field(init=False, repr=False)
    _levels: list[Integers] = field(init=False, repr=False, default_factory=list)
    _seals: dict[str, MaskingClientSeal] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make keys and seals; agreements are made by the first vector that is sealed."""
        cohort = names(self.clients)
        self._round = MaskingRound(
            MaskingParameters(SUM_BITS),
            COMMITTEE,
            _ROUND_ID,
            self.values,
            coordinate_bound(self.clients),
            cohort,
        )
        self._keys = {name: AgreementKey.generate() for name in cohort}
        public = {name: key.public for name, key in self._keys.items()}
        self._seals = {
            name: MaskingClientSeal(self._round, Agreements(name, key, public))
            for name, key in self._keys.items()
        }

    @property
    def payload_bytes(self) -> int:
        """Bytes of one sealed vector."""
        return next(iter(self._seals.values())).payload_bytes

    @property
    def absent(self) -> tuple[str, ...]:
        """Who stays away."""
        cohort = self._round.cohort
        return tuple(cohort[place * self.clients // self.dropped] for place in range(self.dropped))

    @property
    def members(self) -> tuple[str, ...]:
        """Who is in the sum, ascending."""
        return tuple(name for name in self._round.cohort if name not in self.absent)

    def sealing(self) -> dict[str, Task]:
        """One client in the middle: integers to bytes, floats to bytes, and the bare limit."""
        middle = self._round.cohort[self.clients // 2]
        integers = levels(self.values, self.clients)
        update = (integers[:-1] / coordinate_bound(self.clients)).astype(np.float32)
        words = integers.astype(np.uint32)
        seeds = deal(COMMITTEE, _RANDOMNESS)
        sealed = self._seal(middle, integers, seeds)
        return {
            "mask": lambda: self._seal(middle, integers, deal(COMMITTEE, _RANDOMNESS)),
            "encode_mask": lambda: self._seal(
                middle, _encoded(update), deal(COMMITTEE, _RANDOMNESS)
            ),
            "encode": lambda: _encoded(update),
            "check_own": lambda: self._check_own(sealed, middle, seeds, integers),
            "mask_limit": lambda: keystream_add(words, self.clients),
        }

    def _check_own(
        self, sealed: SealedVector, name: str, seeds: CustodySeeds, integers: Integers
    ) -> None:
        check_own_opening(self._seals[name], sealed, name, seeds, integers)

    def opening(self) -> "Opening":
        """Everybody seals, the members' vectors are added, and custodians release for them."""
        aggregator = MaskingAggregatorSeal(self._round)
        accumulator = aggregator.zero()
        total = np.zeros(self.values, np.int64)
        seeds, sealed_members = {}, []
        for name in self.members:
            integers = levels(self.values, self.clients)
            seeds[name] = deal(COMMITTEE, _RANDOMNESS)
            sealed = self._seal(name, integers, seeds[name])
            _add(aggregator, accumulator, sealed.payload)
            total += integers
            sealed_members.append(SealedMember(name, sealed.self_commitment, sealed.pair_table))
        parts = self._released(seeds)
        return Opening(aggregator, accumulator, sealed_members, parts, total)

    def _seal(self, name: str, integers: Integers, seeds: CustodySeeds) -> SealedVector:
        return self._seals[name].seal(integers, name, seeds, _RANDOMNESS)

    def _released(self, seeds: Mapping[str, CustodySeeds]) -> dict[int, bytes]:
        custodian = MaskingCustodianSeal(_ROUND_ID)
        return {
            part: custodian.release(
                part, [(name, one[part]) for name, one in seeds.items()], self.absent
            )
            for part in COMMITTEE.parts
        }


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """A sealed sum with everything that opens it.

    Attributes:
        total: The sum that has to come out.
    """

    aggregator: MaskingAggregatorSeal = field(repr=False)
    accumulator: Accumulator = field(repr=False)
    members: Sequence[SealedMember] = field(repr=False)
    parts: Mapping[int, bytes] = field(repr=False)
    total: Integers = field(repr=False)

    def open(self) -> Integers:
        """The opened sum."""
        return self.aggregator.open(self.accumulator, self.members, self.parts)

    def is_exact(self) -> bool:
        """Whether the opened sum is the plain sum, value for value."""
        return np.array_equal(self.open(), self.total)

    @property
    def masks(self) -> int:
        """How many the opening takes off: one for each leaf of a part."""
        return len(next(iter(self.parts.values()))) // SEED_BYTES

    def limit(self) -> Words:
        """Keystream and addition of as many masks."""
        return keystream_add(self.accumulator, self.masks)


@dataclass(slots=True, eq=False)
class KeysAndHeader:
    """One client of a study with so many peers, and a vector of a single value.

    Attributes:
        study: The study, its manifest and spec checked.
        client: Who is timed.
    """

    study: Study
    client: str

    @classmethod
    def among(cls, peers: int) -> "KeysAndHeader":
        """The first client of a study at (4, 2) with hybrid wraps."""
        scenario = Scenario(clients=peers + 1, values=1, bits=12, dropout=0.0)
        keys = {name: ClientKeys() for name in scenario.names()}
        return cls(set_up(scenario, "masking", keys), scenario.names()[0])

    def run(self) -> SealedContribution:
        """All that does not grow with the vector: keys, agreements, pairs, wraps, signature.

        Fresh agreement key and agreements with all peers; seeds of every part and their leaves;
        pair secrets and pair table; commitments, core header, a hybrid wrap for each custodian, and
        the signature. A vector of one value with its weight is masked in passing.
        """
        manifest, spec = self.study.manifest.body, self.study.spec
        agreements = Agreements(self.client, AgreementKey.generate(), manifest.agreement_keys)
        identity = self.study.clients[self.client].identity
        seal = client_seal(spec, manifest, agreements)
        seeds = deal(manifest.committee, _RANDOMNESS)
        values = np.zeros(spec.body.vector_length, np.int64)
        sealed = seal.seal(values, self.client, seeds, _RANDOMNESS)
        sealer = Sealer(manifest, self.client, identity, _RANDOMNESS, agreements)
        return sealer.contribution(spec, sealed, seeds)


def _encoded(update: np.ndarray[tuple[int], np.dtype[np.float32]]) -> Integers:
    return encode(update, _RECORDS, _CODEC, _RANDOMNESS)


def _add(seal: MaskingAggregatorSeal, accumulator: Accumulator, payload: bytes) -> None:
    view, size = memoryview(payload), seal.chunk_bytes
    for index, start in enumerate(range(0, len(view), size)):
        seal.add(accumulator, index, view[start : start + size])
