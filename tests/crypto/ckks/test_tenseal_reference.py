"""TenSEAL as the reference: its Decryptor opens our seal, our opener opens its Encryptor's.

The streams of this file are written and its results are read word by word through TenSEAL's own
interface, apart from what `ring.py` does. Integers are plain Python integers.
"""

import struct
from collections.abc import Callable
from math import comb
from pathlib import Path

import numpy as np
import pytest
from tenseal import sealapi

from blindsum_crypto.ckks.coefficients import encode, fields_of
from blindsum_crypto.ckks.keys import client_key
from blindsum_crypto.ckks.modular import Multiplier, Words, add
from blindsum_crypto.ckks.opening import CkksAggregatorSeal, Opening, unsealed
from blindsum_crypto.ckks.parameters import RING_SETS, CkksParameters
from blindsum_crypto.ckks.reference import references
from blindsum_crypto.ckks.releasing import CkksCustodianSeal
from blindsum_crypto.ckks.ring import ring_of
from blindsum_crypto.ckks.sealing import CkksClientSeal
from blindsum_crypto.custody import Committee, deal
from blindsum_crypto.errors import Aborted
from blindsum_crypto.packing import pack_words
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import SealedMember, SealedVector

MEMBER = SealedMember("client")  # of a member this seal asks nothing but its number

RING = RING_SETS["A"]
(PRIME,) = RING.primes
DEGREE = RING.degree
PARAMETERS = CkksParameters(10, 16, 3)
COMMITTEE = Committee(4, 2)
ROUND_ID = bytes(range(32))
TENSEAL_CHUNKS = 128


