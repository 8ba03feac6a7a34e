"""The outbox: one entry for a round number, moved as the table says, on the disk and private."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.client.people import vector
from tests.client.stage import Stage

from blindsum_client import outbox as outbox_module
from blindsum_client.client import Client
from blindsum_client.outbox import Entry, Outbox
from blindsum_client.sealing import Sealer
from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import SystemRandomness
from blindsum_rules.transitions import CLIENT, ClientEvent, ClientState

if TYPE_CHECKING:
    pass


def put(client: Client, stage: Stage, seed: int) -> Entry:
    position = client._follower.position
    assert position is not None
    sealer = Sealer(
        stage.manifest.body,
        "cleveland",
        stage.people.identities["cleveland"],
        SystemRandomness(),
        stage.people.agreements_of("cleveland"),
    )
    sealed = sealer.seal(position.spec, vector(seed))
    return client._contributor.outbox.put(sealed, position.spec, position.model)


def test_an_entry_read_back_is_the_entry_that_was_put(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())

    entry = put(client, stage, 1)

    assert client._contributor.outbox.entry(0) == entry
    assert client._contributor.outbox.entry(1) is None
    assert client._contributor.outbox.in_states(ClientState.SEALED) == (entry,)
    assert client._contributor.outbox.in_states(ClientState.SENT) == ()


def test_a_second_entry_for_a_round_number_is_refused_and_leaves_no_file(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    entry = put(client, stage, 1)

    with pytest.raises(Refused) as caught:
        put(client, stage, 2)

    assert caught.value.rule == "one-seal-per-round"
    assert list((tmp_path / "state" / "outbox").iterdir()) == [entry.payload_file]


def test_of_two_processes_that_seal_at_once_one_is_refused(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked before either wrote; the transaction decides, and no bytes of the loser stay."""
    stage.open_round()
    one, other = (stage.client(tmp_path / "state") for _ in range(2))
    for client in (one, other):
        next(client.rounds())
    monkeypatch.setattr(Outbox, "check_free", lambda *_: None)
    winner = put(one, stage, 1)

    with pytest.raises(Refused) as caught:
        put(other, stage, 2)

    assert caught.value.rule == "one-seal-per-round"
    assert other._contributor.outbox.entry(0) == winner
    assert list((tmp_path / "state" / "outbox").iterdir()) == [winner.payload_file]


def test_a_process_that_starts_while_another_persists_takes_no_file_for_a_stray(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    written, go_on = threading.Event(), threading.Event()
    insert = outbox_module._insert

    def slowly(*arguments: Any) -> None:  # noqa: ANN401
        written.set()
        assert go_on.wait(10)
        insert(*arguments)

    monkeypatch.setattr(outbox_module, "_insert", slowly)
    with ThreadPoolExecutor(2) as threads:
        persisting = threads.submit(put, client, stage, 1)
        assert written.wait(10)
        starting = threads.submit(stage.client, tmp_path / "state")
        with pytest.raises(TimeoutError):
            starting.result(timeout=0.2)  # it waits for the other's transaction
        go_on.set()
        entry = persisting.result(10)
        starting.result(10)

    assert entry.payload_file.exists()


@pytest.mark.parametrize("event", list(ClientEvent))
@pytest.mark.parametrize("state", list(ClientState))
def test_an_entry_moves_as_the_transition_table_says_and_not_otherwise(
    stage: Stage, tmp_path: Path, state: ClientState, event: ClientEvent
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    entry = put(client, stage, 1)
    outbox = client._contributor.outbox
    ways = {
        ClientState.SEALED: (),
        ClientState.SENT: (ClientEvent.RECEIPT,),
        ClientState.SETTLED: (ClientEvent.CERTIFICATE,),
        ClientState.FREED: (ClientEvent.CLOSES,),
    }
    for step in ways[state]:
        outbox.move(0, step)

    following = CLIENT.get((state, event))
    if following is None:
        with pytest.raises(Refused) as caught:
            outbox.move(0, event)
        assert caught.value.rule == "transition"
    else:
        outbox.move(0, event)

    moved = outbox.entry(0)
    assert moved is not None
    assert moved.state is (following or state)
    assert entry.payload_file.exists() is (moved.state is ClientState.SEALED)


def test_a_contribution_that_is_not_there_cannot_move(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")

    with pytest.raises(Refused) as caught:
        client._contributor.outbox.move(5, ClientEvent.CLOSES)
    assert caught.value.rule == "unknown-contribution"


def test_the_state_folder_is_its_owners_alone(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    next(client.rounds())
    put(client, stage, 1)

    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
    assert (tmp_path / "state" / "outbox").stat().st_mode & 0o077 == 0
    for file in (tmp_path / "state" / "outbox").iterdir():
        assert file.stat().st_mode & 0o077 == 0


def test_a_database_commits_to_the_disk_and_not_to_its_cache(stage: Stage, tmp_path: Path) -> None:
    client = stage.client(tmp_path / "state")

    with client._memory.engine.begin() as connection:
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()

    assert (synchronous, journal) == (2, "wal")
