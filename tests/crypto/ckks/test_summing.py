"""Sums of sealed chunks: exact, reversible, and closed to malformed words (threat T21)."""

from types import SimpleNamespace

import numpy as np
import pytest

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.ckks.summing import CkksSumming
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.packing import pack_words

SHAPES = [CkksParameters(12, 16, 3), CkksParameters(12, 30, 3, "B")]


def some_chunk(parameters: CkksParameters, numbers: np.random.Generator) -> np.ndarray:
    ring = parameters.ring
    rows = [numbers.integers(0, prime, ring.degree, dtype=np.uint64) for prime in ring.primes]
    return np.concatenate(rows)


@pytest.mark.parametrize("parameters", SHAPES, ids=str)
def test_chunks_add_modulo_every_prime_and_come_out_again(
    parameters: CkksParameters, numbers: np.random.Generator
) -> None:
    summing, ring = CkksSumming(parameters, 10), parameters.ring
    one, other = some_chunk(parameters, numbers), some_chunk(parameters, numbers)
    accumulator = summing.zero()
    summing.add(accumulator, 1, pack_words(one, ring.word_bits))
    summing.add(accumulator, 1, memoryview(pack_words(other, ring.word_bits)))
    moduli = np.repeat(np.array(ring.primes, dtype=object), ring.degree)
    assert accumulator[1].tolist() == ((one.astype(object) + other) % moduli).tolist()
    assert not accumulator[0].any()
    summing.subtract(accumulator, 1, pack_words(one, ring.word_bits))
    assert np.array_equal(accumulator[1], other)


@pytest.mark.parametrize("parameters", SHAPES, ids=str)
def test_a_sum_comes_back_from_its_sealed_chunks(
    parameters: CkksParameters, numbers: np.random.Generator
) -> None:
    summing = CkksSumming(parameters, 3 * parameters.values_per_chunk)
    accumulator = summing.zero()
    for row in accumulator:
        row[:] = some_chunk(parameters, numbers)
    chunks = list(summing.sealed_chunks(accumulator))
    assert [len(chunk) for chunk in chunks] == [summing.chunk_bytes] * 3
    assert np.array_equal(summing.load_sum(b"".join(chunks)), accumulator)


@pytest.mark.parametrize("parameters", SHAPES, ids=str)
@pytest.mark.parametrize("place", [0, 4_095, -1])
@pytest.mark.parametrize("excess", [0, 1])
def test_a_word_not_below_its_prime_is_rejected_and_nothing_is_added(
    parameters: CkksParameters, numbers: np.random.Generator, place: int, excess: int
) -> None:
    summing, ring = CkksSumming(parameters, 10), parameters.ring
    words = some_chunk(parameters, numbers)
    words[place] = ring.primes[-1 if place < 0 else 0] + excess
    chunk = pack_words(words, ring.word_bits)
    accumulator = summing.zero()
    for call in (summing.add, summing.subtract):
        with pytest.raises(Rejected) as caught:
            call(accumulator, 0, chunk)
        assert caught.value.rule == "word-out-of-range"
    with pytest.raises(Rejected) as caught:
        summing.check_chunk(0, chunk)
    assert caught.value.rule == "word-out-of-range"
    with pytest.raises(Rejected) as caught:
        summing.load_sum(chunk + chunk)
    assert caught.value.rule == "word-out-of-range"
    assert not accumulator.any()


@pytest.mark.parametrize("change", [-1, 1, -30_720])
def test_a_chunk_or_payload_of_a_wrong_length_is_rejected(change: int) -> None:
    summing = CkksSumming(CkksParameters(12, 16, 3), 10)
    chunk = bytes(summing.chunk_bytes + change)
    accumulator = summing.zero()
    with pytest.raises(Rejected) as caught:
        summing.check_chunk(0, chunk)
    assert caught.value.rule == "payload-length"
    with pytest.raises(Rejected) as caught:
        summing.add(accumulator, 0, chunk)
    assert caught.value.rule == "payload-length"
    with pytest.raises(Rejected) as caught:
        summing.load_sum(bytes(summing.payload_bytes + change))
    assert caught.value.rule == "payload-length"


@pytest.mark.parametrize("index", [-1, 2])
def test_a_chunk_outside_the_vector_is_refused(index: int) -> None:
    summing = CkksSumming(CkksParameters(12, 16, 3), 10)
    with pytest.raises(Refused) as caught:
        summing.add(summing.zero(), index, bytes(summing.chunk_bytes))
    assert caught.value.rule == "chunk-index"


def test_an_accumulator_of_another_shape_is_refused() -> None:
    summing = CkksSumming(CkksParameters(12, 16, 3), 10)
    for accumulator in (np.zeros((3, 4096), np.uint64), np.zeros((2, 4096), np.int64)):
        with pytest.raises(Refused) as caught:
            summing.add(accumulator, 0, bytes(summing.chunk_bytes))  # type: ignore[arg-type]
        assert caught.value.rule == "accumulator-shape"
        with pytest.raises(Refused) as caught:
            summing.sealed_chunks(accumulator)  # type: ignore[arg-type]
        assert caught.value.rule == "accumulator-shape"


def test_a_payload_taken_out_again_leaves_the_sum_of_the_rest(small_round: SimpleNamespace) -> None:
    seal, members = small_round.aggregator_seal, small_round.members
    accumulator = small_round.sum_of(members)
    view = memoryview(small_round.payloads[members[1]])
    for index in range(len(accumulator)):
        at = index * seal.chunk_bytes
        seal.subtract(accumulator, index, view[at : at + seal.chunk_bytes])
    assert np.array_equal(accumulator, small_round.sum_of([members[0], members[2]]))
