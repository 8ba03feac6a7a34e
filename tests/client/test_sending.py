"""Sending: resumed where it was cut, freed by a receipt or by closes, and by nothing else."""

# ruff: noqa: ANN401

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.client.people import vector
from tests.client.stage import Stage

from blindsum_client.client import Client
from blindsum_crypto.errors import BlindsumError, Refused, Rejected, Unavailable
from blindsum_protos.v1 import contribution_pb2
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import ClientState

D = b"d" * 32


def unreachable(count: int = 1) -> list[BlindsumError]:
    return [Unavailable("aggregator-unreachable", "the network was cut") for _ in range(count)]


def state_of(client: Client, number: int) -> ClientState:
    entry = client._contributor.outbox.entry(number)
    assert entry is not None
    return entry.state


def payload_files(folder: Path) -> list[Path]:
    return list((folder / "outbox").iterdir())


def test_an_upload_goes_on_where_it_was_cut(stage: Stage, tmp_path: Path) -> None:
    staged = stage.open_round()
    client = stage.client(tmp_path / "state")
    stage.calls.cut_after_bytes = 1000

    client.contribute(next(client.rounds()), vector(1))

    upload = staged.uploads["cleveland"]
    core = upload.contribution.body.core
    assert len(upload.payload) == core.payload_bytes
    assert stage.calls.made.count("SubmitHeader") == 2
    assert stage.calls.made.count("UploadPayload") == 2
    assert stage.calls.offsets == [0, 1000]


def test_the_network_may_fail_at_every_step_of_sending(stage: Stage, tmp_path: Path) -> None:
    staged = stage.open_round()
    client = stage.client(tmp_path / "state")
    stage.calls.fail("SubmitHeader", *unreachable(3))
    stage.calls.fail("UploadPayload", *unreachable(2))

    receipt = client.contribute(next(client.rounds()), vector(1))

    assert receipt == staged.uploads["cleveland"].receipt
    assert stage.calls.made.count("SubmitHeader") == 6


