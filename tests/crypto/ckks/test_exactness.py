"""The property of properties: any t custodians open the integer sum exactly, any t-1 cannot."""

from collections.abc import Callable
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blindsum_crypto.ckks.parameters import CkksParameters, plan
from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import Refused
from blindsum_crypto.seal import SealedMember

MEMBER = SealedMember("client")  # of a member this seal asks nothing but its number

COMMITTEES = [(1, 1), (4, 2), (7, 3), (7, 4), (4, 1), (2, 2), (3, 2), (5, 5)]


@st.composite
def some_case(draw: st.DrawFn) -> tuple[CkksParameters, Committee, int, int, set[int], int]:
    clients = draw(st.integers(1, 6))
    dropped = draw(st.sets(st.integers(0, clients - 1), max_size=clients - 1))
    field_bits = draw(st.integers(5, 40))
    set_name = draw(st.sampled_from("AB"))
    length = draw(st.one_of(st.integers(1, 50), st.integers(1, 60_000)))
    parameters = plan(length, clients, field_bits, set_name)
    committee = Committee(*draw(st.sampled_from(COMMITTEES)))
    return parameters, committee, length, clients, dropped, draw(st.integers(0, 2**32))


@pytest.mark.slow
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(case=some_case())
def test_every_t_custodians_open_the_exact_sum_and_t_minus_one_are_refused(
    seal_round: Callable[..., SimpleNamespace],
    case: tuple[CkksParameters, Committee, int, int, set[int], int],
) -> None:
    parameters, committee, length, clients, dropped, seed = case
    bound = parameters.largest_sum() // clients
    numbers = np.random.default_rng(seed)
    vectors = {
        f"client-{number}": np.where(
            numbers.random(length) < 0.1,
            numbers.choice([-bound, bound], length),
            numbers.integers(-bound, bound, length, endpoint=True),
        )
        for number in range(clients)
    }
    sealed = seal_round(parameters, committee, vectors, bound, seed.to_bytes(8, "big"))
    members = [name for number, name in enumerate(vectors) if number not in dropped]
    total = sum(vectors[name] for name in members)
    accumulator = sealed.sum_of(members)

    released = [
        {
            part: sealed.custodian_seal.release(
                part, [(name, sealed.seeds[name][part]) for name in members], []
            )
            for part in committee.parts_of(custodian)
        }
        for custodian in range(committee.custodians)
    ]
    for responders in combinations(range(committee.custodians), committee.threshold):
        parts = {part: answer for one in responders for part, answer in released[one].items()}
        assert all(parts[p] == released[one][p] for one in responders for p in released[one])
        assert np.array_equal(
            sealed.aggregator_seal.open(accumulator, [MEMBER] * len(members), parts), total
        )
    for responders in combinations(range(committee.custodians), committee.threshold - 1):
        parts = {part: answer for one in responders for part, answer in released[one].items()}
        with pytest.raises(Refused) as caught:
            sealed.aggregator_seal.open(accumulator, [MEMBER] * len(members), parts)
        assert caught.value.rule == "missing-part"
        assert str(list(committee.missing(responders))) in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(("clients", "scale_bits"), [(79, 10), (318, 11)])
def test_the_most_clients_that_a_scale_permits_sum_exactly_at_their_largest_values(
    seal_round: Callable[..., SimpleNamespace], clients: int, scale_bits: int
) -> None:
    parameters = CkksParameters(scale_bits, 16, 3)
    assert parameters.most_clients() == clients
    bound = parameters.largest_sum() // clients
    numbers = np.random.default_rng(clients)
    signs = numbers.choice([-1, 1], 24_576)
    vectors = {f"client-{number}": bound * signs for number in range(clients)}
    sealed = seal_round(parameters, Committee(1, 1), vectors, bound)
    accumulator, parts = sealed.sum_of(sealed.members), sealed.parts_of(sealed.members)
    opened = sealed.aggregator_seal.open(accumulator, [MEMBER] * clients, parts)
    assert np.array_equal(opened, clients * bound * signs)