class Seal:
    """SEAL over one prime, with a secret key of our choice."""

    def __init__(self, folder: Path, key: Words) -> None:
        settings = sealapi.EncryptionParameters(sealapi.SCHEME_TYPE.CKKS)
        settings.set_poly_modulus_degree(DEGREE)
        settings.set_coeff_modulus([sealapi.Modulus(PRIME)])
        expand_modulus_chain = True
        self.context = sealapi.SEALContext(
            settings, expand_modulus_chain, sealapi.SEC_LEVEL_TYPE.TC128
        )
        self.folder = folder
        self.identity = struct.pack("<4Q", *self.context.first_parms_id())
        self.secret_key = sealapi.SecretKey()
        content = self.identity + struct.pack("<Qd", DEGREE, 1.0) + self.array(key)
        self.secret_key.load(self.context, self.stored("secret-key", content))

    def ciphertext(self, first: Words, second: Words) -> sealapi.Ciphertext:
        shape = struct.pack("<BQQQdQ", 1, 2, DEGREE, 1, 1.0, 1)
        content = self.identity + shape + self.array(np.concatenate([first, second]))
        result = sealapi.Ciphertext()
        result.load(self.context, self.stored("ciphertext", content))
        return result

    def decrypted(self, ciphertext: sealapi.Ciphertext) -> Words:
        plaintext = sealapi.Plaintext()
        sealapi.Decryptor(self.context, self.secret_key).decrypt(ciphertext, plaintext)
        return words_of(plaintext.dyn_array())

    def stored(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(self.header(len(content)) + content)
        return str(path)

    def array(self, words: Words) -> bytes:
        body = struct.pack("<Q", words.size) + words.astype("<u8").tobytes()
        return self.header(len(body)) + body

    @staticmethod
    def header(body_bytes: int) -> bytes:
        return struct.pack("<HBBBBHQ", 0xA15E, 16, 4, 3, 0, 0, 16 + body_bytes)


def words_of(array: sealapi.DynArray) -> Words:
    return np.array([array.at(place) for place in range(array.size())], np.uint64)


def encryptor_route(seal: Seal, key: Words, values: np.ndarray, chunks: int) -> Words:
    """b = c0 + (c1 - a) * s + NTT(Delta * x): TenSEAL's encryption of zero, moved to our a_j."""
    encryptor = sealapi.Encryptor(seal.context, seal.secret_key)
    no_errors = np.zeros((chunks, DEGREE), np.int64)
    fields = fields_of(values, range(chunks), PARAMETERS)
    sealed = ring_of(PRIME, DEGREE).forward(encode(fields, no_errors, PRIME, PARAMETERS))
    multiplier = Multiplier.of(key, PRIME)
    for row, a in zip(sealed, references(ROUND_ID, range(chunks), PRIME, RING), strict=True):
        ciphertext = sealapi.Ciphertext()
        encryptor.encrypt_zero_symmetric(ciphertext)
        c0, c1 = words_of(ciphertext.dyn_array()).reshape(2, DEGREE)
        moved = add(c0, multiplier.multiply(add(c1, PRIME - a, PRIME)), PRIME)
        row[:] = add(row, moved, PRIME)
    return sealed


def errors_of(sealed: Words, key: Words, values: np.ndarray) -> np.ndarray:
    """What is left of each coefficient beside the vector, from the key of one client."""
    chunks = range(len(sealed))
    (opened,) = unsealed(sealed, chunks, [Multiplier.of(key, PRIME)], ROUND_ID, RING)
    no_errors = np.zeros((len(chunks), DEGREE), np.int64)
    plain = encode(fields_of(values, chunks, PARAMETERS), no_errors, PRIME, PARAMETERS)
    difference = (opened.astype(object) - plain.astype(object)) % PRIME
    errors: np.ndarray = np.where(difference > PRIME // 2, difference - PRIME, difference)
    return errors.astype(np.int64)


def histogram(errors: np.ndarray) -> np.ndarray:
    """Counts of -10..10, the tails drawn in: every cell is expected to hold more than a hundred."""
    counts: np.ndarray = np.bincount(np.clip(errors, -10, 10).reshape(-1) + 10, minlength=21)
    return counts


def test_tenseals_own_decryptor_opens_our_seal(
    tmp_path: Path, numbers: np.random.Generator
) -> None:
    seeds = deal(COMMITTEE, SeededRandomness(b"tenseal"))
    key = client_key(seeds, ROUND_ID, "me", RING)[0]
    values = numbers.integers(-100, 101, 2 * PARAMETERS.values_per_chunk)
    client = CkksClientSeal(PARAMETERS, COMMITTEE, ROUND_ID, values.size, 100)
    aggregator = CkksAggregatorSeal(PARAMETERS, COMMITTEE, ROUND_ID, values.size, 100)
    sealed = aggregator.load_sum(
        client.seal(values, "me", seeds, SeededRandomness(b"errors")).payload
    )
    seal = Seal(tmp_path, key)
    reference = references(ROUND_ID, range(2), PRIME, RING)
    fields = fields_of(values, range(2), PARAMETERS)
    for chunk in range(2):
        plain = seal.decrypted(seal.ciphertext(sealed[chunk], reference[chunk]))
        coefficients = ring_of(PRIME, DEGREE).inverse(plain.reshape(1, DEGREE))[0].tolist()
        for place, coefficient in enumerate(coefficients):
            signed = coefficient - PRIME if coefficient > PRIME // 2 else coefficient
            word = sum(int(fields[i, chunk, place]) << 16 * i for i in range(3))
            assert abs(signed - (word << PARAMETERS.scale_bits)) <= 21


def test_tenseals_encryptor_moved_to_our_reference_opens_with_the_same_opener(
    tmp_path: Path, numbers: np.random.Generator
) -> None:
    seeds = deal(COMMITTEE, SeededRandomness(b"tenseal"))
    key = client_key(seeds, ROUND_ID, "me", RING)[0]
    values = numbers.integers(-100, 101, 20_000)
    sealed = encryptor_route(Seal(tmp_path, key), key, values, 2)
    payload = pack_words(sealed.reshape(-1), 60)
    client = CkksClientSeal(PARAMETERS, COMMITTEE, ROUND_ID, values.size, 100)
    assert np.array_equal(client.open_own(SealedVector(payload), "me", seeds), values)


def test_payloads_of_both_routes_add_up_to_the_exact_sum(
    tmp_path: Path, numbers: np.random.Generator
) -> None:
    randomness = SeededRandomness(b"two routes")
    ours, theirs = numbers.integers(-100, 101, (2, 20_000))
    seeds = {name: deal(COMMITTEE, randomness) for name in ("ours", "theirs")}
    client = CkksClientSeal(PARAMETERS, COMMITTEE, ROUND_ID, 20_000, 100)
    aggregator = CkksAggregatorSeal(PARAMETERS, COMMITTEE, ROUND_ID, 20_000, 100)
    key = client_key(seeds["theirs"], ROUND_ID, "theirs", RING)[0]
    accumulator = aggregator.load_sum(client.seal(ours, "ours", seeds["ours"], randomness).payload)
    for index, row in enumerate(encryptor_route(Seal(tmp_path, key), key, theirs, 2)):
        aggregator.add(accumulator, index, pack_words(row, 60))
    custodian = CkksCustodianSeal(PARAMETERS, ROUND_ID)
    parts = {
        part: custodian.release(part, ((name, seeds[name][part]) for name in seeds), [])
        for part in COMMITTEE.parts
    }
    assert np.array_equal(aggregator.open(accumulator, [MEMBER] * 2, parts), ours + theirs)


@pytest.mark.slow
def test_the_errors_of_both_routes_follow_one_law(
    tmp_path: Path, numbers: np.random.Generator, chi_square_limit: Callable[[int], float]
) -> None:
    seeds = deal(COMMITTEE, SeededRandomness(b"tenseal"))
    key = client_key(seeds, ROUND_ID, "me", RING)[0]
    values = numbers.integers(-100, 101, TENSEAL_CHUNKS * PARAMETERS.values_per_chunk)
    client = CkksClientSeal(PARAMETERS, COMMITTEE, ROUND_ID, values.size, 100)
    aggregator = CkksAggregatorSeal(PARAMETERS, COMMITTEE, ROUND_ID, values.size, 100)
    written_out = aggregator.load_sum(
        client.seal(values, "me", seeds, SeededRandomness(b"errors")).payload
    )
    encryptors = encryptor_route(Seal(tmp_path, key), key, values, TENSEAL_CHUNKS)
    errors = [errors_of(sealed, key, values) for sealed in (written_out, encryptors)]
    ours, theirs = (histogram(one) for one in errors)

    # Two samples of one size against each other, and each against Binomial(42, 1/2) - 21.
    assert ((ours - theirs) ** 2 / (ours + theirs)).sum() < chi_square_limit(20)
    law = np.array([comb(42, 21 + value) / 2**42 for value in range(-21, 22)])
    expected = np.concatenate([[law[:12].sum()], law[12:31], [law[31:].sum()]]) * errors[0].size
    assert expected.min() > 100
    for counts in (ours, theirs):
        assert ((counts - expected) ** 2 / expected).sum() < chi_square_limit(20)
    assert max(int(np.abs(one).max()) for one in errors) <= 21


def test_the_statistic_would_notice_a_narrower_error(
    chi_square_limit: Callable[[int], float],
) -> None:
    # The control: 20 + 20 flips instead of 21 + 21 stand far outside.
    numbers = np.random.default_rng(7)
    size = TENSEAL_CHUNKS * DEGREE
    narrow, right = (histogram(numbers.binomial(n, 0.5, size) - n // 2) for n in (40, 42))
    assert ((narrow - right) ** 2 / (narrow + right)).sum() > chi_square_limit(20)


def test_adding_under_another_key_is_garbage_that_the_gate_catches(
    tmp_path: Path, numbers: np.random.Generator
) -> None:
    # TenSEAL itself adds such ciphertexts in silence (a trap of the library).
    seeds = deal(COMMITTEE, SeededRandomness(b"tenseal"))
    key = client_key(seeds, ROUND_ID, "me", RING)[0]
    wrong = client_key(seeds, ROUND_ID, "somebody", RING)[0]
    values = numbers.integers(-100, 101, 20_000)
    sealed = encryptor_route(Seal(tmp_path, wrong), wrong, values, 2)
    opening = Opening(PARAMETERS, ROUND_ID, 20_000, 100)
    assert np.array_equal(opening.open(sealed, wrong.reshape(1, DEGREE)), values)
    with pytest.raises(Aborted) as caught:
        opening.open(sealed, key.reshape(1, DEGREE))
    assert caught.value.rule == "residual-gate"
