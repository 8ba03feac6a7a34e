"""Custody: any t custodians hold every part, any t-1 miss at least one; seeds, leaves, wraps."""

import hashlib
import hmac
from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.custody import (
    Committee,
    CustodySeeds,
    check_seed,
    commitment,
    deal,
    decode_seeds,
    encode_seeds,
    leaf,
    wrap_info,
)
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.primitives import length_prefixed
from blindsum_crypto.randomness import SeededRandomness

ROUND_ID = bytes(range(32))
EVERY_COMMITTEE = [
    (custodians, threshold)
    for custodians in range(1, 36)
    for threshold in range(1, custodians + 1)
    if comb(custodians, threshold - 1) <= 35
]


@pytest.mark.parametrize(
    ("custodians", "threshold", "parts"),
    [(1, 1, 1), (4, 2, 4), (7, 3, 21), (7, 4, 35), (4, 1, 1), (2, 2, 2), (5, 5, 5)],
)
def test_there_are_as_many_parts_as_subsets_of_t_minus_one(
    custodians: int, threshold: int, parts: int
) -> None:
    assert len(Committee(custodians, threshold).parts) == parts


def test_parts_are_bitmasks_in_ascending_order() -> None:
    assert Committee(4, 2).parts == (1, 2, 4, 8)
    assert Committee(4, 3).parts == (3, 5, 6, 9, 10, 12)
    assert Committee(3, 1).parts == (0,)


def test_a_custodian_holds_the_parts_that_do_not_contain_it() -> None:
    assert Committee(4, 2).parts_of(0) == (2, 4, 8)
    assert Committee(4, 3).parts_of(3) == (3, 5, 6)
    assert Committee(3, 1).parts_of(2) == (0,)


@pytest.mark.parametrize(("custodians", "threshold"), EVERY_COMMITTEE)
def test_any_t_hold_all_parts_and_any_t_minus_one_miss_one(custodians: int, threshold: int) -> None:
    committee = Committee(custodians, threshold)

    for indices in combinations(range(custodians), threshold):
        assert committee.covers(indices)
        assert committee.missing(indices) == ()
    for indices in combinations(range(custodians), threshold - 1):
        assert not committee.covers(indices)
        assert committee.missing(indices) == (sum(1 << index for index in indices),)


@pytest.mark.parametrize(("custodians", "threshold"), EVERY_COMMITTEE)
def test_every_part_has_m_minus_t_plus_one_twins(custodians: int, threshold: int) -> None:
    committee = Committee(custodians, threshold)
    holders = [part for index in range(custodians) for part in committee.parts_of(index)]
    for part in committee.parts:
        assert holders.count(part) == custodians - threshold + 1


def test_one_custodian_counted_twice_is_one() -> None:
    assert not Committee(4, 2).covers([1, 1])


@pytest.mark.parametrize(
    ("custodians", "threshold", "rule"),
    [
        (0, 0, "committee-size"),
        (36, 1, "committee-size"),
        (4, 0, "committee-threshold"),
        (4, 5, "committee-threshold"),
        (8, 4, "too-many-parts"),
        (10, 3, "too-many-parts"),
    ],
)
def test_a_committee_out_of_bounds_is_refused(custodians: int, threshold: int, rule: str) -> None:
    with pytest.raises(Refused) as caught:
        Committee(custodians, threshold)
    assert caught.value.rule == rule


@pytest.mark.parametrize("index", [-1, 4])
def test_a_custodian_outside_the_committee_is_refused(index: int) -> None:
    with pytest.raises(Refused) as caught:
        Committee(4, 2).parts_of(index)
    assert caught.value.rule == "custodian-index"


def test_dealt_seeds_are_fresh_for_every_part_and_every_time(randomness: SeededRandomness) -> None:
    committee = Committee(7, 4)
    first, second = deal(committee, randomness), deal(committee, randomness)
    assert tuple(first) == committee.parts
    assert len({*first.values(), *second.values()}) == 70