def test_a_network_that_stays_away_past_the_deadline_leaves_the_contribution_queued(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    stage.calls.fail("SubmitHeader", *unreachable(2))
    original = stage.calls._begin

    def late(method: str) -> None:
        if method == "SubmitHeader":
            stage.now += 500
        original(method)

    stage.calls._begin = late  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        client.contribute(round_, vector(1))

    assert state_of(client, 0) is ClientState.SEALED
    assert len(payload_files(tmp_path / "state")) == 1


def test_a_receipt_frees_the_sealed_bytes(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")

    client.contribute(next(client.rounds()), vector(1))

    assert state_of(client, 0) is ClientState.SENT
    assert payload_files(tmp_path / "state") == []


def test_what_is_queued_is_sent_before_the_next_round_is_awaited(
    stage: Stage, tmp_path: Path
) -> None:
    staged = stage.open_round()
    client = stage.client(tmp_path / "state")
    client._contributor._seal(next(client.rounds()), vector(1))
    client.close()
    stage.calls.made.clear()

    again = stage.client(tmp_path / "state")
    with pytest.raises(Refused):
        next(again.rounds())  # nothing further is staged

    assert stage.calls.made[:3] == ["SubmitHeader", "UploadPayload", "NextRound"]
    assert staged.uploads["cleveland"].receipt is not None


def test_an_upload_refused_after_the_freeze_stays_queued_until_a_quorum_closed(
    stage: Stage, tmp_path: Path
) -> None:
    staged = stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    round_ = next(rounds)
    staged.collecting = False

    with pytest.raises(Refused) as caught:
        client.contribute(round_, vector(1))
    assert caught.value.rule == "collection-closed"
    assert state_of(client, 0) is ClientState.SEALED

    stage.abort()
    stage.close_round(b"", count=2)
    outcome = client.outcome(round_)
    assert outcome.aborted_by_rule == "min-cohort"
    assert state_of(client, 0) is ClientState.SEALED  # two closes are no quorum
    assert len(payload_files(tmp_path / "state")) == 1

    stage.close_round(b"")
    client.outcome(round_)
    assert state_of(client, 0) is ClientState.FREED
    assert payload_files(tmp_path / "state") == []


def test_the_closes_in_the_next_spec_free_what_is_queued(stage: Stage, tmp_path: Path) -> None:
    staged = stage.open_round()
    client = stage.client(tmp_path / "state")
    rounds = client.rounds()
    round_ = next(rounds)
    staged.collecting = False
    with pytest.raises(Refused):
        client.contribute(round_, vector(1))
    stage.abort()
    stage.open_round()

    assert next(rounds).number == 1

    assert state_of(client, 0) is ClientState.FREED
    with pytest.raises(Refused) as caught:
        client.contribute(round_, vector(1))
    assert caught.value.rule == "round-over"


def test_an_abort_alone_frees_nothing(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    client._contributor._seal(round_, vector(1))
    stage.abort()
    stage.rounds[0].closes = ()

    assert client.outcome(round_).aborted_by_rule == "min-cohort"

    assert state_of(client, 0) is ClientState.SEALED


def forge(stage: Stage, monkeypatch: pytest.MonkeyPatch, signer: str, **changes: Any) -> None:
    """Receipts of the stage's aggregator become false."""
    sign = stage.people.sign

    def forged(body: Any, name: str) -> Signed[Any]:
        if isinstance(body, Receipt):
            return sign(replace(body, **changes), signer)
        return sign(body, name)

    monkeypatch.setattr(type(stage.people), "sign", lambda _, body, name: forged(body, name))


@pytest.mark.parametrize(
    ("signer", "changes", "rule"),
    [
        ("hungary", {}, "unknown-signer"),
        ("aggregator", {"contribution_digest": D}, "wrong-receipt"),
        ("aggregator", {"client": "hungary"}, "wrong-receipt"),
        ("aggregator", {"round_id": D}, "wrong-receipt"),
        ("aggregator", {"round_number": 1}, "wrong-receipt"),
        ("aggregator", {"study": "lungs"}, "wrong-receipt"),
    ],
)
def test_a_false_receipt_frees_nothing(
    stage: Stage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    signer: str,
    changes: dict[str, Any],
    rule: str,
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    forge(stage, monkeypatch, signer, **changes)

    with pytest.raises(Rejected) as caught:
        client.contribute(round_, vector(1))

    assert caught.value.rule == rule
    assert state_of(client, 0) is ClientState.SEALED


def test_sealed_bytes_that_the_disk_changed_are_not_sent(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    client._contributor._seal(round_, vector(1))
    (file,) = payload_files(tmp_path / "state")
    changed = bytearray(file.read_bytes())
    changed[77] ^= 1
    file.write_bytes(changed)

    with pytest.raises(Rejected) as caught:
        client.contribute(round_, vector(1))
    assert caught.value.rule == "damaged-payload"

    file.unlink()
    with pytest.raises(Rejected) as caught:
        client.contribute(round_, vector(1))
    assert caught.value.rule == "damaged-payload"
    assert stage.calls.count("SubmitHeader") == 0


def test_an_aggregator_that_claims_more_bytes_than_there_are_is_rejected(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    state = contribution_pb2.UploadState(committed_bytes=1 << 40)
    monkeypatch.setattr(stage.calls, "_state", lambda _: state)

    with pytest.raises(Rejected) as caught:
        client.contribute(round_, vector(1))
    assert caught.value.rule == "upload-offset"


def test_no_receipt_behind_the_last_byte_leaves_the_contribution_queued(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client._contributor._seal(next(client.rounds()), vector(1))
    state = contribution_pb2.UploadState(committed_bytes=0)
    monkeypatch.setattr(stage.calls, "_state", lambda _: state)
    (entry,) = client._contributor.outbox.in_states(ClientState.SEALED)

    with pytest.raises(Unavailable) as caught:
        client._contributor.sender.send(entry)

    assert caught.value.rule == "no-receipt"
    assert state_of(client, 0) is ClientState.SEALED


def test_a_false_close_frees_nothing(stage: Stage, tmp_path: Path) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    round_ = next(client.rounds())
    client._contributor._seal(round_, vector(1))
    stage.abort()
    closes = stage.rounds[0].closes
    forged = stage.people.sign(closes[2].body, "hungary")
    stage.rounds[0].closes = (*closes[:2], replace(forged, signer=closes[2].signer))

    with pytest.raises(Rejected) as caught:
        client.outcome(round_)

    assert caught.value.rule == "bad-signature"
    assert state_of(client, 0) is ClientState.SEALED


def test_a_broken_contribution_stays_queued_and_lets_the_client_go_on(
    stage: Stage, tmp_path: Path
) -> None:
    stage.open_round()
    client = stage.client(tmp_path / "state")
    client._contributor._seal(next(client.rounds()), vector(1))
    (file,) = payload_files(tmp_path / "state")
    file.write_bytes(b"broken")

    assert client._contributor.sender.send_queued() == ()
    assert state_of(client, 0) is ClientState.SEALED

    stage.abort()
    stage.open_round()
    assert next(client.rounds()).number == 1
    assert state_of(client, 0) is ClientState.FREED
