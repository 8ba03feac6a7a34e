"""Ring keys: expansion is uniform and reproducible, sums are sums, bytes come back."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from Crypto.Cipher import AES

from blindsum_crypto import domains
from blindsum_crypto.ckks.keys import (
    add_key,
    client_key,
    decode_key,
    encode_key,
    expand,
    sum_of_leaves,
    zero_key,
)
from blindsum_crypto.ckks.parameters import RING_SETS, RingSet
from blindsum_crypto.ckks.uniform import uniform
from blindsum_crypto.custody import Committee, deal, leaf
from blindsum_crypto.errors import Rejected
from blindsum_crypto.packing import pack_words
from blindsum_crypto.primitives import hmac_sha256
from blindsum_crypto.randomness import SeededRandomness

RINGS = list(RING_SETS.values())


def plain_uniform(key: bytes, prime: int, count: int) -> list[int]:
    """Rejection sampling word by word, with the other library's AES."""
    mask = (1 << prime.bit_length()) - 1
    stream = AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=0).encrypt(bytes(64 * count))
    words = (int.from_bytes(stream[at : at + 8], "little") for at in range(0, len(stream), 8))
    accepted = [word & mask for word in words if word & mask < prime]
    return accepted[:count]


@pytest.mark.parametrize("prime", [0xFFFFFFFFFFFC001, 0xFFFFFFFFC4001, 0x80000001, 12_289, 3])
def test_uniform_words_are_those_of_plain_rejection_sampling(prime: int) -> None:
    # Primes just above a power of two pass over half of the words, so that the loop runs again.
    assert uniform(b"k" * 32, prime, 1_000).tolist() == plain_uniform(b"k" * 32, prime, 1_000)


def test_a_shorter_draw_is_the_beginning_of_a_longer_one() -> None:
    long = uniform(b"k" * 32, 0x80000001, 1_000)
    for count in (0, 1, 7, 999):
        assert np.array_equal(uniform(b"k" * 32, 0x80000001, count), long[:count])


@pytest.mark.parametrize("ring", RINGS, ids=lambda ring: ring.name)
def test_expanded_leaves_are_uniform(
    ring: RingSet, chi_square_limit: Callable[[int], float]
) -> None:
    keys = np.stack([expand(bytes([number]) * 32, ring) for number in range(64)])
    for index, prime in enumerate(ring.primes):
        # 256 cells of the range, 1024 expected in each; and the lowest byte likewise.
        words = keys[:, index].reshape(-1)
        for cells in (words // np.uint64(prime // 256 + 1), words & np.uint64(255)):
            counts = np.bincount(cells.astype(np.int64), minlength=256)
            expected = words.size / 256
            assert ((counts - expected) ** 2 / expected).sum() < chi_square_limit(255)


@pytest.mark.parametrize("ring", RINGS, ids=lambda ring: ring.name)
def test_a_leaf_expands_to_the_keystream_of_its_own_hmac_for_every_prime(ring: RingSet) -> None:
    for row, prime in zip(expand(b"l" * 32, ring), ring.primes, strict=True):
        key = hmac_sha256(b"l" * 32, domains.CKKS_KEY, prime.to_bytes(8, "big"))
        assert row.tolist() == plain_uniform(key, prime, ring.degree)


def test_two_leaves_share_no_word() -> None:
    one, other = (expand(seed * 32, RING_SETS["A"]) for seed in (b"a", b"b"))
    assert not np.intersect1d(one, other).size


def test_the_residues_of_two_primes_come_from_two_keystreams() -> None:
    first, second = expand(b"l" * 32, RING_SETS["B"])
    assert not np.array_equal(first, second)
    assert np.mean((first & np.uint64(255)) == (second & np.uint64(255))) < 0.05


@pytest.mark.parametrize("ring", RINGS, ids=lambda ring: ring.name)
def test_keys_add_modulo_every_prime(ring: RingSet) -> None:
    leaves = [bytes([number]) * 32 for number in range(20)]
    total = sum_of_leaves(leaves, ring)
    for index, prime in enumerate(ring.primes):
        plain = [0] * ring.degree
        for leaf_bytes in leaves:
            words = expand(leaf_bytes, ring)[index].tolist()
            plain = [(x + y) % prime for x, y in zip(plain, words, strict=True)]
        assert total[index].tolist() == plain


def test_a_client_key_is_the_sum_over_its_parts(randomness: SeededRandomness) -> None:
    ring = RING_SETS["A"]
    seeds = deal(Committee(4, 2), randomness)
    total = zero_key(ring)
    for seed in seeds.values():
        add_key(total, expand(leaf(seed, b"r" * 32, "me", "ckks-key"), ring), ring)
    assert np.array_equal(client_key(seeds, b"r" * 32, "me", ring), total)


@pytest.mark.parametrize("ring", RINGS, ids=lambda ring: ring.name)
def test_a_key_comes_back_from_its_bytes(ring: RingSet) -> None:
    key = expand(b"l" * 32, ring)
    encoded = encode_key(key, ring)
    assert len(encoded) == {"A": 30_720, "B": 53_248}[ring.name]
    assert np.array_equal(decode_key(encoded, ring), key)


@pytest.mark.parametrize("change", [-1, 1, -30_720])
def test_a_part_of_a_wrong_length_is_rejected(change: int) -> None:
    ring = RING_SETS["A"]
    encoded = encode_key(expand(b"l" * 32, ring), ring) + b"\0"
    with pytest.raises(Rejected) as caught:
        decode_key(encoded[: 30_720 + change], ring)
    assert caught.value.rule == "part-length"


@pytest.mark.parametrize("excess", [0, 1, 16_382])
def test_a_part_with_a_word_not_below_the_prime_is_rejected(excess: int) -> None:
    ring = RING_SETS["A"]
    key = expand(b"l" * 32, ring)
    key[0, 4_095] = ring.primes[0] + excess
    with pytest.raises(Rejected) as caught:
        decode_key(pack_words(key.reshape(-1), 60), ring)
    assert caught.value.rule == "word-out-of-range"


@pytest.mark.parametrize(
    "module",
    [
        "custody",
        "seal",
        "ckks.keys",
        "ckks.releasing",
        "ckks.reference",
        "ckks.summing",
        "log.merkle",
    ],
)
def test_what_custodians_and_auditors_import_does_not_load_tenseal(module: str) -> None:
    script = (
        f"import sys, blindsum_crypto.{module}\n"
        "sys.exit(any(name.split('.')[0] in {'tenseal', '_sealapi_cpp', '_tenseal_cpp'}"
        " or name.endswith(('ckks.ring', 'ckks.sealing', 'ckks.opening')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_probe_for_tenseal_would_notice_it() -> None:
    script = "import sys, blindsum_crypto.ckks.ring\nsys.exit('_sealapi_cpp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 1
