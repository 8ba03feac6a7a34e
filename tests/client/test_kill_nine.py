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
from blindsum_client.outbox import Outbox
from blindsum_crypto.errors import Refused
from blindsum_rules.model import encode_model
from blindsum_rules.transitions import ClientState

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
            outbox_module._insert = dying(outbox_module._insert, before=True)
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
        "import sys; from pathlib import Path; from tests.client.test_kill_nine import crash; "
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


def test_the_control_that_the_stage_is_the_same_in_every_process(stage: Stage) -> None:
    other = Stage()

    assert stage.open_round().spec.digest == other.open_round().spec.digest
    assert encode_model(stage.model) == encode_model(other.model)
