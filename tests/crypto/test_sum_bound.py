"""The largest sum of a round, apart from its clients' largest values: fields and range gates.

Independent shares of noise do not add up to as many times their largest, so a noisy round has a
bound of its own (`round_bound`), for the whole cohort. The gate must let through whatever honest
clients come to, few or many, and nothing beyond.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.ckks.opening import CkksAggregatorSeal
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import Committee, deal
from blindsum_crypto.errors import Aborted, Refused
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.masking.opening import MaskingAggregatorSeal
from blindsum_crypto.masking.pairs import Agreements
from blindsum_crypto.masking.parameters import MaskingParameters
from blindsum_crypto.masking.releasing import MaskingCustodianSeal
from blindsum_crypto.masking.round import MaskingRound
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import AggregatorSeal, ClientSeal, Integers, SealedMember, sum_bound

ROUND_ID: Final = bytes(range(32))
COMMITTEE: Final = Committee(4, 2)
COHORT: Final = tuple(f"client-{index}" for index in range(6))
BITS: Final = 10
LARGEST: Final = 511
COORDINATE: Final = 150
ROUND: Final = 500
LENGTH: Final = 5

PARAMETERS: Final[Sequence[CkksParameters | MaskingParameters]] = (
    CkksParameters(10, BITS, 4),
    MaskingParameters(BITS),
)
Summed = Callable[[Mapping[str, Integers]], Integers]


@given(st.integers(1, 1_000), st.integers(0, 2**40), st.none() | st.integers(0, 2**50))
def test_the_bound_is_the_smaller_of_the_clients_and_the_rounds(
    clients: int, coordinate: int, round_bound: int | None
) -> None:
    bound = sum_bound(clients, coordinate, round_bound)

    assert bound <= clients * coordinate
    assert round_bound is None or bound <= round_bound
    assert bound in {clients * coordinate, round_bound}


@given(st.integers(1, 999), st.integers(0, 2**40), st.integers(0, 2**50))
def test_one_client_more_never_lowers_the_bound(
    clients: int, coordinate: int, round_bound: int
) -> None:
    assert sum_bound(clients, coordinate, round_bound) <= sum_bound(
        clients + 1, coordinate, round_bound
    )


@pytest.mark.parametrize("parameters", PARAMETERS, ids=["ckks", "masking"])
def test_a_field_holds_a_rounds_bound_to_its_last_integer(
    parameters: CkksParameters | MaskingParameters,
) -> None:
    parameters.check_sum(6, COORDINATE, LARGEST)
    parameters.check_sum(6, COORDINATE // 2, LARGEST + 1)  # six of 75 are 450

    with pytest.raises(Refused) as beyond:
        parameters.check_sum(6, COORDINATE, LARGEST + 1)
    with pytest.raises(Refused) as without:
        parameters.check_sum(6, COORDINATE)

    assert beyond.value.rule == without.value.rule == "field-overflow"


@pytest.mark.parametrize("parameters", PARAMETERS, ids=["ckks", "masking"])
def test_a_rounds_bound_does_not_let_a_client_beyond_its_own(
    parameters: CkksParameters | MaskingParameters,
) -> None:
    with pytest.raises(Refused) as caught:
        seals(parameters, LARGEST + 1)

    assert caught.value.rule == "field-overflow"


def seals(
    parameters: CkksParameters | MaskingParameters, coordinate: int, loose: int = 0
) -> Summed:
    """Whatever members seal, summed and opened behind a gate for these bounds.

    `loose` is what the clients' own seals allow beyond: a hostile client's allows what it likes.
    """
    drawn = SeededRandomness(b"sum bounds")
    seeds = {name: deal(COMMITTEE, drawn) for name in COHORT}
    clients, opener = halves(parameters, coordinate, coordinate + loose)

    def summed(vectors: Mapping[str, Integers]) -> Integers:
        total, members = opener.zero(), []
        for name, values in vectors.items():
            sealed = clients[name].seal(values, name, seeds[name], drawn)
            members.append(SealedMember(name, sealed.self_commitment, sealed.pair_table))
            size = opener.chunk_bytes
            for index, start in enumerate(range(0, len(sealed.payload), size)):
                opener.add(total, index, sealed.payload[start : start + size])
        custodian = (
            CkksCustodianSeal(parameters, ROUND_ID)
            if isinstance(parameters, CkksParameters)
            else MaskingCustodianSeal(ROUND_ID)
        )
        absent = [name for name in COHORT if name not in vectors]
        parts = {
            part: custodian.release(part, ((name, seeds[name][part]) for name in vectors), absent)
            for part in COMMITTEE.parts
        }
        return opener.open(total, members, parts)

    return summed


def halves(
    parameters: CkksParameters | MaskingParameters, coordinate: int, of_clients: int
) -> tuple[Mapping[str, ClientSeal], AggregatorSeal]:
    """Every client's half with its bound, and the aggregator's with the round's."""
    if isinstance(parameters, CkksParameters):
        client = CkksClientSeal(parameters, COMMITTEE, ROUND_ID, LENGTH, of_clients)
        opener = CkksAggregatorSeal(parameters, COMMITTEE, ROUND_ID, LENGTH, coordinate, ROUND)
        return dict.fromkeys(COHORT, client), opener
    keys = {name: AgreementKey.generate(SeededRandomness(name.encode())) for name in COHORT}
    public = {name: key.public for name, key in keys.items()}
    loose, strict = (
        MaskingRound(parameters, COMMITTEE, ROUND_ID, LENGTH, bound, COHORT, ROUND)
        for bound in (of_clients, coordinate)
    )
    clients = {
        name: MaskingClientSeal(loose, Agreements(name, key, public)) for name, key in keys.items()
    }
    return clients, MaskingAggregatorSeal(strict)


