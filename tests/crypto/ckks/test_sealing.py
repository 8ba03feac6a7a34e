"""The client's half: what it refuses to seal, and what its payload shows to whom."""

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.ckks.ring import ring_of
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.ckks.summing import CkksSumming
from blindsum_crypto.custody import Committee, deal
from blindsum_crypto.errors import Aborted, Refused, Rejected
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import SealedVector

PARAMETERS = CkksParameters(10, 16, 3)
COMMITTEE = Committee(4, 2)
ROUND_ID = bytes(range(32))


def client_seal(length: int = 100, bound: int = 50) -> CkksClientSeal:
    return CkksClientSeal(PARAMETERS, COMMITTEE, ROUND_ID, length, bound)


def test_a_client_opens_its_own_payload(small_round: SimpleNamespace) -> None:
    vectors = {}
    for client in small_round.members:
        payload, seeds = small_round.payloads[client], small_round.seeds[client]
        assert len(payload) == small_round.client_seal.payload_bytes == 2 * 30_720
        vectors[client] = small_round.client_seal.open_own(SealedVector(payload), client, seeds)
    assert np.array_equal(sum(vectors.values()), small_round.total)


def test_a_client_notices_its_own_damaged_payload(small_round: SimpleNamespace) -> None:
    client = small_round.members[0]
    payload, seeds = bytearray(small_round.payloads[client]), small_round.seeds[client]
    payload[7] ^= 1
    with pytest.raises(Aborted) as caught:
        small_round.client_seal.open_own(SealedVector(bytes(payload)), client, seeds)
    assert caught.value.rule == "residual-gate"
    with pytest.raises(Rejected) as rejected:
        small_round.client_seal.open_own(SealedVector(bytes(payload[:-1])), client, seeds)
    assert rejected.value.rule == "payload-length"


def test_under_another_name_or_other_seeds_a_payload_does_not_open(
    small_round: SimpleNamespace,
) -> None:
    client, other = small_round.members[:2]
    payload = small_round.payloads[client]
    for name, seeds in (
        (other, small_round.seeds[client]),
        (client, small_round.seeds[other]),
    ):
        with pytest.raises(Aborted) as caught:
            small_round.client_seal.open_own(SealedVector(payload), name, seeds)
        assert caught.value.rule == "residual-gate"


@pytest.mark.parametrize("value", [51, -51, 2**62, -(2**63)])
def test_a_value_beyond_the_bound_is_refused_and_not_named(
    randomness: SeededRandomness, value: int
) -> None:
    values = np.zeros(100, np.int64)
    values[37] = value
    with pytest.raises(Refused) as caught:
        client_seal().seal(values, "me", deal(COMMITTEE, randomness), randomness)
    assert caught.value.rule == "coordinate-bound"
    assert str(value) not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [np.zeros(99, np.int64), np.zeros((100, 1), np.int64), np.zeros(100), np.zeros(100, np.int32)],
)
def test_a_vector_of_another_shape_or_type_is_refused(
    randomness: SeededRandomness, values: np.ndarray
) -> None:
    with pytest.raises(Refused) as caught:
        client_seal().seal(values, "me", deal(COMMITTEE, randomness), randomness)
    assert caught.value.rule == "vector-shape"


def test_seeds_that_miss_a_part_are_refused(randomness: SeededRandomness) -> None:
    seeds = deal(COMMITTEE, randomness).of([1, 2, 4])
    with pytest.raises(Refused) as caught:
        client_seal().seal(np.zeros(100, np.int64), "me", seeds, randomness)
    assert caught.value.rule == "missing-seed"


@pytest.mark.parametrize(
    ("length", "bound", "rule"),
    [(0, 50, "vector-length"), (100, -1, "coordinate-bound"), (100, 32_768, "field-overflow")],
)
def test_a_seal_for_the_impossible_is_refused(length: int, bound: int, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        client_seal(length, bound)
    assert caught.value.rule == rule


def test_the_same_seeds_do_not_seal_twice(randomness: SeededRandomness) -> None:
    seal, seeds = client_seal(), deal(COMMITTEE, randomness)
    seal.seal(np.zeros(100, np.int64), "me", seeds, randomness)
    with pytest.raises(Refused) as caught:
        seal.seal(np.ones(100, np.int64), "me", seeds, randomness)
    assert caught.value.rule == "seeds-used-twice"


def test_a_refused_vector_does_not_use_up_its_seeds(randomness: SeededRandomness) -> None:
    seal, seeds = client_seal(), deal(COMMITTEE, randomness)
    with pytest.raises(Refused):
        seal.seal(np.full(100, 51), "me", seeds, randomness)
    payload = seal.seal(np.full(100, 50), "me", seeds, randomness)
    assert np.array_equal(seal.open_own(payload, "me", seeds), np.full(100, 50))


def test_two_vectors_under_the_same_seeds_would_give_away_their_difference(
    randomness: SeededRandomness, numbers: np.random.Generator
) -> None:
    # Why seeds are used once (T14): whoever holds both payloads needs no key. Two objects stand for
    # a client that forgot what it had sealed.
    seeds = deal(COMMITTEE, randomness)
    vectors = [numbers.integers(-50, 51, 100) for _ in range(2)]
    first, second = (
        client_seal().seal(values, "me", seeds, randomness).payload for values in vectors
    )
    summing, ring = CkksSumming(PARAMETERS, 100), PARAMETERS.ring
    accumulator = summing.load_sum(first)
    for index in range(2):
        at = index * summing.chunk_bytes
        summing.subtract(accumulator, index, second[at : at + summing.chunk_bytes])
    coefficients = ring_of(ring.primes[0], ring.degree).inverse(accumulator)[0]
    wrapped = (coefficients + np.uint64(512)).astype(object) % ring.primes[0]
    difference = [int(word) >> 10 for word in wrapped[:100]]
    signed = [word - (ring.primes[0] >> 10) - 1 if word >> 49 else word for word in difference]
    leaked = np.array(signed) - (vectors[0] - vectors[1])
    assert np.abs(leaked).max() <= 1


def test_two_seals_of_one_vector_differ_everywhere(randomness: SeededRandomness) -> None:
    values, seeds = np.zeros(100, np.int64), deal(COMMITTEE, randomness)
    one, other = (client_seal().seal(values, "me", seeds, randomness).payload for _ in range(2))
    words = [CkksSumming(PARAMETERS, 100).load_sum(payload) for payload in (one, other)]
    assert np.mean(words[0] == words[1]) < 0.01


@pytest.mark.parametrize("content", ["zeros", "largest"])
def test_the_bytes_of_a_payload_look_uniform_whatever_is_sealed(
    randomness: SeededRandomness, chi_square_limit: Callable[[int], float], content: str
) -> None:
    length = 16 * PARAMETERS.values_per_chunk
    values = np.zeros(length, np.int64) if content == "zeros" else np.full(length, 50)
    seeds = deal(COMMITTEE, randomness)
    payload = client_seal(length).seal(values, "me", seeds, randomness).payload
    counts = np.bincount(np.frombuffer(payload, np.uint8), minlength=256)
    expected = len(payload) / 256
    # A 60-bit prime 2^14 below 2^60 leaves each byte uniform to within 2^-45.
    assert ((counts - expected) ** 2 / expected).sum() < chi_square_limit(255)
