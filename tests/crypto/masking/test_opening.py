"""The opening of a masked sum: its gates, its commitments, and who is to blame (T20, T21)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.crypto.masking.conftest import MaskedRound, MaskRound, numbers_of

from blindsum_crypto.errors import Aborted, Refused, Rejected
from blindsum_crypto.masking.opening import MaskingAggregatorSeal
from blindsum_crypto.masking.pairs import ENTRY_BYTES
from blindsum_crypto.seal import FalseCommitments, SealedMember


def flipped(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def test_the_members_sum_opens_exactly(small_round: MaskedRound, members: Sequence[str]) -> None:
    assert np.array_equal(small_round.open(members), small_round.total(members))


def test_an_opening_leaves_the_sealed_sum_as_it_is(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    accumulator = small_round.sum_of(members)
    before = accumulator.copy()
    small_round.aggregator.open(
        accumulator, small_round.headers(members), small_round.parts_of(members)
    )
    assert np.array_equal(accumulator, before)


def test_a_payload_taken_out_again_was_never_in(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    accumulator = small_round.sum_of([*members, "client-01"])
    small_round.aggregator.subtract(accumulator, 0, small_round.sealed["client-01"].payload)
    chunks = list(small_round.aggregator.sealed_chunks(accumulator))
    assert chunks == list(small_round.aggregator.sealed_chunks(small_round.sum_of(members)))


def test_a_false_self_commitment_names_its_client(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    headers = small_round.headers(members)
    headers[1] = replace(headers[1], self_commitment=bytes(32))
    with pytest.raises(FalseCommitments) as caught:
        small_round.aggregator.open(
            small_round.sum_of(members), headers, small_round.parts_of(members)
        )
    assert caught.value.rule == "self-commitment"
    assert caught.value.clients == {headers[1].client}


def false_entry(header: SealedMember, peer_place: int, byte: int) -> SealedMember:
    return replace(header, pair_table=flipped(header.pair_table, peer_place * ENTRY_BYTES + byte))


@pytest.mark.parametrize("byte", [0, 31, 32, 63], ids=["ct", "end of ct", "h", "end of h"])
def test_a_false_entry_of_an_absent_pair_names_its_client(
    small_round: MaskedRound, members: Sequence[str], byte: int
) -> None:
    """A false ct_ij with a true h_ij, or the reverse; client-01 is absent (threat T30)."""
    headers = small_round.headers(members)
    headers[0] = false_entry(headers[0], 0, byte)  # of client-00 about client-01
    with pytest.raises(FalseCommitments) as caught:
        small_round.aggregator.open(
            small_round.sum_of(members), headers, small_round.parts_of(members)
        )
    assert caught.value.rule == "pair-commitment"
    assert caught.value.clients == {"client-00"}


def test_a_false_entry_of_a_pair_inside_the_set_is_never_needed(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    headers = small_round.headers(members)
    headers[0] = false_entry(headers[0], 1, 0)  # of client-00 about client-02, a member
    opened = small_round.aggregator.open(
        small_round.sum_of(members), headers, small_round.parts_of(members)
    )
    assert np.array_equal(opened, small_round.total(members))


def test_a_false_part_blames_whoever_it_concerns_and_opens_nothing(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    parts = small_round.parts_of(members)
    parts[1] = flipped(parts[1], 0)
    with pytest.raises(FalseCommitments) as caught:
        small_round.open(members, parts)
    assert caught.value.clients == {members[0]}


def test_garbage_trips_the_padding_gate(small_round: MaskedRound, members: Sequence[str]) -> None:
    """One contribution is garbage, whatever its header says (threat T15): nothing comes out."""
    damaged = dict(small_round.sealed)
    drawn = np.random.default_rng(7)
    garbage = drawn.bytes(len(damaged[members[0]].payload))
    damaged[members[0]] = replace(damaged[members[0]], payload=garbage)
    with pytest.raises(Aborted) as caught:
        replace(small_round, sealed=damaged).open(members)
    assert caught.value.rule == "padding-gate"


def test_a_value_beyond_the_bound_trips_the_range_gate(mask_round: MaskRound) -> None:
    vectors = {name: np.full(4, 400, np.int64) for name in ("a", "b", "c")}
    masked = mask_round(16, vectors, 400)
    strict = MaskingAggregatorSeal(replace(masked.round_, coordinate_bound=399))
    everybody = sorted(vectors)
    with pytest.raises(Aborted) as caught:
        strict.open(masked.sum_of(everybody), masked.headers(everybody), masked.parts_of(everybody))
    assert caught.value.rule == "range-gate"


def test_an_abort_says_the_gate_and_no_number_of_the_vector(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    """T20: neither what is left over nor values leave the opener, whatever was sealed."""
    drawn, sealed = np.random.default_rng(20), small_round.sealed
    strict = MaskingAggregatorSeal(replace(small_round.round_, coordinate_bound=1))
    said: dict[str, set[str]] = {"padding-gate": set(), "range-gate": set()}
    for _ in range(5):
        garbage = drawn.bytes(len(sealed[members[0]].payload))
        spoilt = {**sealed, members[0]: replace(sealed[members[0]], payload=garbage)}
        with pytest.raises(Aborted) as caught:
            replace(small_round, sealed=spoilt).open(members)
        said[caught.value.rule].add(str(caught.value))
    for some in (members, members[:2], members[1:]):
        with pytest.raises(Aborted) as caught:
            replace(small_round, aggregator=strict).open(some)
        said[caught.value.rule].add(str(caught.value))
    assert [len(messages) for messages in said.values()] == [1, 1]
    assert not any(character.isdigit() for message in said.values() for character in str(message))


def test_parts_of_another_set_open_nothing(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    """A late upload stays sealed: what was released fits the frozen set alone."""
    larger = sorted([*members, "client-04"])
    with pytest.raises(Rejected) as caught:
        small_round.open(larger, small_round.parts_of(members))
    assert caught.value.rule == "part-length"


def test_a_sum_over_others_than_the_released_set_opens_nothing(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    with pytest.raises(Aborted) as caught:
        small_round.aggregator.open(
            small_round.sum_of([*members, "client-04"]),
            small_round.headers(members),
            small_round.parts_of(members),
        )
    assert caught.value.rule == "padding-gate"


def test_missing_unknown_and_short_parts_are_told_apart(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    parts = small_round.parts_of(members)
    fewer = {part: share for part, share in parts.items() if part != 1}
    for given, kind, rule in (
        (fewer, Refused, "missing-part"),
        (parts | {16: b""}, Refused, "unknown-part"),
        (parts | {1: parts[1][:-32]}, Rejected, "part-length"),
    ):
        with pytest.raises(kind) as caught:
            small_round.open(members, given)
        assert caught.value.rule == rule


def test_strangers_and_disorder_are_refused(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    headers, parts = small_round.headers(members), small_round.parts_of(members)
    stranger = [*headers[:-1], replace(headers[-1], client="stranger")]
    for given, rule in ((headers[::-1], "members-order"), (stranger, "not-invited")):
        with pytest.raises(Refused) as caught:
            small_round.aggregator.open(small_round.sum_of(members), given, parts)
        assert caught.value.rule == rule


def test_a_short_pair_table_is_rejected(small_round: MaskedRound, members: Sequence[str]) -> None:
    headers = small_round.headers(members)
    headers[0] = replace(headers[0], pair_table=headers[0].pair_table[:-1])
    for call in (
        lambda: small_round.aggregator.disputing(headers),
        lambda: small_round.aggregator.open(
            small_round.sum_of(members), headers, small_round.parts_of(members)
        ),
    ):
        with pytest.raises(Rejected) as caught:
            call()
        assert caught.value.rule == "pair-table-length"


@pytest.mark.parametrize("members", [("client-03",), tuple(f"client-{n:02}" for n in range(5))])
def test_one_survivor_and_a_whole_cohort_open_too(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    """The mathematics takes every set; who may be alone is the rules' to say."""
    assert np.array_equal(small_round.open(members), small_round.total(members))


