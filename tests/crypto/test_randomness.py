"""The one source of randomness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blindsum_crypto.errors import Refused
from blindsum_crypto.keystream import keystream
from blindsum_crypto.randomness import (
    ExpandedRandomness,
    Randomness,
    SeededRandomness,
    SystemRandomness,
)


def test_the_system_never_repeats_itself() -> None:
    drawn = {SystemRandomness().bytes(16) for _ in range(100)}
    assert len(drawn) == 100
    assert {len(value) for value in drawn} == {16}


@given(st.lists(st.integers(0, 100), max_size=6))
def test_a_seeded_stream_does_not_depend_on_how_it_is_cut(counts: list[int]) -> None:
    whole = SeededRandomness(b"seed").bytes(sum(counts))
    pieces = SeededRandomness(b"seed")
    assert b"".join(pieces.bytes(count) for count in counts) == whole


def test_different_seeds_give_different_streams() -> None:
    assert SeededRandomness(b"a").bytes(32) != SeededRandomness(b"b").bytes(32)


@given(st.lists(st.integers(0, 100), max_size=6))
def test_an_expanded_stream_is_its_keys_however_it_is_cut(counts: list[int]) -> None:
    key = SeededRandomness(b"seed").bytes(32)
    pieces = ExpandedRandomness(SeededRandomness(b"seed"))
    drawn = b"".join(pieces.bytes(count) for count in counts)
    assert drawn == keystream(key, sum(counts)).tobytes()


def test_what_was_drawn_of_an_expanded_stream_stays_when_more_is_drawn() -> None:
    source = ExpandedRandomness(SystemRandomness())
    first = source.bytes(64)
    before = bytearray(first)
    assert source.bytes(64) != before
    assert first == before


def test_an_expanded_stream_draws_one_key_when_it_is_made_and_no_more() -> None:
    source, untouched = SeededRandomness(b"seed"), SeededRandomness(b"seed")
    first, second = ExpandedRandomness(source), ExpandedRandomness(source)
    assert first.bytes(1000) != second.bytes(1000)
    untouched.bytes(64)
    assert source.bytes(16) == untouched.bytes(16)


@pytest.mark.parametrize(
    "source",
    [SystemRandomness(), SeededRandomness(b"seed"), ExpandedRandomness(SystemRandomness())],
)
def test_a_negative_count_is_refused(source: Randomness) -> None:
    with pytest.raises(Refused) as caught:
        source.bytes(-1)
    assert caught.value.rule == "random-byte-count"


def test_the_repr_of_a_seeded_stream_hides_its_seed() -> None:
    assert "secret seed" not in repr(SeededRandomness(b"secret seed"))


def test_the_repr_of_an_expanded_stream_shows_nothing() -> None:
    assert repr(ExpandedRandomness(SystemRandomness())) == "ExpandedRandomness()"
