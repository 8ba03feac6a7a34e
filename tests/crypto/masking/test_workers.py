"""Many workers, many batches, an end before its time: the same bytes and the same sum, or none."""

import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.crypto.masking.conftest import MaskedRound, MaskRound, numbers_of

from blindsum_crypto.errors import Aborted, Rejected
from blindsum_crypto.execution import Cancelled, Execution
from blindsum_crypto.masking import masks
from blindsum_crypto.masking.masks import apply_masks
from blindsum_crypto.masking.parameters import CHUNK_VALUES
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.packing import largest_field
from blindsum_crypto.randomness import SystemRandomness
from blindsum_crypto.seal import SealedMember

THREE_CHUNKS = 2 * CHUNK_VALUES + 4_321


@pytest.fixture(autouse=True)
def _every_vector_is_worth_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "_WORTH_A_WORKER", 1)


def few_streams(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(masks, "STREAMS_AT_ONCE", at_once)
    monkeypatch.setattr(masks, "_FEWEST_STREAMS", 1)


def open_with(masked: MaskedRound, members: list[str], execution: Execution) -> np.ndarray:
    return masked.aggregator.open(
        masked.sum_of(members), masked.headers(members), masked.parts_of(members), execution
    )


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value_bits=st.integers(8, 64),
    length=st.one_of(st.integers(1, 40), st.integers(CHUNK_VALUES - 20, THREE_CHUNKS)),
    workers=st.integers(2, 6),
    at_once=st.sampled_from([1, 3, 1 << 14]),
)
def test_any_number_of_workers_seals_the_same_bytes_and_opens_the_same_sum(
    mask_round: MaskRound, value_bits: int, length: int, workers: int, at_once: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        bound = largest_field(value_bits) // 4
        masked = mask_round(value_bits, numbers_of(4, length, bound), bound)
        name, drawn = "client-01", SystemRandomness()
        shared = MaskingClientSeal(masked.round_, masked.agreements[name], workers)
        few_streams(patch, at_once)

        sealed = shared.seal(masked.vectors[name], name, masked.seeds[name], drawn)

        assert sealed == masked.sealed[name]
        own = shared.open_own(sealed, name, masked.seeds[name])
        assert np.array_equal(own, masked.vectors[name])
        members = ["client-00", "client-01", "client-03"]
        opened = open_with(masked, members, Execution(workers))
        assert np.array_equal(opened, masked.total(members))


@pytest.mark.parametrize("at_once", [1, 2, 5, 1 << 14])
@pytest.mark.parametrize("workers", [1, 3])
def test_masks_that_are_put_on_and_taken_off_leave_nothing(
    monkeypatch: pytest.MonkeyPatch, workers: int, at_once: int
) -> None:
    few_streams(monkeypatch, at_once)
    keys = [bytes([number]) * 32 for number in range(7)]
    words = np.arange(THREE_CHUNKS, dtype=np.uint32)
    apply_masks(words, keys[:4], keys[4:], Execution(workers))
    assert not np.array_equal(words, np.arange(THREE_CHUNKS))
    apply_masks(words, keys[4:], keys[:4])
    assert np.array_equal(words, np.arange(THREE_CHUNKS))


@dataclass
class Opened:
    """A round of three chunks, and how its opening is told."""

    masked: MaskedRound
    members: list[str]


@pytest.fixture(scope="module")
def long_round(mask_round: MaskRound) -> Opened:
    masked = mask_round(28, numbers_of(5, THREE_CHUNKS, 1_000), 1_000)
    return Opened(masked, ["client-00", "client-02", "client-04"])


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_progress_is_told_after_every_chunk_of_every_batch(
    long_round: Opened, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    few_streams(monkeypatch, 4 * workers)  # nine masks: three batches
    told: list[tuple[int, int]] = []
    execution = Execution(workers, on_progress=lambda *step: told.append(step))
    open_with(long_round.masked, long_round.members, execution)
    assert told == [(step, 9) for step in range(1, 10)]


@pytest.mark.parametrize("workers", [1, 3])
def test_an_opening_that_is_cancelled_gives_nothing_and_can_be_begun_again(
    long_round: Opened, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    few_streams(monkeypatch, workers)  # nine batches of one mask, three chunks each
    masked, members = long_round.masked, long_round.members
    accumulator, stopped = masked.sum_of(members), threading.Event()
    before = accumulator.copy()
    told: list[int] = []

    def stop_after_the_first(done: int, _total: int) -> None:
        told.append(done)
        stopped.set()

    execution = Execution(workers, stopped.is_set, stop_after_the_first)
    with pytest.raises(Cancelled):
        masked.aggregator.open(
            accumulator, masked.headers(members), masked.parts_of(members), execution
        )

    assert len(told) <= workers  # Whoever was in a chunk ends it; nobody begins another one.
    assert np.array_equal(accumulator, before)
    again = masked.aggregator.open(accumulator, masked.headers(members), masked.parts_of(members))
    assert np.array_equal(again, masked.total(members))


def test_false_secrets_are_found_before_a_mask_is_made(long_round: Opened) -> None:
    masked, members = long_round.masked, long_round.members
    parts = masked.parts_of(members)
    parts[1] = bytes(len(parts[1]))
    told: list[int] = []
    execution = Execution(on_progress=lambda done, _total: told.append(done))
    with pytest.raises(Aborted) as caught:
        masked.aggregator.open(masked.sum_of(members), masked.headers(members), parts, execution)
    assert caught.value.rule == "self-commitment"
    assert told == []


@pytest.mark.parametrize("workers", [1, 3])
def test_garbage_in_the_first_chunk_trips_the_padding_gate_before_the_range_gate(
    long_round: Opened, workers: int
) -> None:
    """Whatever chunk is looked at first, the abort says the same."""
    masked, members = long_round.masked, long_round.members
    for place, rule in ((0, "range-gate"), (THREE_CHUNKS, "padding-gate"), (None, "padding-gate")):
        accumulator = masked.sum_of(members)
        accumulator[slice(None) if place is None else place] += np.uint32(1 << 26)
        with pytest.raises(Aborted) as caught:
            masked.aggregator.open(
                accumulator,
                masked.headers(members),
                masked.parts_of(members),
                Execution(workers),
            )
        assert caught.value.rule == rule


@pytest.mark.slow
def test_an_opening_takes_a_few_chunks_of_memory_beside_its_result(mask_round: MaskRound) -> None:
    masked = mask_round(16, numbers_of(3, 20 * CHUNK_VALUES, 1_000), 1_000)
    members = ["client-00", "client-02"]
    accumulator, parts = masked.sum_of(members), masked.parts_of(members)
    headers = masked.headers(members)
    tracemalloc.start()
    try:
        opened = masked.aggregator.open(accumulator, headers, parts, Execution(2))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Each worker: its words, their keystream, the zeros that it is made of, and what gates take.
    assert peak_bytes - opened.nbytes < 2 * 6 * 2 * CHUNK_VALUES < accumulator.nbytes


class Table(bytes):
    """Bytes that are counted as long as they live."""

    alive = 0

    def __new__(cls, content: bytes) -> "Table":
        cls.alive += 1
        return super().__new__(cls, content)

    def __del__(self) -> None:
        type(self).alive -= 1


def test_pair_tables_are_read_one_after_the_other(long_round: Opened) -> None:
    masked, members = long_round.masked, long_round.members
    most = 0

    def one_by_one() -> Iterator[SealedMember]:
        nonlocal most
        for header in masked.headers(members):
            member = replace(header, pair_table=Table(header.pair_table))
            most = max(most, Table.alive)
            yield member

    masked.aggregator.needed(one_by_one(), members)
    assert 1 <= most <= 2  # The one before is let go of as the next one is taken.


def test_an_opening_needs_of_a_pair_table_who_is_absent_and_no_more(long_round: Opened) -> None:
    masked, members = long_round.masked, long_round.members
    needed = masked.aggregator.needed(masked.headers(members), members)
    assert [len(one.pair_table) for one in needed] == [2 * 64] * 3
    opened = masked.aggregator.open(masked.sum_of(members), needed, masked.parts_of(members))
    assert np.array_equal(opened, masked.total(members))


def test_a_table_of_another_length_is_cut_for_nobody(long_round: Opened) -> None:
    with pytest.raises(Rejected) as caught:
        long_round.masked.aggregator.needed(
            [SealedMember("client-00", b"", bytes(65))], long_round.members
        )
    assert caught.value.rule == "pair-table-length"
