"""The board: who waits is woken by what it waits for, and let go at the end."""

import asyncio
import time

from blindsum_aggregator.board import Board, View
from blindsum_rules.transitions import AggregatorState


def accepted(view: View) -> int | None:
    return view.newest_accepted if view.newest_accepted >= 0 else None


def test_who_waits_is_woken_by_the_change() -> None:
    async def wait() -> int | None:
        board = Board()
        waiting = asyncio.create_task(board.wait_for(accepted, 10))
        await asyncio.sleep(0)
        board.show(View({0: AggregatorState.OPEN}, newest_accepted=0))
        return await waiting

    assert asyncio.run(wait()) == 0


def test_what_is_there_already_is_seen_at_once() -> None:
    async def wait() -> int | None:
        board = Board()
        board.show(View({0: AggregatorState.OPEN}, newest_accepted=0))
        return await board.wait_for(accepted, 0)

    assert asyncio.run(wait()) == 0


def test_waiting_ends_when_time_is_up() -> None:
    begun = time.monotonic()

    assert asyncio.run(Board().wait_for(accepted, 0.05)) is None
    assert time.monotonic() - begun < 5


def test_a_stop_lets_everybody_go() -> None:
    async def wait() -> list[int | None]:
        board = Board()
        waiting = [asyncio.create_task(board.wait_for(accepted, 60)) for _ in range(100)]
        await asyncio.sleep(0)
        board.stop()
        return await asyncio.gather(*waiting)

    assert asyncio.run(wait()) == [None] * 100


def test_a_touch_between_two_waits_is_not_lost() -> None:
    async def wait() -> float:
        board = Board()
        seen = board.work.count
        board.work.touch()
        begun = time.monotonic()
        await board.work.wait(seen, 60)
        return time.monotonic() - begun

    assert asyncio.run(wait()) < 5


def test_clients_are_not_woken_by_what_changes_no_round() -> None:
    async def count() -> int:
        board = Board()
        view = View({0: AggregatorState.OPEN}, newest_accepted=0)
        board.show(view)
        before = board.rounds.count
        for _ in range(10):
            board.show(View({0: AggregatorState.OPEN}, newest_accepted=0))
        return board.rounds.count - before

    assert asyncio.run(count()) == 0
