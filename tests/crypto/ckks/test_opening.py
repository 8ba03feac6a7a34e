"""The opening: every gate tripped by something crafted, every missing or false part by name."""

from types import SimpleNamespace

import numpy as np
import pytest

from blindsum_crypto.ckks.coefficients import encode, fields_of
from blindsum_crypto.ckks.keys import add_key, decode_key, encode_key, sum_of_leaves, zero_key
from blindsum_crypto.ckks.modular import Multiplier, add
from blindsum_crypto.ckks.opening import CkksAggregatorSeal, Opening
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.ckks.reference import reference
from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.ckks.ring import ring_of
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import Committee, deal
from blindsum_crypto.errors import Aborted, Refused, Rejected
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import SealedMember

MEMBER = SealedMember("client")  # of a member this seal asks nothing but its number

COMMITTEE = Committee(4, 2)
ROUND_ID = bytes(range(32))
GATES = ("residual-gate", "padding-gate", "range-gate")


def opened(case: SimpleNamespace, members: list[str], parts: dict[int, bytes]) -> np.ndarray:
    result: np.ndarray = case.aggregator_seal.open(
        case.sum_of(members), [MEMBER] * len(members), parts
    )
    return result


def test_the_sum_opens_exactly(small_round: SimpleNamespace) -> None:
    members = small_round.members
    values = opened(small_round, members, small_round.parts_of(members))
    assert values.dtype == np.int64
    assert np.array_equal(values, small_round.total)


def test_a_missing_part_is_refused_by_name(small_round: SimpleNamespace) -> None:
    for part in COMMITTEE.parts:
        parts = small_round.parts_of(small_round.members)
        del parts[part]
        with pytest.raises(Refused) as caught:
            opened(small_round, small_round.members, parts)
        assert caught.value.rule == "missing-part"
        assert str([part]) in str(caught.value)


def test_a_part_of_no_member_of_the_committee_is_refused(small_round: SimpleNamespace) -> None:
    parts = small_round.parts_of(small_round.members)
    with pytest.raises(Refused) as caught:
        opened(small_round, small_round.members, {**parts, 3: parts[1]})
    assert caught.value.rule == "unknown-part"


def test_a_false_part_trips_the_residual_gate(small_round: SimpleNamespace) -> None:
    parts = small_round.parts_of(small_round.members)
    false = encode_key(
        sum_of_leaves([b"x" * 32], small_round.parameters.ring), small_round.parameters.ring
    )
    for part in COMMITTEE.parts:
        with pytest.raises(Aborted) as caught:
            opened(small_round, small_round.members, {**parts, part: false})
        assert caught.value.rule == "residual-gate"


def test_parts_for_another_set_trip_the_residual_gate(small_round: SimpleNamespace) -> None:
    everybody, fewer = small_round.members, small_round.members[:-1]
    with pytest.raises(Aborted) as caught:
        opened(small_round, everybody, small_round.parts_of(fewer))
    assert caught.value.rule == "residual-gate"
    with pytest.raises(Aborted) as caught:
        opened(small_round, fewer, small_round.parts_of(everybody))
    assert caught.value.rule == "residual-gate"


@pytest.mark.parametrize("byte", [0, 30_719, 30_720, 61_439])
def test_one_flipped_bit_of_one_payload_trips_the_residual_gate(
    small_round: SimpleNamespace, byte: int
) -> None:
    members = small_round.members
    damaged = bytearray(small_round.payloads[members[1]])
    damaged[byte] ^= 1
    small_round.payloads[members[1]] = bytes(damaged)
    with pytest.raises(Aborted) as caught:
        opened(small_round, members, small_round.parts_of(members))
    assert caught.value.rule == "residual-gate"


def test_a_payload_of_another_round_trips_the_residual_gate(small_round: SimpleNamespace) -> None:
    members = small_round.members
    other = CkksClientSeal(small_round.parameters, COMMITTEE, b"x" * 32, 13_000, 100)
    small_round.payloads[members[0]] = other.seal(
        np.zeros(13_000, np.int64),
        members[0],
        small_round.seeds[members[0]],
        small_round.randomness,
    ).payload
    with pytest.raises(Aborted) as caught:
        opened(small_round, members, small_round.parts_of(members))
    assert caught.value.rule == "residual-gate"


