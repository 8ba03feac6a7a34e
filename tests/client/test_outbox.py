"""The outbox survives kill -9 at any point between seal and receipt, and sends identical bytes."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.client.people import vector
from tests.client.stage import Stage

from blindsum_client import outbox as outbox_module
from blindsum_client.anchor import Anchor
from blindsum_client.client import Client
from blindsum_client.outbox import Entry, Outbox
from blindsum_client.sealing import Sealer
from blindsum_crypto.errors import Refused
from blindsum_crypto.randomness import SystemRandomness
from blindsum_rules.model import encode_model
from blindsum_rules.transitions import CLIENT, ClientEvent, ClientState

if TYPE_CHECKING:
    from collections.abc import Callable

CRASH_POINTS = ("payload", "row", "anchor", "header", "half an upload", "upload", "receipt")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(original: "Callable[..., Any]", *, before: bool) -> "Callable[..., Any]":
    """The same function, with the process killed before or after it."""

    def killed(*arguments: object, **keywords: object) -> object:
        if before:
            die()
        original(*arguments, **keywords)
        die()
        return None

    return killed


def crash(point: str, folder: Path) -> None:
    """Run in a process of its own: contribute to round 0 and be killed at one point."""
    stage = Stage()
    stage.open_round()
    calls = stage.calls
    match point:
        case "payload":  # the sealed bytes lie on the disk, no row names them
            outbox_module._remember_training = dying(outbox_module._remember_training, before=True)
        case "row":  # the row is committed, the anchor does not know of it
            Anchor.raise_to = dying(Anchor.raise_to, before=True)  # type: ignore[method-assign]
        case "anchor":  # nothing was sent
            Anchor.raise_to = dying(Anchor.raise_to, before=False)  # type: ignore[method-assign]
        case "header":  # the header may have arrived
            calls._submit_header = dying(  # type: ignore[method-assign]
                calls._submit_header, before=False
            )
        case "half an upload":
            calls.cut_after_bytes = 1000
            calls._raise_cut = die  # type: ignore[method-assign]
        case "upload":  # everything arrived, its answer did not
            calls._state = dying_at_receipt(calls)  # type: ignore[method-assign, assignment]
        case "receipt":  # the receipt is here, and not on the disk
            Outbox.move = dying(Outbox.move, before=True)  # type: ignore[method-assign]
    client = stage.client(folder)
    client.contribute(next(client.rounds()), vector(1))


def dying_at_receipt(calls: Any) -> "Callable[[Any], Any]":  # noqa: ANN401
    original = calls._state

    def state(upload: Any) -> Any:  # noqa: ANN401
        answer = original(upload)
        if upload.receipt is not None:
            die()
        return answer

    return state


def killed_at(point: str, folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.client.test_outbox import crash; "
        "crash(sys.argv[1], Path(sys.argv[2]))"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", program, point, str(folder)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_client_killed_between_seal_and_receipt_sends_identical_bytes(
    stage: Stage, tmp_path: Path, point: str
) -> None:
    """T14. The killed process and this one see the same stage, so the same round 0."""
    folder = tmp_path / "state"
    killed_at(point, folder)
    left = [path for path in (folder / "outbox").iterdir() if path.suffix == ".sealed"]
    assert len(left) == 1
    before = digest_of(left[0])
    staged = stage.open_round()

    client = stage.client(folder)

    if point == "payload":
        # No row, so nothing can have been sent: the stray is gone and the round is sealed afresh.
        assert list((folder / "outbox").iterdir()) == []
        client.contribute(next(client.rounds()), vector(2))
        assert hashlib.sha256(staged.uploads["cleveland"].payload).hexdigest() != before
        return
    client._contributor.sender.send_queued()
    upload = staged.uploads["cleveland"]
    assert hashlib.sha256(upload.payload).hexdigest() == before
    entry = client._contributor.outbox.entry(0)
    assert entry is not None
    assert (entry.state, entry.receipt) == (ClientState.SENT, upload.receipt)
    with pytest.raises(Refused) as caught:
        next(client.rounds())
    assert caught.value.rule == "nothing-staged"  # the round is not shown to a trainer again


@pytest.mark.slow
def test_kills_one_after_another_never_make_a_second_contribution(
    stage: Stage, tmp_path: Path
) -> None:
    folder = tmp_path / "state"
    killed_at("row", folder)
    (first,) = (folder / "outbox").glob("*.sealed")
    before = digest_of(first)

    for point in ("header", "half an upload", "upload", "receipt"):
        killed_at(point, folder)

    (still,) = (folder / "outbox").glob("*.sealed")
    assert still == first
    assert digest_of(still) == before
    stage.open_round()
    client = stage.client(folder)
    receipts = client._contributor.sender.send_queued()
    assert [one.body.contribution_digest.hex() for one in receipts] == [first.stem]


# ---- in one process


def put(client: Client, stage: Stage, seed: int) -> Entry:
    position = client._follower.position
    assert position is not None
    sealer = Sealer(
        stage.manifest.body, "cleveland", stage.people.identities["cleveland"], SystemRandomness()
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
    stage.client(tmp_path / "state")
    assert list((tmp_path / "state" / "outbox").iterdir()) == [winner.payload_file]


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


def test_the_control_that_the_stage_is_the_same_in_every_process(stage: Stage) -> None:
    other = Stage()

    assert stage.open_round().spec.digest == other.open_round().spec.digest
    assert encode_model(stage.model) == encode_model(other.model)
