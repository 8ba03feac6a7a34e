"""Parties with one fault each, which the simulation must find: what it is held against."""

# ruff: noqa: ANN401 - what is handed through has its own types

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from sqlalchemy import delete

from blindsum_aggregator.engine.in_process import InProcessEngine
from blindsum_client import tables as client_tables
from blindsum_client.outbox import Outbox
from blindsum_client.sending import Sender
from blindsum_custodian.store import tables as custodian_tables
from blindsum_custodian.store.answers import Step
from blindsum_custodian.store.database import Store
from blindsum_rules.transitions import ClientState

_advance, _load = InProcessEngine._advance, InProcessEngine._load
_send_queued = Sender.send_queued
_open = Store.open.__func__  # type: ignore[attr-defined] # of a class method


def _folds_twice(engine: Any, number: int, add: Any = (), subtract: Any = ()) -> None:
    _advance(engine, number, add=[*add, *list(add)[:1]], subtract=subtract)


def _loads_what_was_not_committed(engine: Any, number: int) -> Any:
    """Take the buffer that was written last for the one that counts."""
    written = engine._buffer(number, engine._generation(number) + 1)
    if not written.exists():
        return _load(engine, number)
    zero = engine._seal(number).zero()
    return np.fromfile(written, dtype=zero.dtype).reshape(zero.shape)


def _never_subtracts(engine: Any, number: int, add: Any = (), subtract: Any = ()) -> None:
    del subtract
    _advance(engine, number, add=add)


def _seals_again(sender: Sender) -> Any:
    """Forget what was not receipted, so that the round is taken for a new one."""
    for entry in sender.outbox.in_states(ClientState.SEALED):
        with sender.outbox._engine.begin() as connection:
            for table in (client_tables.WRAPS, client_tables.OUTBOX):
                number = table.c.round_number
                connection.execute(delete(table).where(number == entry.round_number))
    return _send_queued(sender)


def _forgets_its_endorsements(cls: Any, store_path: Path, instance_path: Path) -> Any:
    store = _open(cls, store_path, instance_path)
    answers, freezes = custodian_tables.ANSWERS, custodian_tables.FREEZES
    with store._engine.begin() as connection:
        connection.execute(delete(answers).where(answers.c.step == Step.ENDORSE))
        connection.execute(delete(freezes))
    return store


@contextmanager
def an_aggregator_that_folds_an_upload_twice() -> Iterator[None]:
    with patch.object(InProcessEngine, "_advance", _folds_twice):
        yield


@contextmanager
def an_aggregator_that_folds_again_when_it_was_killed() -> Iterator[None]:
    """Killed between buffer and commit, it adds to what the buffer holds already."""
    with patch.object(InProcessEngine, "_load", _loads_what_was_not_committed):
        yield


@contextmanager
def an_engine_that_forgets_to_subtract() -> Iterator[None]:
    with patch.object(InProcessEngine, "_advance", _never_subtracts):
        yield


@contextmanager
def a_client_that_seals_again_when_it_tries_again() -> Iterator[None]:
    with (
        patch.object(Sender, "send_queued", _seals_again),
        patch.object(Outbox, "check_free", lambda *_: None),
    ):
        yield


@contextmanager
def a_custodian_that_forgets_its_endorsements_at_a_restart() -> Iterator[None]:
    with patch.object(Store, "open", classmethod(_forgets_its_endorsements)):
        yield
