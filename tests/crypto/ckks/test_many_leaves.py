"""A sum of many keys is reduced now and then, and is the sum that is reduced every time."""

import numpy as np
import pytest

from blindsum_crypto.ckks.keys import add_key, expand, sum_of_leaves, zero_key
from blindsum_crypto.ckks.modular import Words
from blindsum_crypto.ckks.parameters import RING_SETS
from blindsum_crypto.ckks.uniform import room_for, uniform
from blindsum_crypto.errors import Refused
from blindsum_crypto.primitives import digest


def leaves(count: int) -> list[bytes]:
    return [digest("blindsum/test", str(number).encode()) for number in range(count)]


@pytest.mark.parametrize("name", sorted(RING_SETS))
@pytest.mark.parametrize("count", [0, 1, 2, 14, 15, 16, 17, 30, 31, 46, 100])
def test_the_sum_of_so_many_leaves_is_that_of_single_additions(name: str, count: int) -> None:
    ring = RING_SETS[name]
    one_by_one = zero_key(ring)
    for leaf in leaves(count):
        add_key(one_by_one, expand(leaf, ring), ring)
    assert np.array_equal(sum_of_leaves(iter(leaves(count)), ring), one_by_one)


@pytest.mark.parametrize("name", sorted(RING_SETS))
def test_keys_as_large_as_they_get_do_not_overflow_before_they_are_reduced(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every residue at its prime less one: the worst that 100,000 clients could bring together."""
    ring = RING_SETS[name]

    def largest(_key: bytes, prime: int, count: int, _room: object) -> Words:
        return np.full(count, prime - 1, np.uint64)

    monkeypatch.setattr("blindsum_crypto.ckks.keys.uniform", largest)
    count = 10_000
    total = sum_of_leaves([bytes(32)] * count, ring)
    for row, prime in zip(total, ring.primes, strict=True):
        assert set(row.tolist()) == {count * (prime - 1) % prime}


@pytest.mark.parametrize("prime", [0x80000001, *RING_SETS["A"].primes, *RING_SETS["B"].primes])
def test_what_is_drawn_in_a_room_is_what_is_drawn_without(prime: int) -> None:
    """0x80000001 passes over nearly half of its words, so it reads several times."""
    room = room_for(1000)
    for key in leaves(5):
        assert np.array_equal(uniform(key, prime, 1000, room), uniform(key, prime, 1000))


def test_a_room_that_is_too_small_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        uniform(bytes(32), RING_SETS["A"].primes[0], 1000, room_for(10))
    assert caught.value.rule == "keystream-room"
