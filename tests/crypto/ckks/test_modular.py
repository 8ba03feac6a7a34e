"""Arithmetic modulo a prime on arrays, against plain Python integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.ckks.modular import Multiplier, add, centred, residues, subtract
from blindsum_crypto.ckks.parameters import RING_SETS

PRIMES = RING_SETS["A"].primes + RING_SETS["B"].primes


@st.composite
def prime_and_words(draw: st.DrawFn) -> tuple[int, list[int], list[int]]:
    prime = draw(st.sampled_from(PRIMES))
    edges = st.sampled_from([0, 1, 2, prime // 2, prime // 2 + 1, prime - 2, prime - 1])
    word = st.one_of(st.integers(0, prime - 1), edges)
    pairs = draw(st.lists(st.tuples(word, word), min_size=1, max_size=20))
    return prime, [left for left, _ in pairs], [right for _, right in pairs]


@given(prime_and_words())
def test_sums_differences_and_products_are_those_of_plain_integers(
    case: tuple[int, list[int], list[int]],
) -> None:
    prime, left, right = case
    one, other = np.array(left, np.uint64), np.array(right, np.uint64)
    pairs = list(zip(left, right, strict=True))
    assert add(one, other, prime).tolist() == [(x + y) % prime for x, y in pairs]
    assert subtract(one, other, prime).tolist() == [(x - y) % prime for x, y in pairs]
    product = Multiplier.of(other, prime).multiply(one)
    assert product.tolist() == [x * y % prime for x, y in pairs]


@given(st.sampled_from(PRIMES), st.integers(0, 2**64 - 1), st.data())
def test_a_product_is_exact_for_every_64_bit_word(
    prime: int, word: int, data: st.DataObject
) -> None:
    factor = data.draw(st.integers(0, prime - 1))
    multiplier = Multiplier.of(np.array([factor], np.uint64), prime)
    assert multiplier.multiply(np.array([word], np.uint64)).tolist() == [word * factor % prime]
    assert multiplier.quotient.tolist() == [(factor << 64) // prime]


@given(st.sampled_from(PRIMES), st.data())
def test_signed_integers_become_residues_and_come_back(prime: int, data: st.DataObject) -> None:
    half = prime // 2
    values = data.draw(st.lists(st.integers(-half, half), min_size=1, max_size=20))
    words = residues(np.array(values, np.int64), prime)
    assert words.tolist() == [value % prime for value in values]
    assert centred(words, prime).tolist() == values


@pytest.mark.parametrize("prime", PRIMES)
def test_the_repr_of_a_multiplier_hides_its_factor(prime: int) -> None:
    multiplier = Multiplier.of(np.array([prime - 5], np.uint64), prime)
    assert str(prime - 5) not in repr(multiplier)
