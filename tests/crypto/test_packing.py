"""Packing: fields in words and words in bytes, against plain Python integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.lanes import CHUNK_WORDS, narrowest
from blindsum_crypto.packing import (
    largest_field,
    pack_chunk,
    pack_fields,
    pack_words,
    packed_bytes,
    unpack_fields,
    unpack_narrow,
    unpack_words,
)


@st.composite
def some_words(draw: st.DrawFn) -> tuple[int, list[int]]:
    bits = draw(st.integers(8, 64))
    return bits, draw(st.lists(st.integers(0, (1 << bits) - 1), max_size=40))


@given(some_words())
def test_words_stand_end_to_end_in_little_endian_bit_order(case: tuple[int, list[int]]) -> None:
    bits, words = case
    whole = sum(word << bits * place for place, word in enumerate(words))
    packed = pack_words(np.array(words, np.uint64), bits)
    assert packed == whole.to_bytes(packed_bytes(len(words), bits), "little")
    assert unpack_words(packed, len(words), bits).tolist() == words
    assert unpack_words(memoryview(packed), len(words), bits).tolist() == words


@pytest.mark.parametrize("bits", range(8, 65))
def test_every_width_packs_vectors_of_several_chunks_and_any_length(bits: int) -> None:
    drawn = np.random.default_rng(bits)
    for count in (CHUNK_WORDS - 1, CHUNK_WORDS, CHUNK_WORDS + 1, CHUNK_WORDS + 5, 17, 8, 7, 1):
        words = drawn.integers(0, (1 << bits) - 1, count, np.uint64, endpoint=True)
        whole = sum(int(word) << bits * place for place, word in enumerate(words[-9:]))
        packed = pack_words(words, bits)

        assert len(packed) == packed_bytes(count, bits)
        # The last words, against a plain integer; every one of them through the round trip.
        skipped = (count - len(words[-9:])) * bits
        assert int.from_bytes(packed[skipped // 8 :], "little") >> skipped % 8 == whole
        assert np.array_equal(unpack_words(packed, count, bits), words)
        narrow = words.astype(narrowest(bits))
        assert np.array_equal(unpack_narrow(packed, count, bits, narrow.dtype), narrow)


@pytest.mark.parametrize("bits", range(8, 65))
def test_a_chunk_is_reduced_modulo_2_to_the_b_in_words_of_any_type(bits: int) -> None:
    words = np.random.default_rng(bits).integers(0, 2**64 - 1, 1_003, np.uint64, endpoint=True)
    expected = pack_words(words & np.uint64((1 << bits) - 1), bits)
    for word_type in {narrowest(bits), np.dtype(np.uint64)}:
        packed = np.full(len(expected) + 3, 0xA5, np.uint8)
        pack_chunk(words.astype(word_type), bits, packed)
        assert packed[: len(expected)].tobytes() == expected
        assert packed[len(expected) :].tolist() == [0xA5] * 3


def test_what_is_packed_or_unpacked_stays_as_it_was() -> None:
    words = np.arange(1_000, dtype=np.uint32)
    packed = pack_words(words, 28)
    unpack_words(packed, 1_000, 28)[:] = 0
    assert np.array_equal(words, np.arange(1_000))
    assert packed == pack_words(words, 28)


@pytest.mark.parametrize("bits", [bits for bits in range(8, 64) if bits % 8])
def test_a_bit_behind_the_last_word_is_rejected_at_every_width(bits: int) -> None:
    packed = bytearray(pack_words(np.zeros(CHUNK_WORDS + 1, np.uint64), bits))
    packed[-1] |= 0x80
    with pytest.raises(Rejected) as caught:
        unpack_words(bytes(packed), CHUNK_WORDS + 1, bits)
    assert caught.value.rule == "padding-bits"


@pytest.mark.parametrize(("bits", "count", "size"), [(60, 4096, 30_720), (52, 8192, 53_248)])
def test_a_chunk_has_the_size_that_the_design_states(bits: int, count: int, size: int) -> None:
    assert packed_bytes(count, bits) == size


@pytest.mark.parametrize("bits", [7, 65, 0, -1])
def test_words_of_a_strange_width_are_refused(bits: int) -> None:
    for call in (
        lambda: pack_words(np.zeros(1, np.uint64), bits),
        lambda: unpack_words(b"\0", 1, bits),
        lambda: pack_chunk(np.zeros(1, np.uint64), bits, np.zeros(9, np.uint8)),
    ):
        with pytest.raises(Refused) as caught:
            call()
        assert caught.value.rule == "word-bits"


def test_a_word_that_is_too_long_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        pack_words(np.array([1, 1 << 60], np.uint64), 60)
    assert caught.value.rule == "word-overflow"


@pytest.mark.parametrize("length", [0, 14, 16, 30])
def test_packed_bytes_of_a_wrong_length_are_rejected(length: int) -> None:
    with pytest.raises(Rejected) as caught:
        unpack_words(bytes(length), 2, 60)
    assert caught.value.rule == "packed-length"


@pytest.mark.parametrize("bit", [60, 61, 62, 63])
def test_bits_behind_the_last_word_are_rejected(bit: int) -> None:
    # Otherwise one vector would have sixteen spellings, and digests sixteen values.
    packed = bytearray(pack_words(np.array([5], np.uint64), 60))
    packed[bit // 8] |= 1 << bit % 8
    with pytest.raises(Rejected) as caught:
        unpack_words(bytes(packed), 1, 60)
    assert caught.value.rule == "padding-bits"


@st.composite
def some_fields(draw: st.DrawFn) -> tuple[int, list[list[int]]]:
    bits = draw(st.integers(2, 31))
    count = draw(st.integers(1, 63 // bits))
    largest = largest_field(bits)
    row = st.lists(st.integers(-largest, largest), min_size=3, max_size=3)
    return bits, draw(st.lists(row, min_size=count, max_size=count))


@given(some_fields())
def test_fields_come_back_out_of_their_word(case: tuple[int, list[list[int]]]) -> None:
    bits, rows = case
    fields = np.array(rows, np.int64)
    words = pack_fields(fields, bits)
    for place in range(3):
        plain = sum(row[place] << bits * index for index, row in enumerate(rows))
        assert int(words[place]) == plain
    unpacked, rest = unpack_fields(words, bits, len(rows))
    assert np.array_equal(unpacked, fields)
    assert not rest.any()


@given(some_fields(), some_fields())
def test_the_sum_of_words_is_the_word_of_sums_while_sums_fit(
    left: tuple[int, list[list[int]]], right: tuple[int, list[list[int]]]
) -> None:
    bits = left[0]
    one = np.array(left[1], np.int64) // 2
    other = np.resize(np.array(right[1], np.int64) % largest_field(bits), one.shape) // 2
    total = pack_fields(one, bits) + pack_fields(other, bits)
    unpacked, rest = unpack_fields(total, bits, len(one))
    assert np.array_equal(unpacked, one + other)
    assert not rest.any()


@pytest.mark.parametrize("value", [-(1 << 15), 1 << 15, 1 << 40])
def test_a_field_out_of_its_symmetric_range_is_refused(value: int) -> None:
    with pytest.raises(Refused) as caught:
        pack_fields(np.array([[0, value]], np.int64), 16)
    assert caught.value.rule == "field-range"


def test_fields_that_fill_the_sign_bit_are_refused() -> None:
    with pytest.raises(Refused) as caught:
        pack_fields(np.zeros((4, 1), np.int64), 16)
    assert caught.value.rule == "word-overflow"


def test_what_no_fields_can_have_made_leaves_a_rest() -> None:
    _, rest = unpack_fields(np.array([1 << 48, -(1 << 48), 5], np.int64), 16, 3)
    assert rest.tolist() == [1, -1, 0]
