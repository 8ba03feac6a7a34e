"""The transform through TenSEAL, against plain Python integers."""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindsum_crypto.ckks import ring
from blindsum_crypto.ckks.modular import Words
from blindsum_crypto.ckks.parameters import RING_SETS
from blindsum_crypto.ckks.ring import BATCH, Ring, ring_of
from blindsum_crypto.errors import Refused, Unavailable

DEGREE = 4096
PRIMES = RING_SETS["A"].primes + RING_SETS["B"].primes


def smallest_root(prime: int) -> int:
    """The smallest primitive 2N-th root of unity, which is SEAL's choice."""
    exponent = (prime - 1) // (2 * DEGREE)
    candidates = (pow(base, exponent, prime) for base in range(2, 100))
    root = next(found for found in candidates if pow(found, DEGREE, prime) == prime - 1)
    square, odd_powers = root * root % prime, []
    for _ in range(DEGREE):
        odd_powers.append(root)
        root = root * square % prime
    return min(odd_powers)


def reversed_bits(number: int) -> int:
    return int(f"{number:012b}"[::-1], 2)


def evaluated(coefficients: list[int], point: int, prime: int) -> int:
    result = 0
    for coefficient in reversed(coefficients):
        result = (result * point + coefficient) % prime
    return result


def some_polynomials(numbers: np.random.Generator, prime: int, count: int) -> Words:
    return numbers.integers(0, prime, (count, DEGREE), dtype=np.uint64)


def product(left: Words, right: Words, prime: int) -> list[int]:
    """The product in Z_q[X]/(X^N + 1) of two polynomials, by way of the transform."""
    transform = ring_of(prime, DEGREE)
    one, other = transform.forward(np.stack([left, right])).tolist()
    pointwise = np.array([[x * y % prime for x, y in zip(one, other, strict=True)]], np.uint64)
    return [int(word) for word in transform.inverse(pointwise)[0]]


@pytest.mark.parametrize("prime", PRIMES)
def test_word_k_is_the_value_at_an_odd_power_of_the_root(
    numbers: np.random.Generator, prime: int
) -> None:
    polynomial = some_polynomials(numbers, prime, 1)
    transformed = ring_of(prime, DEGREE).forward(polynomial)[0]
    root = smallest_root(prime)
    for place in (0, 1, 2, 3, 1_000, 2_048, 4_094, 4_095):
        point = pow(root, 2 * reversed_bits(place) + 1, prime)
        assert int(transformed[place]) == evaluated(polynomial[0].tolist(), point, prime)


@pytest.mark.parametrize("prime", PRIMES)
def test_x_times_5_x_to_the_n_minus_1_is_minus_5(prime: int) -> None:
    x, power = np.zeros(DEGREE, np.uint64), np.zeros(DEGREE, np.uint64)
    x[1], power[DEGREE - 1] = 1, 5
    assert product(x, power, prime) == [prime - 5] + [0] * (DEGREE - 1)


