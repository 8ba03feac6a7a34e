"""Both seals open the same integers exactly, for every set of survivors, whoever releases."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.crypto.masking.conftest import MaskRound, numbers_of

from blindsum_crypto.ckks import parameters as ckks
from blindsum_crypto.ckks.opening import CkksAggregatorSeal
from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import Refused
from blindsum_crypto.packing import largest_field
from blindsum_crypto.randomness import SeededRandomness

COMMITTEES = [(1, 1), (4, 2), (7, 3), (7, 4), (4, 1), (2, 2), (3, 2), (5, 5)]
Case = tuple[int, int, int, set[int], tuple[int, int], int]


@st.composite
def some_case(draw: st.DrawFn, most_bits: int = 64) -> Case:
    clients = draw(st.integers(1, 7))
    dropped = draw(st.sets(st.integers(0, clients - 1), max_size=clients - 1))
    value_bits = draw(st.integers(8, most_bits))
    length = draw(st.one_of(st.integers(1, 50), st.integers(65_500, 65_570)))
    return (
        value_bits,
        clients,
        length,
        dropped,
        draw(st.sampled_from(COMMITTEES)),
        draw(st.integers(0, 2**32)),
    )


@pytest.mark.slow
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(case=some_case())
def test_every_t_custodians_open_the_exact_sum_and_t_minus_one_are_refused(
    mask_round: MaskRound, case: Case
) -> None:
    value_bits, clients, length, dropped, (custodians, threshold), seed = case
    committee = Committee(custodians, threshold)
    bound = largest_field(value_bits) // clients
    vectors = numbers_of(clients, length, bound, seed)
    for name in vectors:
        vectors[name][: length // 2] = bound if seed % 2 else -bound  # the sum fills its bits
    masked = mask_round(value_bits, vectors, bound, committee, seed.to_bytes(8, "big"))
    members = [name for number, name in enumerate(sorted(vectors)) if number not in dropped]
    parts = masked.parts_of(members)

    for responders in combinations(range(custodians), threshold):
        held = {part for one in responders for part in committee.parts_of(one)}
        opened = masked.open(members, {part: parts[part] for part in held})
        assert np.array_equal(opened, masked.total(members))
    for responders in combinations(range(custodians), threshold - 1):
        held = {part for one in responders for part in committee.parts_of(one)}
        with pytest.raises(Refused) as caught:
            masked.open(members, {part: parts[part] for part in held})
        assert caught.value.rule == "missing-part"


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(case=some_case(most_bits=46))
def test_the_two_seals_open_the_same_integers(mask_round: MaskRound, case: Case) -> None:
    value_bits, clients, length, dropped, (custodians, threshold), seed = case
    committee = Committee(custodians, threshold)
    bound = largest_field(value_bits) // clients
    vectors = numbers_of(clients, length, bound, seed)
    masked = mask_round(value_bits, vectors, bound, committee, seed.to_bytes(8, "big"))
    members = [name for number, name in enumerate(sorted(vectors)) if number not in dropped]

    parameters = ckks.plan(length, clients, value_bits)
    round_id, drawn = masked.round_.round_id, SeededRandomness(b"the other seal")
    shape = (parameters, committee, round_id, length, bound)
    aggregator = CkksAggregatorSeal(*shape)
    accumulator = aggregator.zero()
    for name in members:
        # The same integers and the same seeds: labels keep the two seals' leaves apart.
        payload = (
            CkksClientSeal(*shape).seal(vectors[name], name, masked.seeds[name], drawn).payload
        )
        for index in range(len(payload) // aggregator.chunk_bytes):
            start = index * aggregator.chunk_bytes
            aggregator.add(accumulator, index, payload[start : start + aggregator.chunk_bytes])
    custodian = CkksCustodianSeal(parameters, round_id)
    parts = {
        part: custodian.release(part, [(name, masked.seeds[name][part]) for name in members], [])
        for part in committee.parts
    }

    through_ckks = aggregator.open(accumulator, masked.headers(members), parts)
    through_masking = masked.open(members)

    assert np.array_equal(through_ckks, through_masking)
    assert np.array_equal(through_masking, masked.total(members))


def test_a_hundred_clients_with_thirty_absent_open_exactly(mask_round: MaskRound) -> None:
    vectors = numbers_of(100, 20, 100)
    masked = mask_round(16, vectors, 100)
    members = sorted(vectors)[30:]
    assert np.array_equal(masked.open(members), masked.total(members))


@pytest.mark.parametrize("value_bits", [8, 15, 16, 17, 31, 32, 33, 63, 64])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_sum_that_fills_its_bits_comes_out_with_its_sign(
    mask_round: MaskRound, value_bits: int, sign: int
) -> None:
    bound = largest_field(value_bits) // 3
    vectors = {f"client-{number}": np.full(5, sign * bound, np.int64) for number in range(3)}
    assert (
        mask_round(value_bits, vectors, bound).open(sorted(vectors)).tolist()
        == [3 * sign * bound] * 5
    )