def test_a_release_has_the_length_that_everybody_computes(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    for part, share in small_round.parts_of(members).items():
        assert len(share) == small_round.aggregator.part_bytes(len(members)) == 32 * 3 * 3, part


def test_chunks_of_a_long_vector_are_checked_one_by_one(mask_round: MaskRound) -> None:
    masked = mask_round(13, numbers_of(2, 70_000, 1_000), 1_000)
    seal, payload = masked.aggregator, masked.sealed["client-00"].payload
    size = seal.chunk_bytes
    seal.check_chunk(0, payload[:size])
    seal.check_chunk(1, payload[size:])
    for index, chunk, rule in (
        (0, payload[size:], "payload-length"),
        (1, payload[:size], "payload-length"),
        (1, payload[size:-1], "payload-length"),
        (2, payload[size:], "chunk-index"),
        (-1, payload[size:], "chunk-index"),
        (1, payload[size:-1] + b"\xff", "padding-bits"),
    ):
        with pytest.raises((Refused, Rejected)) as caught:
            seal.check_chunk(index, chunk)
        assert caught.value.rule == rule
    assert np.array_equal(masked.open(sorted(masked.vectors)), masked.total(sorted(masked.vectors)))


def test_an_accumulator_of_another_shape_or_type_is_refused(
    small_round: MaskedRound, members: Sequence[str]
) -> None:
    zero = small_round.aggregator.zero()
    for accumulator in (zero[:-1], zero.astype(np.uint32)):
        for call in (
            lambda bad=accumulator: small_round.aggregator.add(
                bad, 0, small_round.sealed["client-00"].payload
            ),
            lambda bad=accumulator: small_round.aggregator.open(
                bad, small_round.headers(members), small_round.parts_of(members)
            ),
        ):
            with pytest.raises(Refused) as caught:
                call()
            assert caught.value.rule == "accumulator-shape"