@settings(max_examples=20)
@given(
    st.sampled_from(PRIMES),
    st.lists(st.tuples(st.integers(0, DEGREE - 1), st.integers(0, 2**52 - 2**20)), max_size=8),
    st.lists(st.tuples(st.integers(0, DEGREE - 1), st.integers(0, 2**52 - 2**20)), max_size=8),
)
def test_products_of_sparse_polynomials_are_those_of_plain_integers(
    prime: int, left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    one, other = np.zeros(DEGREE, np.uint64), np.zeros(DEGREE, np.uint64)
    for polynomial, terms in ((one, left), (other, right)):
        for place, value in terms:
            polynomial[place] = value
    plain = [0] * DEGREE
    for i, x in enumerate(one.tolist()):
        for j, y in enumerate(other.tolist()) if x else ():
            if y:
                wraps, place = divmod(i + j, DEGREE)
                plain[place] = (plain[place] + (-x * y if wraps else x * y)) % prime
    assert product(one, other, prime) == plain


@pytest.mark.parametrize("prime", PRIMES)
@pytest.mark.parametrize("count", [0, 1, 2, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 1])
def test_the_inverse_undoes_the_transform_for_any_number_of_polynomials(
    numbers: np.random.Generator, prime: int, count: int
) -> None:
    transform, polynomials = ring_of(prime, DEGREE), some_polynomials(numbers, prime, count)
    before = polynomials.copy()
    assert np.array_equal(transform.inverse(transform.forward(polynomials)), polynomials)
    assert np.array_equal(polynomials, before), "the argument is left as it was"


@pytest.mark.parametrize("count", [1, 2, BATCH])
def test_zeros_transform_to_zeros_although_seal_dislikes_them(count: int) -> None:
    transform = ring_of(PRIMES[0], DEGREE)
    zeros = np.zeros((count, DEGREE), np.uint64)
    assert not transform.forward(zeros).any()
    assert not transform.inverse(zeros).any()


def test_threads_share_a_ring_without_mixing_their_polynomials(
    numbers: np.random.Generator,
) -> None:
    transform = ring_of(PRIMES[0], DEGREE)
    inputs = [some_polynomials(numbers, PRIMES[0], 3) for _ in range(24)]
    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(lambda words: transform.inverse(transform.forward(words)), inputs))
    assert all(np.array_equal(a, b) for a, b in zip(inputs, outputs, strict=True))


def test_no_descriptor_is_left_open(numbers: np.random.Generator) -> None:
    transform, words = ring_of(PRIMES[0], DEGREE), some_polynomials(numbers, PRIMES[0], 2)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        transform.forward(words)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_ring_that_seal_holds_insecure_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        Ring(PRIMES[0], 1024)
    assert caught.value.rule == "ring-refused"


def test_without_files_in_memory_there_is_no_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(Unavailable) as caught:
        Ring(PRIMES[0], DEGREE)
    assert caught.value.rule == "memory-file"


@pytest.mark.parametrize("change", ["cut off", "another header"])
def test_a_stream_that_is_not_what_seal_writes_is_noticed(
    monkeypatch: pytest.MonkeyPatch, numbers: np.random.Generator, change: str
) -> None:
    genuine = ring._saved_body

    def changed(ciphertext: object, descriptor: int) -> np.ndarray:
        body = genuine(ciphertext, descriptor)
        return body[:-8] if change == "cut off" else np.concatenate([body[:1] ^ 1, body[1:]])

    monkeypatch.setattr(ring, "_saved_body", changed)
    with pytest.raises(Unavailable) as caught:
        ring_of(PRIMES[0], DEGREE).forward(some_polynomials(numbers, PRIMES[0], 2))
    assert caught.value.rule == "tenseal-stream"


def test_a_damaged_zstd_frame_is_noticed(
    monkeypatch: pytest.MonkeyPatch, numbers: np.random.Generator
) -> None:
    genuine = os.pread

    def damaged(descriptor: int, count: int, offset: int) -> bytes:
        return genuine(descriptor, count, offset)[:16] + bytes(count - 16)

    monkeypatch.setattr(os, "pread", damaged)
    with pytest.raises(Unavailable) as caught:
        ring_of(PRIMES[0], DEGREE).forward(some_polynomials(numbers, PRIMES[0], 2))
    assert caught.value.rule == "tenseal-stream"


def test_a_library_without_zstd_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    ring._zstd.cache_clear()
    with pytest.raises(Unavailable) as caught:
        ring._zstd()
    assert caught.value.rule == "tenseal-zstd"


def test_a_memory_file_that_takes_less_than_it_was_given_is_noticed(
    monkeypatch: pytest.MonkeyPatch, numbers: np.random.Generator
) -> None:
    monkeypatch.setattr(os, "pwritev", lambda *_: 100)
    with pytest.raises(Unavailable) as caught:
        ring_of(PRIMES[0], DEGREE).forward(some_polynomials(numbers, PRIMES[0], 2))
    assert caught.value.rule == "memory-file"