def test_the_repr_of_seeds_names_parts_and_no_seed(randomness: SeededRandomness) -> None:
    seeds = deal(Committee(4, 2), randomness)
    for shown in (repr(seeds), str(seeds), f"{seeds}"):
        assert shown == "CustodySeeds(parts=[1, 2, 4, 8])"


def test_seeds_of_a_wrong_length_are_rejected() -> None:
    with pytest.raises(Rejected) as caught:
        CustodySeeds({1: bytes(31)})
    assert caught.value.rule == "seed-length"


def test_seeds_of_some_parts_are_those_alone(randomness: SeededRandomness) -> None:
    seeds = deal(Committee(4, 2), randomness)
    assert dict(seeds.of([8, 2])) == {2: seeds[2], 8: seeds[8]}
    with pytest.raises(Refused) as caught:
        seeds.of([3])
    assert caught.value.rule == "missing-seed"


@given(st.integers(0, 3))
def test_encoded_seeds_come_back(index: int) -> None:
    committee = Committee(4, 2)
    seeds = deal(committee, SeededRandomness(b"seeds"))
    parts = committee.parts_of(index)
    encoded = encode_seeds(seeds, reversed(parts))
    assert encoded == b"".join(seeds[part] for part in parts)
    assert decode_seeds(parts, encoded) == seeds.of(parts)


@pytest.mark.parametrize("change", [-32, -1, 1, 32])
def test_encoded_seeds_of_a_wrong_length_are_rejected(
    randomness: SeededRandomness, change: int
) -> None:
    parts = Committee(4, 2).parts_of(0)
    encoded = encode_seeds(deal(Committee(4, 2), randomness), parts) + bytes(32)
    with pytest.raises(Rejected) as caught:
        decode_seeds(parts, encoded[: 96 + change])
    assert caught.value.rule == "seeds-length"


def test_a_commitment_is_sha_256_over_domain_round_client_part_and_seed() -> None:
    content = length_prefixed(
        b"blindsum/v1/custody-commitment",
        ROUND_ID,
        "zürich".encode(),
        b"\0" * 7 + b"\x05",
        b"s" * 32,
    )
    assert commitment(ROUND_ID, "zürich", 5, b"s" * 32) == hashlib.sha256(content).digest()


def test_a_seed_passes_its_own_commitment_and_no_other() -> None:
    committed = commitment(ROUND_ID, "cleveland", 2, b"s" * 32)
    check_seed(ROUND_ID, "cleveland", 2, b"s" * 32, committed)
    for round_id, client, part, seed in (
        (bytes(32), "cleveland", 2, b"s" * 32),
        (ROUND_ID, "hungary", 2, b"s" * 32),
        (ROUND_ID, "cleveland", 4, b"s" * 32),
        (ROUND_ID, "cleveland", 2, b"t" * 32),
    ):
        with pytest.raises(Rejected) as caught:
            check_seed(round_id, client, part, seed, committed)
        assert caught.value.rule == "seed-commitment-mismatch"
        assert seed.hex() not in str(caught.value)


def test_a_leaf_is_hmac_sha_256_over_domain_round_client_and_label() -> None:
    content = length_prefixed(b"blindsum/v1/custody-leaf", ROUND_ID, b"cleveland", b"ckks-key")
    expected = hmac.digest(b"s" * 32, content, "sha256")
    assert leaf(b"s" * 32, ROUND_ID, "cleveland", "ckks-key") == expected


def test_leaves_of_two_rounds_clients_or_labels_differ() -> None:
    leaves = {
        leaf(b"s" * 32, round_id, client, label)
        for round_id in (ROUND_ID, bytes(32))
        for client in ("a", "b")
        for label in ("ckks-key", "self")
    }
    assert len(leaves) == 8


def test_the_info_of_a_wrap_binds_study_epoch_custodian_and_core_header() -> None:
    assert wrap_info("study", 3, "alpha", b"d" * 32) == length_prefixed(
        b"blindsum/v1/custody-wrap", b"study", b"\0" * 7 + b"\x03", b"alpha", b"d" * 32
    )
