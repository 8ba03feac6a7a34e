"""The custodian's half: a fixed function of part, round and members, and of nothing else."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from blindsum_crypto.ckks.keys import decode_key, expand, sum_of_leaves
from blindsum_crypto.ckks.parameters import CkksParameters
from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.custody import leaf
from blindsum_crypto.errors import Refused, Rejected

MEMBERS = [(f"client-{number}", bytes([number]) * 32) for number in range(5)]


@pytest.fixture
def custodian() -> CkksCustodianSeal:
    return CkksCustodianSeal(CkksParameters(12, 16, 3), b"r" * 32)


def test_a_release_is_the_sum_of_the_members_expanded_leaves(custodian: CkksCustodianSeal) -> None:
    ring = custodian.parameters.ring
    leaves = [leaf(seed, b"r" * 32, client, "ckks-key") for client, seed in MEMBERS]
    released = decode_key(custodian.release(1, MEMBERS, []), ring)
    assert np.array_equal(released, sum_of_leaves(leaves, ring))


def test_twins_and_retries_give_equal_bytes_in_any_order(custodian: CkksCustodianSeal) -> None:
    once = custodian.release(1, MEMBERS, [])
    assert custodian.release(1, iter(MEMBERS[::-1]), []) == once
    assert CkksCustodianSeal(CkksParameters(12, 16, 3), b"r" * 32).release(1, MEMBERS, []) == once


def test_another_round_set_or_seed_gives_other_bytes(custodian: CkksCustodianSeal) -> None:
    other_seed = [*MEMBERS[:-1], (MEMBERS[-1][0], b"x" * 32)]
    other_name = [*MEMBERS[:-1], ("client-x", MEMBERS[-1][1])]
    released = {
        custodian.release(1, MEMBERS, []),
        custodian.release(1, MEMBERS[:-1], []),
        custodian.release(1, other_seed, []),
        custodian.release(1, other_name, []),
        CkksCustodianSeal(CkksParameters(12, 16, 3), b"s" * 32).release(1, MEMBERS, []),
    }
    assert len(released) == 5


def test_its_size_does_not_depend_on_the_set(custodian: CkksCustodianSeal) -> None:
    assert (
        len(custodian.release(1, MEMBERS[:1], []))
        == len(custodian.release(1, MEMBERS, []))
        == 30_720
    )


def test_members_are_read_once_and_not_kept(custodian: CkksCustodianSeal) -> None:
    alive = SimpleNamespace(now=0, most=0)

    class Seed(bytes):
        def __init__(self, *_: object) -> None:
            alive.now += 1
            alive.most = max(alive.most, alive.now)

        def __del__(self) -> None:
            alive.now -= 1

    def members() -> Iterator[tuple[str, bytes]]:
        for number in range(200):
            yield f"client-{number}", Seed(bytes([number]) * 32)

    custodian.release(1, members(), [])
    assert alive.most <= 3


def test_one_member_is_not_its_own_ring_key_with_one_part_missing(
    custodian: CkksCustodianSeal,
) -> None:
    ring = custodian.parameters.ring
    whole = sum_of_leaves([leaf(seed, b"r" * 32, "me", "ckks-key") for _, seed in MEMBERS], ring)
    without = decode_key(custodian.release(1, [("me", MEMBERS[0][1])], []), ring)
    expanded = expand(leaf(MEMBERS[0][1], b"r" * 32, "me", "ckks-key"), ring)
    assert np.array_equal(without, expanded)
    assert not np.intersect1d(whole, without).size


def test_an_empty_set_is_refused(custodian: CkksCustodianSeal) -> None:
    with pytest.raises(Refused) as caught:
        custodian.release(1, [], [])
    assert caught.value.rule == "no-members"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_seed_of_a_wrong_length_is_rejected(custodian: CkksCustodianSeal, length: int) -> None:
    with pytest.raises(Rejected) as caught:
        custodian.release(1, [("me", bytes(length))], [])
    assert caught.value.rule == "seed-length"
