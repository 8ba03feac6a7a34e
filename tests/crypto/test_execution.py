"""Execution: stripes shared by workers, told and ended, and what one of them raises."""

import threading
from functools import partial

import pytest

from blindsum_crypto.errors import Aborted, Refused
from blindsum_crypto.execution import Cancelled, Course, Execution, usable_cores


def test_less_than_one_worker_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        Execution(workers=0)
    assert caught.value.rule == "workers"


def test_there_is_a_core_to_use() -> None:
    assert usable_cores() >= 1


@pytest.mark.parametrize("workers", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("count", [1, 2, 13])
def test_every_chunk_is_done_once_whatever_the_number_of_workers(workers: int, count: int) -> None:
    done: list[int] = []
    told: list[tuple[int, int]] = []
    course = Course(Execution(workers, on_progress=lambda *step: told.append(step)), count)

    def stripe(chunks: range) -> None:
        for chunk in chunks:
            done.append(chunk)
            course.step_done()

    course.share(count, stripe, most_workers=100)

    assert sorted(done) == list(range(count))
    assert told == [(step, count) for step in range(1, count + 1)]


def test_what_is_worth_one_worker_starts_no_thread() -> None:
    ran_in: list[str] = []
    course = Course(Execution(workers=8), 5)
    course.share(5, lambda _chunks: ran_in.append(threading.current_thread().name), most_workers=1)
    assert ran_in == [threading.current_thread().name]


@pytest.mark.parametrize("workers", [1, 4])
def test_what_is_cancelled_ends_before_the_next_chunk(workers: int) -> None:
    stopped = threading.Event()
    course = Course(Execution(workers, is_cancelled=stopped.is_set), 100)
    done: list[int] = []

    def stripe(chunks: range) -> None:
        for chunk in chunks:
            course.check()
            done.append(chunk)
            stopped.set()

    with pytest.raises(Cancelled) as caught:
        course.share(100, stripe, most_workers=100)
    assert caught.value.rule == "cancelled"
    assert 1 <= len(done) <= workers


def test_an_error_of_one_worker_is_raised_and_ends_the_others() -> None:
    course = Course(Execution(workers=2), 2)
    failed = threading.Event()

    def stripe(chunks: range) -> None:
        if chunks.start == 0:
            failed.set()
            raise Aborted("range-gate", "expected every sum within its bound")
        failed.wait(10)
        while True:  # It works on until it is told to end.
            course.check()

    with pytest.raises(Aborted) as caught:
        course.share(2, partial(stripe), most_workers=2)
    assert caught.value.rule == "range-gate"
