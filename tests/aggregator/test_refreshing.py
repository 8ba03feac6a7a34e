"""What the board shows never falls behind what was committed, however reads overtake each other."""

import asyncio
import threading

import pytest
from sqlalchemy import Connection
from tests.aggregator.stage import Stage

from blindsum_aggregator.board import View
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.transitions import AggregatorState


def test_a_read_that_was_overtaken_is_not_shown_last(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two answers come at once: the board stood still behind the last one, and clients waited."""
    stage.settle()
    held, has_read = threading.Event(), threading.Event()
    read = stage.study.view
    acceptance = Acceptance("heart", 0, stage.row.round_id, "")

    def slow_at_first(connection: Connection) -> View:
        view = read(connection)
        if not has_read.is_set():
            has_read.set()
            held.wait(10)
        return view

    async def overtake() -> None:
        monkeypatch.setattr(stage.study, "view", slow_at_first)
        first = asyncio.create_task(stage.study.refresh())
        await asyncio.to_thread(has_read.wait, 10)
        for custodian in stage.cast.custodians:
            await asyncio.to_thread(stage.answer, acceptance, custodian)
        second = asyncio.create_task(stage.study.refresh())
        await asyncio.sleep(0.1)
        held.set()
        await asyncio.gather(first, second)

    asyncio.run(overtake())

    assert stage.study.board.view.states == {0: AggregatorState.OPEN}
    assert stage.study.board.view.newest_accepted == 0
