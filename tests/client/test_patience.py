"""Trying again: longer each time, never all at once, never after a refusal, never for ever."""

import threading

import pytest

from blindsum_client.patience import Backoff, try_patiently
from blindsum_crypto.errors import Refused, Unavailable
from blindsum_crypto.randomness import SeededRandomness


class FixedRandomness:
    def __init__(self, byte: int) -> None:
        self._byte = byte

    def bytes(self, count: int) -> bytes:
        return bytes([self._byte]) * count


class Flaky:
    """Answers after some failures."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise Unavailable("aggregator-unreachable", "expected an answer")
        return "answer"


def test_waits_double_up_to_a_limit_and_begin_anew_after_a_success() -> None:
    backoff = Backoff(1.0, 10.0, FixedRandomness(0))

    waits = [backoff.next_seconds() for _ in range(6)]
    backoff.reset()

    assert waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert backoff.next_seconds() == 1.0


def test_a_wait_is_shortened_by_at_most_a_half() -> None:
    assert 0.5 <= Backoff(1.0, 10.0, FixedRandomness(255)).next_seconds() < 0.51


def test_two_clients_do_not_come_back_at_the_same_moment() -> None:
    one, other = (Backoff(1.0, 10.0, SeededRandomness(seed)) for seed in (b"1", b"2"))

    assert one.next_seconds() != other.next_seconds()


def test_waiting_a_thousand_times_stays_within_the_limit() -> None:
    backoff = Backoff(1.0, 10.0)

    assert max(backoff.next_seconds() for _ in range(1000)) <= 10.0


def test_an_attempt_is_repeated_until_it_is_answered() -> None:
    attempt = Flaky(failures=5)

    assert try_patiently(attempt, threading.Event()) == "answer"
    assert attempt.calls == 6


def test_an_attempt_is_given_up_when_it_may_not_go_on() -> None:
    attempt = Flaky(failures=5)

    with pytest.raises(Unavailable) as caught:
        try_patiently(attempt, threading.Event(), may_go_on=lambda: attempt.calls < 3)

    assert caught.value.rule == "aggregator-unreachable"
    assert attempt.calls == 3


def test_a_stopped_client_tries_no_second_time() -> None:
    attempt, stop = Flaky(failures=5), threading.Event()
    stop.set()

    with pytest.raises(Unavailable):
        try_patiently(attempt, stop)

    assert attempt.calls == 1


def test_a_refusal_is_not_tried_again() -> None:
    calls = []

    def attempt() -> None:
        calls.append("call")
        raise Refused("collection-closed", "expected an upload before the freeze")

    with pytest.raises(Refused):
        try_patiently(attempt, threading.Event())

    assert calls == ["call"]