def spread(total: int, members: int) -> dict[str, Integers]:
    """Vectors of so many members with this sum at one place, as even as integers can be."""
    vectors = {name: np.zeros(LENGTH, np.int64) for name in COHORT[:members]}
    for index, values in enumerate(vectors.values()):
        values[2] = (total + index) // members
    assert sum(int(values[2]) for values in vectors.values()) == total
    return vectors


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("members", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("parameters", PARAMETERS, ids=["ckks", "masking"])
def test_the_gate_lets_through_what_these_members_can_come_to(
    parameters: CkksParameters | MaskingParameters, members: int, sign: int
) -> None:
    """Up to three members their own bounds count (450), from four on the round's (500 of 600)."""
    largest = min(members * COORDINATE, ROUND)

    opened = seals(parameters, COORDINATE)(spread(sign * largest, members))

    assert opened.tolist() == [0, 0, sign * largest, 0, 0]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("members", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("parameters", PARAMETERS, ids=["ckks", "masking"])
def test_the_gate_stops_one_beyond_whoever_sent_it(
    parameters: CkksParameters | MaskingParameters, members: int, sign: int
) -> None:
    largest = min(members * COORDINATE, ROUND)

    with pytest.raises(Aborted) as caught:
        seals(parameters, COORDINATE, loose=50)(spread(sign * (largest + 1), members))

    assert caught.value.rule == "range-gate"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("parameters", PARAMETERS, ids=["ckks", "masking"])
def test_a_sum_that_leaves_its_field_by_a_little_is_stopped_too(
    parameters: CkksParameters | MaskingParameters, sign: int
) -> None:
    """It wraps around to the other end of the field, and both ends lie beyond the bound.

    Under ckks it carries into the field beside it as well, here behind the vector's end. From
    1,024 - 500 on it would come back inside: honest noise reaches so far once in 2^40 rounds.
    """
    for total in (LARGEST, LARGEST + 1, LARGEST + 2, 2 * LARGEST + 1 - ROUND):
        with pytest.raises(Aborted) as caught:
            seals(parameters, COORDINATE, loose=50)(spread(sign * total, 6))
        assert caught.value.rule in {"range-gate", "padding-gate"}