def crafted(
    errors: int, scale_bits: int = 10
) -> tuple[CkksAggregatorSeal, np.ndarray, dict[int, bytes]]:
    """A sum of one member whose error is this large in one coefficient of its second chunk."""
    parameters = CkksParameters(scale_bits, 16, 3)
    ring, committee = parameters.ring, Committee(1, 1)
    part = CkksCustodianSeal(parameters, ROUND_ID).release(0, [("me", b"s" * 32)], [])
    noise = np.zeros((2, ring.degree), np.int64)
    noise[1, 4_000] = errors
    fields = fields_of(np.ones(24_000, np.int64), range(2), parameters)
    sealed = ring_of(ring.primes[0], ring.degree).forward(
        encode(fields, noise, ring.primes[0], parameters)
    )
    key = Multiplier.of(decode_key(part, ring)[0], ring.primes[0])
    for chunk, row in enumerate(sealed):
        mask = key.multiply(reference(ROUND_ID, chunk, ring.primes[0], ring))
        row[:] = add(row, ring.primes[0] - mask, ring.primes[0])
    seal = CkksAggregatorSeal(parameters, committee, ROUND_ID, 24_000, 10)
    return seal, sealed, {0: part}


@pytest.mark.parametrize("errors", [0, 1, -1, 255, -255])
def test_errors_below_a_quarter_of_delta_pass(errors: int) -> None:
    seal, accumulator, parts = crafted(errors)
    assert np.array_equal(seal.open(accumulator, [MEMBER] * 1, parts), np.ones(24_000))


@pytest.mark.parametrize("errors", [256, -256, 300, 512, -512, 700])
def test_an_error_of_a_quarter_of_delta_trips_the_residual_gate(errors: int) -> None:
    # Also where rounding would still find the right integer: the gate has a margin of its own.
    seal, accumulator, parts = crafted(errors)
    with pytest.raises(Aborted) as caught:
        seal.open(accumulator, [MEMBER] * 1, parts)
    assert caught.value.rule == "residual-gate"


def sealed_by(
    parameters: CkksParameters, values: np.ndarray, bound: int
) -> tuple[np.ndarray, dict[int, bytes], CkksAggregatorSeal]:
    """One client's payload as a sum of one, with its parts and an aggregator of its own length."""
    randomness = SeededRandomness(b"crafted")
    seeds = deal(COMMITTEE, randomness)
    payload = (
        CkksClientSeal(parameters, COMMITTEE, ROUND_ID, values.size, bound)
        .seal(values, "me", seeds, randomness)
        .payload
    )
    seal = CkksAggregatorSeal(parameters, COMMITTEE, ROUND_ID, values.size, bound)
    custodian = CkksCustodianSeal(parameters, ROUND_ID)
    parts = {part: custodian.release(part, [("me", seeds[part])], []) for part in COMMITTEE.parts}
    return seal.load_sum(payload), parts, seal


@pytest.mark.parametrize(
    "parameters", [CkksParameters(10, 16, 3), CkksParameters(10, 30, 3, "B")], ids=str
)
def test_a_value_behind_the_vectors_end_trips_the_padding_gate(parameters: CkksParameters) -> None:
    values = np.zeros(101, np.int64)
    values[100] = 1
    accumulator, parts, longer = sealed_by(parameters, values, 10)
    assert np.array_equal(longer.open(accumulator, [MEMBER] * 1, parts), values)
    seal = CkksAggregatorSeal(parameters, COMMITTEE, ROUND_ID, 100, 10)
    with pytest.raises(Aborted) as caught:
        seal.open(accumulator, [MEMBER] * 1, parts)
    assert caught.value.rule == "padding-gate"


def test_a_value_in_the_check_chunk_trips_the_padding_gate() -> None:
    parameters = CkksParameters(10, 16, 3)
    values = np.zeros(parameters.values_per_chunk + 1, np.int64)
    values[-1] = -7
    accumulator, parts, _ = sealed_by(parameters, values, 10)
    seal = CkksAggregatorSeal(parameters, COMMITTEE, ROUND_ID, parameters.values_per_chunk, 10)
    with pytest.raises(Aborted) as caught:
        seal.open(accumulator, [MEMBER] * 1, parts)
    assert caught.value.rule == "padding-gate"


@pytest.mark.parametrize("value", [11, -11, 32_767, -32_767])
@pytest.mark.parametrize(
    "parameters", [CkksParameters(10, 16, 3), CkksParameters(10, 30, 3, "B")], ids=str
)
def test_a_sum_beyond_members_times_the_bound_trips_the_range_gate(
    parameters: CkksParameters, value: int
) -> None:
    values = np.zeros(13_000, np.int64)
    values[12_999] = value
    accumulator, parts, wider = sealed_by(parameters, values, 32_767)
    assert np.array_equal(wider.open(accumulator, [MEMBER] * 1, parts), values)
    seal = CkksAggregatorSeal(parameters, COMMITTEE, ROUND_ID, 13_000, 10)
    with pytest.raises(Aborted) as caught:
        seal.open(accumulator, [MEMBER] * 1, parts)
    assert caught.value.rule == "range-gate"


