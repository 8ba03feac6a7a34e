"""Parameters: the tables of the reference out of the exact tail, and what an allow-list refuses."""

from fractions import Fraction
from math import comb, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.ckks.parameters import (
    RING_SETS,
    CkksParameters,
    gate_trip_log2,
    plan,
    ring_set,
)
from blindsum_crypto.errors import Refused

WIDTHS = (8, 12, 16, 18, 20, 23, 24, 29, 30, 32, 46)
BYTES_A = (1.25, 1.88, 2.5, 3.75, 3.75, 3.75, 3.75, 7.5, 7.5, 7.5, 7.5)
BYTES_B = (1.18, 1.86, 2.6, 2.6, 3.25, 3.25, 4.33, 4.33, 4.33, 6.5, 13.0)


def exact_gate_trip(clients: int, scale_bits: int) -> Fraction:
    """2^20 times the exact probability that |Binomial(42 K, 1/2) - 21 K| reaches Delta/4."""
    flips, first = 42 * clients, 21 * clients + 2**scale_bits // 4
    term = comb(flips, first) if first <= flips else 0
    total = 0
    for number in range(first, flips + 1):
        total += term
        term = term * (flips - number) // (number + 1)
    return Fraction(2 * total * 2**20, 2**flips)


@pytest.mark.parametrize(
    ("clients", "scale_bits"),
    [
        *[(clients, 8) for clients in (2, 3, 4)],
        (10, 9),
        *[(clients, 10) for clients in (30, 64)],
        *[(clients, 11) for clients in (100, 300)],
        *[(clients, 12) for clients in (500, 1_000)],
        (3_000, 13),
        (10_000, 14),
        (30_000, 15),
        (100_000, 16),
    ],
)
def test_the_scale_is_the_one_of_the_table(clients: int, scale_bits: int) -> None:
    assert plan(1_000, clients, 8).scale_bits == scale_bits


@pytest.mark.parametrize("clients", [1, 2, 4, 5, 6, 10, 20, 21, 64, 79, 80, 100, 300, 318, 319])
def test_the_bound_on_the_tail_is_never_below_it_and_never_far_above(clients: int) -> None:
    scale_bits = plan(1, clients, 8).scale_bits
    for bits in (scale_bits - 1, scale_bits):
        exact = exact_gate_trip(clients, bits)
        bound = gate_trip_log2(clients, bits)
        if not exact:
            assert bound == float("-inf")
        else:
            below = log2(exact.numerator) - log2(exact.denominator)
            assert below - 1e-6 <= bound <= below + 0.5


@pytest.mark.parametrize("clients", [1, 3, 5, 6, 20, 21, 79, 80, 318, 319])
def test_the_scale_is_the_smallest_whose_exact_tail_is_rare_enough(clients: int) -> None:
    scale_bits = plan(1, clients, 8).scale_bits
    assert exact_gate_trip(clients, scale_bits) <= Fraction(1, 2**40)
    if scale_bits > 7:
        assert exact_gate_trip(clients, scale_bits - 1) > Fraction(1, 2**40)


def test_delta_2_to_the_11_at_a_thousand_clients_would_trip_in_half_of_the_rounds() -> None:
    assert 0.3 < float(exact_gate_trip(1_000, 11)) < 1.2


@pytest.mark.parametrize(("width", "size"), [*zip(WIDTHS, BYTES_A, strict=True)])
def test_set_a_takes_the_bytes_of_the_table(width: int, size: float) -> None:
    assert round(60 / 8 / plan(1, 1_000, width).fields, 2) == size


@pytest.mark.parametrize(("width", "size"), [*zip(WIDTHS, BYTES_B, strict=True)])
def test_set_b_takes_the_bytes_of_the_table(width: int, size: float) -> None:
    # Save for 46 bits: both primes lie 2^17.8 below 2^52, so q/2 is short of two such fields by
    # about 2^68.9, and the table's 6.5 bytes would let the largest sums wrap.
    assert round(104 / 8 / plan(1, 1_000, width, "B").fields, 2) == size


