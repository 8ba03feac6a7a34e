"""A whole CKKS round in memory: clients seal, the aggregator adds, custodians release."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest

from blindsum_crypto.ckks.opening import CkksAggregatorSeal
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import Committee, deal
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import AggregatorSeal, ClientSeal, CustodianSeal

ROUND_ID = bytes(range(32))
Vectors = Mapping[str, npt.NDArray[np.int64]]
SealRound = Callable[..., SimpleNamespace]


def _seal_round(
    parameters: CkksParameters,
    committee: Committee,
    vectors: Vectors,
    coordinate_bound: int,
    seed: bytes = b"round",
) -> SimpleNamespace:
    """Everything that one round with these vectors makes; the parts open exactly their sum."""
    randomness = SeededRandomness(seed)
    length = len(next(iter(vectors.values())))
    client_seal: ClientSeal = CkksClientSeal(
        parameters, committee, ROUND_ID, length, coordinate_bound
    )
    aggregator_seal: AggregatorSeal = CkksAggregatorSeal(
        parameters, committee, ROUND_ID, length, coordinate_bound
    )
    custodian_seal: CustodianSeal = CkksCustodianSeal(parameters, ROUND_ID)
    seeds = {client: deal(committee, randomness) for client in vectors}
    payloads = {
        client: client_seal.seal(values, client, seeds[client], randomness).payload
        for client, values in vectors.items()
    }

    def add(accumulator: npt.NDArray[np.uint64], client: str) -> None:
        view, size = memoryview(payloads[client]), aggregator_seal.chunk_bytes
        for index in range(len(view) // size):
            aggregator_seal.add(accumulator, index, view[index * size : (index + 1) * size])

    def sum_of(members: list[str]) -> npt.NDArray[np.uint64]:
        accumulator = aggregator_seal.zero()
        for client in members:
            add(accumulator, client)
        return accumulator

    def parts_of(members: list[str]) -> dict[int, bytes]:
        return {
            part: custodian_seal.release(part, ((c, seeds[c][part]) for c in members), [])
            for part in committee.parts
        }

    return SimpleNamespace(
        parameters=parameters,
        committee=committee,
        round_id=ROUND_ID,
        vector_length=length,
        randomness=randomness,
        client_seal=client_seal,
        aggregator_seal=aggregator_seal,
        custodian_seal=custodian_seal,
        seeds=seeds,
        payloads=payloads,
        sum_of=sum_of,
        parts_of=parts_of,
        total=sum(vectors.values()),
        members=list(vectors),
    )


@pytest.fixture(scope="session")
def seal_round() -> SealRound:
    return _seal_round


@pytest.fixture
def numbers() -> np.random.Generator:
    return np.random.default_rng(20_261_124)


@pytest.fixture
def small_round(seal_round: SealRound, numbers: np.random.Generator) -> SimpleNamespace:
    """Three clients, two chunks, (4, 2), three fields of 16 bits."""
    vectors = {f"client-{k}": numbers.integers(-100, 101, 13_000) for k in range(3)}
    return seal_round(CkksParameters(10, 16, 3), Committee(4, 2), vectors, 100)
