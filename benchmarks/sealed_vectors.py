"""Our own seals on the problem, each phase as a client, the aggregator or a custodian runs it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from blindsum_crypto.ckks import parameters as ckks
from blindsum_crypto.ckks.opening import CkksAggregatorSeal
from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import Committee, CustodySeeds, deal
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.masking import parameters as masking
from blindsum_crypto.masking.opening import MaskingAggregatorSeal
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.masking.releasing import MaskingCustodianSeal
from blindsum_crypto.masking.round import MaskingRound
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.primitives import digest
from blindsum_crypto.randomness import SystemRandomness
from blindsum_crypto.seal import (
    Accumulator,
    AggregatorSeal,
    ClientSeal,
    CustodianSeal,
    Integers,
    SealedMember,
    SealedVector,
)
from blindsum_rules.codec.encoding import encode
from problem import Problem

COMMITTEE: Final = Committee(custodians=4, threshold=2)
_ROUND_ID: Final = digest("benchmarks/round")
_RANDOMNESS: Final = SystemRandomness()


@dataclass(slots=True, eq=False)
class SealedVectors:
    """Every client's vector through one seal.

    Attributes:
        name: What its rows begin with.
        problem: The vectors.
        client_seals: The clients' half, one for each.
        aggregator_seal: The aggregator's half.
        custodian_seal: The custodians' half.
    """

    name: str
    problem: Problem
    client_seals: Sequence[ClientSeal] = field(repr=False)
    aggregator_seal: AggregatorSeal = field(repr=False)
    custodian_seal: CustodianSeal = field(repr=False)
    _seeds: list[CustodySeeds] = field(init=False, repr=False)
    _sealed: list[SealedVector] = field(init=False, repr=False)
    _sum: Accumulator = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Seal every client's vector and add the sealed vectors."""
        self._seeds = [deal(COMMITTEE, _RANDOMNESS) for _ in self.client_seals]
        self._sealed = [
            self._seal(place, self._seeds[place]) for place in range(self.problem.clients)
        ]
        self._sum = self.aggregator_seal.zero()
        for sealed in self._sealed:
            self._add_to(self._sum, sealed)

    @property
    def payload_bytes(self) -> int:
        """Bytes of one client's sealed vector."""
        return self.aggregator_seal.payload_bytes

    def tasks(self) -> dict[str, Callable[[], object]]:
        """What is timed, by row. The client in the middle adds one half of its masks."""
        middle = self.problem.clients // 2
        name, seal = self.problem.name(middle), self.client_seals[middle]
        sealed, seeds = self._sealed[middle], self._seeds[middle]
        other = self._sum.copy()
        parts = self._release(COMMITTEE.parts)
        return {
            f"{self.name}_seal": lambda: self._seal(middle, deal(COMMITTEE, _RANDOMNESS)),
            f"{self.name}_check_own": lambda: seal.open_own(sealed, name, seeds),
            f"{self.name}_add": lambda: self._add_to(other, sealed),
            f"{self.name}_release": lambda: self._release(COMMITTEE.parts_of(0)),
            f"{self.name}_open": lambda: self._open(parts),
        }

    def is_exact(self) -> bool:
        """Whether the opened sum is the plain sum, value for value."""
        return np.array_equal(self._open(self._release(COMMITTEE.parts)), self.problem.total)

    def _seal(self, place: int, seeds: CustodySeeds) -> SealedVector:
        """From integers to wire bytes."""
        name, levels = self.problem.name(place), self.problem.levels[place]
        return self.client_seals[place].seal(levels, name, seeds, _RANDOMNESS)

    def _add_to(self, accumulator: Accumulator, sealed: SealedVector) -> None:
        size = self.aggregator_seal.chunk_bytes
        view = memoryview(sealed.payload)
        for index, start in enumerate(range(0, len(view), size)):
            self.aggregator_seal.add(accumulator, index, view[start : start + size])

    def _release(self, parts: Sequence[int]) -> dict[int, bytes]:
        names = self.problem.names()
        return {
            part: self.custodian_seal.release(
                part, zip(names, [seeds[part] for seeds in self._seeds], strict=True), []
            )
            for part in parts
        }

    def _open(self, parts: Mapping[int, bytes]) -> Integers:
        members = [
            SealedMember(name, sealed.self_commitment, sealed.pair_table)
            for name, sealed in zip(self.problem.names(), self._sealed, strict=True)
        ]
        return self.aggregator_seal.open(self._sum, members, parts)


def ckks_vectors(problem: Problem) -> SealedVectors:
    """The problem under the seal `ckks`."""
    parameters = ckks.plan(problem.values, problem.clients, problem.field_bits)
    fixed = (parameters, COMMITTEE, _ROUND_ID, problem.values, problem.coordinate_bound)
    return SealedVectors(
        "ckks",
        problem,
        [CkksClientSeal(*fixed)] * problem.clients,
        CkksAggregatorSeal(*fixed),
        CkksCustodianSeal(parameters, _ROUND_ID),
    )


def masking_vectors(problem: Problem) -> SealedVectors:
    """The problem under the seal `masking`; every two clients agree on a secret, once."""
    parameters = masking.plan(problem.values, problem.clients, problem.field_bits)
    sizes = (problem.values, problem.coordinate_bound)
    round_ = MaskingRound(parameters, COMMITTEE, _ROUND_ID, *sizes, problem.names())
    keys = {name: AgreementKey.generate() for name in problem.names()}
    public_keys = {name: key.public for name, key in keys.items()}
    return SealedVectors(
        "masking",
        problem,
        [
            MaskingClientSeal(round_, Agreements(name, key, public_keys))
            for name, key in keys.items()
        ],
        MaskingAggregatorSeal(round_),
        MaskingCustodianSeal(_ROUND_ID),
    )


def codec_task(problem: Problem) -> Callable[[], object]:
    """From float32 values to integers, for both seals alike."""
    update, codec = problem.update, problem.codec
    return lambda: encode(update, problem.records, codec, _RANDOMNESS)