@given(st.sampled_from("AB"), st.integers(7, 20), st.integers(2, 62))
def test_the_largest_word_stays_below_half_the_modulus_and_one_field_more_would_not(
    name: str, scale_bits: int, width: int
) -> None:
    modulus = RING_SETS[name].modulus

    def fits(fields: int) -> bool:
        largest = sum((2 ** (width - 1) - 1) << width * index for index in range(fields))
        return bool(largest * 2**scale_bits + Fraction(2**scale_bits, 4) < Fraction(modulus, 2))

    most = max((fields for fields in range(60) if fits(fields)), default=0)
    with pytest.raises(Refused) as caught:
        CkksParameters(scale_bits, width, most + 1, name)
    assert caught.value.rule == "capacity"
    if most:
        assert CkksParameters(scale_bits, width, most, name).fields == most


def test_the_allow_list_holds_what_was_estimated() -> None:
    a, b = RING_SETS["A"], RING_SETS["B"]
    assert (a.degree, a.modulus.bit_length(), a.security_bits) == (4096, 60, 246.0)
    assert (b.degree, b.modulus.bit_length(), b.security_bits) == (4096, 104, 132.9)
    assert sorted(RING_SETS) == ["A", "B"]
    for ring in (a, b):
        assert all(prime % (2 * ring.degree) == 1 for prime in ring.primes)
        assert all(prime.bit_length() == ring.word_bits for prime in ring.primes)
        assert all(pow(3, prime - 1, prime) == 1 for prime in ring.primes)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((12, 16, 3, "C"), "unknown-ring-set"),
        ((6, 16, 3, "A"), "scale-bits"),
        ((25, 16, 1, "A"), "scale-bits"),
        ((12, 1, 3, "A"), "field-bits"),
        ((12, 63, 1, "B"), "field-bits"),
        ((12, 16, 0, "A"), "capacity"),
        ((12, 16, 4, "A"), "capacity"),
        ((12, 48, 1, "A"), "capacity"),
    ],
)
def test_parameters_outside_the_list_are_refused(
    arguments: tuple[int, int, int, str], rule: str
) -> None:
    with pytest.raises(Refused) as caught:
        CkksParameters(*arguments)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((0, 10, 16), "vector-length"),
        ((10, 0, 16), "client-count"),
        ((10, 2**20 + 1, 16), "client-count"),
        ((10, 10, 60), "capacity"),
        ((10, 10, 1), "field-bits"),
        ((10, 10, 16, "D"), "unknown-ring-set"),
    ],
)
def test_a_plan_for_the_impossible_is_refused(arguments: tuple[int, int, int], rule: str) -> None:
    with pytest.raises(Refused) as caught:
        plan(*arguments)
    assert caught.value.rule == rule


def test_an_unknown_set_has_no_ring() -> None:
    with pytest.raises(Refused) as caught:
        ring_set("a")
    assert caught.value.rule == "unknown-ring-set"


def test_a_vector_takes_two_chunks_at_least() -> None:
    parameters = CkksParameters(12, 16, 3)
    assert parameters.values_per_chunk == 12_288
    lengths = (1, 12_288, 12_289, 24_576, 24_577)
    assert [parameters.chunks(length) for length in lengths] == [2, 2, 2, 2, 3]
    assert parameters.payload_bytes(24_577) == 3 * 30_720
    assert CkksParameters(12, 30, 3, "B").chunk_bytes == 53_248


def test_the_largest_sum_is_the_symmetric_field() -> None:
    assert CkksParameters(12, 16, 3).largest_sum() == 32_767


@pytest.mark.parametrize(
    ("clients", "bound", "rule"),
    [
        (0, 1, "client-count"),
        (1, -1, "coordinate-bound"),
        (1_274, 1, "scale-too-small"),
        (1_000, 33, "field-overflow"),
    ],
)
def test_more_clients_or_larger_values_than_fit_are_refused(
    clients: int, bound: int, rule: str
) -> None:
    with pytest.raises(Refused) as caught:
        CkksParameters(12, 16, 3).check_sum(clients, bound)
    assert caught.value.rule == rule


def test_what_just_fits_is_allowed() -> None:
    parameters = CkksParameters(12, 16, 3)
    assert parameters.most_clients() == 1_273
    parameters.check_sum(1_273, 25)
    parameters.check_sum(1_000, 32)