def test_a_word_that_its_fields_do_not_fill_trips_the_range_gate() -> None:
    values = np.zeros(3 * 4_096, np.int64)
    values[-1] = 1  # the third field of a coefficient
    accumulator, parts, _ = sealed_by(CkksParameters(10, 16, 3), values, 10)
    seal = CkksAggregatorSeal(CkksParameters(10, 16, 2), COMMITTEE, ROUND_ID, 2 * 4_096, 10)
    with pytest.raises(Aborted) as caught:
        seal.open(accumulator, [MEMBER] * 1, parts)
    assert caught.value.rule == "range-gate"


@pytest.mark.parametrize(
    ("members", "bound", "rule"),
    [(0, 10, "client-count"), (80, 10, "scale-too-small"), (4, 10_000, "field-overflow")],
)
def test_members_that_the_parameters_cannot_carry_are_refused(
    members: int, bound: int, rule: str
) -> None:
    parameters = CkksParameters(10, 16, 3)
    seal = CkksAggregatorSeal(parameters, COMMITTEE, ROUND_ID, 100, bound)
    with pytest.raises(Refused) as caught:
        seal.open(seal.zero(), [MEMBER] * members, {})
    assert caught.value.rule == rule


def test_a_malformed_part_or_accumulator_is_turned_away(small_round: SimpleNamespace) -> None:
    parts = small_round.parts_of(small_round.members)
    with pytest.raises(Rejected) as rejected:
        opened(small_round, small_round.members, {**parts, 1: parts[1][:-1]})
    assert rejected.value.rule == "part-length"
    with pytest.raises(Rejected) as rejected:
        opened(small_round, small_round.members, {**parts, 1: b"\xff" * 30_720})
    assert rejected.value.rule == "word-out-of-range"
    with pytest.raises(Refused) as refused:
        small_round.aggregator_seal.open(np.zeros((1, 4096), np.uint64), [MEMBER] * 3, parts)
    assert refused.value.rule == "accumulator-shape"


def test_a_custodians_shift_of_one_chunk_is_caught_by_the_check_chunk() -> None:
    # T13: add NTT(Delta * v) / a_0 to a part, and chunk 0 opens to the sum plus v.
    parameters = CkksParameters(10, 16, 3)
    ring = parameters.ring
    (prime,) = ring.primes
    values = np.arange(100) - 50
    accumulator, parts, seal = sealed_by(parameters, values, 50)
    shift = np.zeros(100, np.int64)
    shift[3] = 5
    fields = fields_of(shift, range(1), parameters)
    encoded = encode(fields, np.zeros((1, ring.degree), np.int64), prime, parameters)
    wanted = ring_of(prime, ring.degree).forward(encoded)[0].tolist()
    a_0 = reference(ROUND_ID, 0, prime, ring).tolist()
    delta = [w * pow(a, -1, prime) % prime for w, a in zip(wanted, a_0, strict=True)]
    shifted = decode_key(parts[1], ring)
    shifted[0] = add(shifted[0], np.array(delta, np.uint64), prime)
    false_parts = {**parts, 1: encode_key(shifted, ring)}

    with pytest.raises(Aborted) as caught:
        seal.open(accumulator, [MEMBER] * 1, false_parts)
    assert caught.value.rule == "residual-gate"

    # The control, with the check chunk off: the first chunk alone opens, wrongly and in silence.
    key = zero_key(ring)
    for part in false_parts.values():
        add_key(key, decode_key(part, ring), ring)
    alone = Opening(parameters, ROUND_ID, 100, 55).open(accumulator[:1], key)
    assert np.array_equal(alone, values + shift)


def test_an_abort_says_the_gate_and_no_number_of_the_vector(small_round: SimpleNamespace) -> None:
    # T20: neither residuals nor values leave the opener, so all aborts of one gate read the same.
    messages = set()
    parts = small_round.parts_of(small_round.members)
    for number in range(5):
        leaf = bytes([number]) * 32
        ring = small_round.parameters.ring
        false = encode_key(sum_of_leaves([leaf], ring), ring)
        with pytest.raises(Aborted) as caught:
            opened(small_round, small_round.members, {**parts, 2: false})
        messages.add(str(caught.value))
        assert caught.value.rule in GATES
    assert len(messages) == 1
    assert not any(character.isdigit() for character in messages.pop())
