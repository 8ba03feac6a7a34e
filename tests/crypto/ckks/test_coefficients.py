"""Integers into coefficients and back, against plain Python integers, for both rings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blindsum_crypto.ckks.coefficients import decode, encode, fields_of, values_of
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.ckks.wide import recompose
from blindsum_crypto.errors import Refused

SHAPES = [
    CkksParameters(12, 16, 3),
    CkksParameters(8, 8, 6),
    CkksParameters(12, 47, 1),
    CkksParameters(12, 30, 3, "B"),
    CkksParameters(8, 46, 2, "B"),
    CkksParameters(8, 62, 1, "B"),
    CkksParameters(12, 8, 11, "B"),
]
DEGREE = 4096


def some_values(parameters: CkksParameters, seed: int, length: int) -> np.ndarray:
    numbers = np.random.default_rng(seed)
    largest = parameters.largest_sum()
    values = numbers.integers(-largest, largest, length, endpoint=True)
    edges = numbers.choice([-largest, largest, 0, 1, -1], length)
    return np.where(numbers.random(length) < 0.5, values, edges)


def plain_word(column: list[int], parameters: CkksParameters, error: int) -> int:
    width = parameters.field_bits
    word = sum(value << width * index for index, value in enumerate(column))
    return (word << parameters.scale_bits) + error


@pytest.mark.parametrize("parameters", SHAPES, ids=str)
def test_encoding_is_delta_times_the_word_plus_the_error(parameters: CkksParameters) -> None:
    fields = fields_of(some_values(parameters, 1, 100_000), range(2), parameters)
    errors = np.random.default_rng(2).integers(-21, 22, (2, DEGREE))
    for prime in parameters.ring.primes:
        encoded = encode(fields, errors, prime, parameters)
        for chunk, place in ((0, 0), (0, 4_095), (1, 17), (1, 2_000)):
            column = fields[:, chunk, place].tolist()
            plain = plain_word(column, parameters, int(errors[chunk, place]))
            assert int(encoded[chunk, place]) == plain % prime


@settings(max_examples=30)
@given(st.sampled_from(SHAPES), st.integers(0, 2**32), st.integers(1, 30_000))
def test_decoding_undoes_encoding_under_any_error_below_the_gate(
    parameters: CkksParameters, seed: int, length: int
) -> None:
    values = some_values(parameters, seed, length)
    chunks = range(parameters.chunks(length))
    fields = fields_of(values, chunks, parameters)
    gate = (1 << parameters.scale_bits) // 4
    errors = np.random.default_rng(seed).integers(-gate + 1, gate, (len(chunks), DEGREE))
    errors[0, 0] = gate - 1
    coefficients = [encode(fields, errors, prime, parameters) for prime in parameters.ring.primes]
    decoded = decode(coefficients, parameters)
    opened = values_of(decoded.fields)
    assert np.array_equal(opened[:length], values)
    assert not opened[length:].any()
    assert not decoded.rest.any()
    assert decoded.largest_residual == gate - 1


@pytest.mark.parametrize("parameters", SHAPES, ids=str)
def test_whatever_the_coefficients_are_decoding_is_that_of_plain_integers(
    parameters: CkksParameters,
) -> None:
    # Also for garbage: this is what the gates look at.
    numbers = np.random.default_rng(5)
    primes = parameters.ring.primes
    coefficients = [numbers.integers(0, prime, (1, DEGREE), dtype=np.uint64) for prime in primes]
    modulus, width = parameters.ring.modulus, parameters.field_bits
    for place, residue in enumerate((0, 1, modulus // 2, modulus // 2 + 1, modulus - 1)):
        for words, prime in zip(coefficients, primes, strict=True):
            words[0, place] = residue % prime
    decoded = decode(coefficients, parameters)
    residuals = []
    for place in range(DEGREE):
        pairs = [(int(words[0, place]), q) for words, q in zip(coefficients, primes, strict=True)]
        plain = sum(r * (modulus // q) * pow(modulus // q, -1, q) for r, q in pairs) % modulus
        plain -= modulus if plain > modulus // 2 else 0
        word = (plain + (1 << parameters.scale_bits) // 2) >> parameters.scale_bits
        residuals.append(abs(plain - (word << parameters.scale_bits)))
        for index in range(parameters.fields):
            field = (word + (1 << (width - 1))) % (1 << width) - (1 << (width - 1))
            assert int(decoded.fields[index, 0, place]) == field
            word = (word - field) >> width
        assert bool(decoded.rest[0, place]) == bool(word)
    assert decoded.largest_residual == max(residuals)


def test_two_residues_recompose_to_the_integer_nearest_to_zero() -> None:
    primes = CkksParameters(12, 30, 3, "B").ring.primes
    modulus = primes[0] * primes[1]
    integers = [0, 1, -1, modulus // 2, -(modulus // 2), 1 << 70, -(1 << 70), (1 << 64) - 1]
    high, low = recompose(
        [np.array([value % prime for value in integers], np.uint64) for prime in primes], primes
    )
    wide = [int(h) << 64 | int(w) for h, w in zip(high, low, strict=True)]
    assert [value - (1 << 128) * (value >> 127) for value in wide] == integers


@pytest.mark.parametrize(
    "parameters", [CkksParameters(12, 16, 3), CkksParameters(12, 23, 2)], ids=str
)
def test_fields_are_contiguous_runs_of_the_vector(parameters: CkksParameters) -> None:
    values = np.arange(1, 2 * parameters.values_per_chunk)
    fields = fields_of(values, range(2), parameters)
    assert fields.shape == (parameters.fields, 2, DEGREE)
    assert fields[0, 0].tolist() == list(range(1, DEGREE + 1))
    assert int(fields[0, 1, 0]) == parameters.values_per_chunk + 1
    assert int(fields[-1, 1, -1]) == 0
    assert np.array_equal(values_of(fields)[: values.size], values)


def test_a_field_beyond_its_width_is_refused() -> None:
    parameters = CkksParameters(12, 16, 3)
    fields = np.full((3, 1, DEGREE), 32_768)
    with pytest.raises(Refused) as caught:
        encode(fields, np.zeros((1, DEGREE), np.int64), parameters.ring.primes[0], parameters)
    assert caught.value.rule == "field-range"
