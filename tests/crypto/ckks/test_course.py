"""The opening of a CKKS sum of several batches: told, and ended before its time."""

from dataclasses import dataclass

import numpy as np
import pytest

from blindsum_crypto.ckks.opening import CkksAggregatorSeal
from blindsum_crypto.ckks.parameters import plan
from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.ckks.ring import BATCH
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import Committee, deal
from blindsum_crypto.execution import Cancelled, Execution
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import Accumulator, Integers, SealedMember

COMMITTEE = Committee(4, 2)
ROUND_ID = bytes(range(32))
BATCHES = 3
PARAMETERS = plan(1, 1, 16)
LENGTH = (BATCHES - 1) * BATCH * PARAMETERS.values_per_chunk + 5


@dataclass(frozen=True)
class Sealed:
    """One client's sealed vector as a sum, and what opens it."""

    seal: CkksAggregatorSeal
    accumulator: Accumulator
    parts: dict[int, bytes]
    values: Integers

    def open(self, execution: Execution) -> Integers:
        return self.seal.open(self.accumulator, [SealedMember("a")], self.parts, execution)


@pytest.fixture(scope="module")
def sealed() -> Sealed:
    drawn = SeededRandomness(b"several batches")
    shape = (PARAMETERS, COMMITTEE, ROUND_ID, LENGTH, 1_000)
    values = np.random.default_rng(1).integers(-1_000, 1_000, LENGTH)
    seeds, seal = deal(COMMITTEE, drawn), CkksAggregatorSeal(*shape)
    payload = CkksClientSeal(*shape).seal(values, "a", seeds, drawn).payload
    custodian = CkksCustodianSeal(PARAMETERS, ROUND_ID)
    parts = {part: custodian.release(part, [("a", seed)], []) for part, seed in seeds.items()}
    return Sealed(seal, seal.load_sum(payload), parts, values)


def test_progress_is_told_after_every_batch_of_chunks(sealed: Sealed) -> None:
    told: list[tuple[int, int]] = []
    opened = sealed.open(Execution(on_progress=lambda *step: told.append(step)))
    assert np.array_equal(opened, sealed.values)
    assert told == [(step, BATCHES) for step in range(1, BATCHES + 1)]


def test_an_opening_that_is_cancelled_ends_before_the_next_batch(sealed: Sealed) -> None:
    told: list[int] = []
    execution = Execution(
        is_cancelled=lambda: bool(told), on_progress=lambda done, _total: told.append(done)
    )
    with pytest.raises(Cancelled):
        sealed.open(execution)
    assert told == [1]
    assert np.array_equal(sealed.open(Execution()), sealed.values)


def test_what_an_opening_needs_of_a_member_is_the_member(sealed: Sealed) -> None:
    members = [SealedMember("a"), SealedMember("b")]
    assert sealed.seal.needed(iter(members), ["a", "b"]) == members
