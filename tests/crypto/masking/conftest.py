"""A whole masked round in memory: clients seal, the aggregator adds, custodians release."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_crypto.custody import Committee, CustodySeeds, deal
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.masking.opening import MaskingAggregatorSeal
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_crypto.masking.releasing import MaskingCustodianSeal
from blindsum_crypto.masking.round import MaskingRound
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import (
    Accumulator,
    AggregatorSeal,
    ClientSeal,
    CustodianSeal,
    Integers,
    SealedMember,
    SealedVector,
)

ROUND_ID = bytes(range(32))
Vectors = Mapping[str, Integers]


@dataclass
class MaskedRound:
    """Everything that one round makes; the parts open exactly the sum of the members."""

    round_: MaskingRound
    vectors: Vectors
    agreements: Mapping[str, Agreements]
    seeds: dict[str, CustodySeeds]
    sealed: dict[str, SealedVector]
    aggregator: AggregatorSeal
    custodian: CustodianSeal

    def client(self, name: str) -> ClientSeal:
        return MaskingClientSeal(self.round_, self.agreements[name])

    def sum_of(self, members: Collection[str]) -> Accumulator:
        accumulator = self.aggregator.zero()
        for name in members:
            payload = memoryview(self.sealed[name].payload)
            size = self.aggregator.chunk_bytes
            for index, start in enumerate(range(0, len(payload), size)):
                self.aggregator.add(accumulator, index, payload[start : start + size])
        return accumulator

    def part(self, part: int, members: Collection[str]) -> bytes:
        absent = [name for name in self.round_.cohort if name not in members]
        held = [(name, self.seeds[name][part]) for name in sorted(members)]
        return self.custodian.release(part, held, absent)

    def parts_of(self, members: Collection[str]) -> dict[int, bytes]:
        return {part: self.part(part, members) for part in self.round_.committee.parts}

    def headers(self, members: Collection[str]) -> list[SealedMember]:
        return [
            SealedMember(name, self.sealed[name].self_commitment, self.sealed[name].pair_table)
            for name in sorted(members)
        ]

    def open(self, members: Collection[str], parts: Mapping[int, bytes] | None = None) -> Integers:
        given = self.parts_of(members) if parts is None else parts
        return self.aggregator.open(self.sum_of(members), self.headers(members), given)

    def total(self, members: Collection[str]) -> Integers:
        total: Integers = np.sum([self.vectors[name] for name in members], axis=0, dtype=np.int64)
        return total


MaskRound = Callable[..., MaskedRound]


def _mask_round(
    value_bits: int,
    vectors: Vectors,
    bound: int,
    committee: Committee | None = None,
    seed: bytes = b"a masked round",
) -> MaskedRound:
    drawn = SeededRandomness(seed)
    committee = committee or Committee(4, 2)
    names = tuple(sorted(vectors))
    length = len(vectors[names[0]])
    round_ = MaskingRound(MaskingParameters(value_bits), committee, ROUND_ID, length, bound, names)
    keys = {name: AgreementKey.generate(drawn) for name in names}
    public = {name: key.public for name, key in keys.items()}
    agreements = {name: Agreements(name, key, public) for name, key in keys.items()}
    seeds = {name: deal(committee, drawn) for name in names}
    sealed = {
        name: MaskingClientSeal(round_, agreements[name]).seal(
            vectors[name], name, seeds[name], drawn
        )
        for name in names
    }
    return MaskedRound(
        round_,
        vectors,
        agreements,
        seeds,
        sealed,
        MaskingAggregatorSeal(round_),
        MaskingCustodianSeal(ROUND_ID),
    )


@pytest.fixture(scope="session")
def mask_round() -> MaskRound:
    return _mask_round


def numbers_of(clients: int, length: int, bound: int, seed: int = 20_261_124) -> Vectors:
    drawn = np.random.default_rng(seed)

    def vector() -> npt.NDArray[np.int64]:
        return drawn.integers(-bound, bound, length, endpoint=True)

    return {f"client-{number:02}": vector() for number in range(clients)}


@pytest.fixture(scope="session")
def small_round() -> MaskedRound:
    """Five clients, 100 values of 16 bits, (4, 2)."""
    return _mask_round(16, numbers_of(5, 100, 1_000), 1_000)


@pytest.fixture
def members() -> Sequence[str]:
    """Who survives the small round: three of five."""
    return ("client-00", "client-02", "client-03")
