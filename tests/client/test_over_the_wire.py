"""The client over real sockets: signed calls, refusals by name, interrupted streams, hang-ups."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs
from tests.client.people import peers, vector
from tests.client.stage import Stage
from tests.client.uploads import open_sum
from tests.client.wire import WireServer

from blindsum_client.agent import Agent
from blindsum_client.client import Client
from blindsum_client.joining import Membership
from blindsum_client.round import Round
from blindsum_client.state_folder import StateFolder
from blindsum_client.update import Update
from blindsum_crypto.errors import Refused, Unavailable
from blindsum_crypto.identity import Identity
from blindsum_crypto.randomness import SystemRandomness
from blindsum_protos.calling import AggregatorCalls
from blindsum_protos.convert.call import Caller
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.local_policy import ClientPolicy
from blindsum_rules.manifest import Party
from blindsum_rules.model import Layout, NamedArray, encode_model, model_digest


@pytest.fixture
def server(stage: Stage) -> Iterator[WireServer]:
    running = WireServer(stage)
    yield running
    running.stop()


@pytest.fixture
def client(stage: Stage, server: WireServer, tmp_path: Path) -> Iterator[Client]:
    identity = stage.people.identities["cleveland"]
    membership = Membership(
        AmendedManifest(stage.manifest),
        "cleveland",
        identity,
        (stage.people.agreements["cleveland"],),
        ClientPolicy(),
    )
    calls = AggregatorCalls(server.address, stage.manifest.body, Caller("cleveland", identity))
    folder = StateFolder.at(tmp_path / "state")
    joined = Client(membership, calls, folder, clock=lambda: stage.now)
    yield joined
    joined.close()


def test_a_study_of_two_rounds_runs_over_the_wire(
    stage: Stage, server: WireServer, client: Client
) -> None:
    stage.open_round()

    for round_ in client.rounds():
        client.contribute(round_, vector(round_.number))
        stage.publish(peers())
        assert client.outcome(round_).included
        if round_.number == 0:
            stage.open_round()
        else:
            stage.end_study()

    assert np.array_equal(client.final()["weight"].ravel(), stage.model[:6])
    assert set(server.service.callers) == {"cleveland"}


def test_a_refusal_of_the_aggregator_arrives_by_its_name(stage: Stage, client: Client) -> None:
    staged = stage.open_round()
    round_ = next(client.rounds())
    staged.collecting = False

    with pytest.raises(Refused) as caught:
        client.contribute(round_, vector(1))
    assert caught.value.rule == "collection-closed"
    assert caught.value.expected == "expected an upload before the freeze"


def test_an_aggregator_that_stops_in_the_middle_of_an_upload_gets_the_rest_when_it_is_back(
    stage: Stage, server: WireServer, client: Client
) -> None:
    staged = stage.open_round()
    round_ = next(client.rounds())
    stage.calls.cut_after_bytes = 1000
    stopped = threading.Event()

    def stop_the_server() -> None:
        stopped.set()
        raise Unavailable("restarting", "expected another moment")

    stage.calls._raise_cut = stop_the_server  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as threads:
        sending = threads.submit(client.contribute, round_, vector(1))
        assert stopped.wait(10)
        server.stop()
        server.start_again()
        receipt = sending.result(30)

    assert receipt == staged.uploads["cleveland"].receipt
    assert stage.calls.offsets == [0, 1000]


def test_a_client_finds_an_aggregator_that_comes_up_later(
    stage: Stage, server: WireServer, client: Client
) -> None:
    stage.open_round()
    server.stop()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(next, client.rounds())
        with pytest.raises(TimeoutError):
            waiting.result(0.3)
        server.start_again()

        assert waiting.result(30).number == 0


def test_hanging_up_ends_a_long_wait_at_once(stage: Stage, client: Client) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold(_: int) -> None:
        entered.set()
        leave.wait(20)

    stage.calls.announced = hold
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(list, client.rounds())
        assert entered.wait(10)
        client.close()

        assert waiting.result(5) == []
        leave.set()


def test_an_agent_at_another_studys_aggregator_says_that_somebody_else_answers(
    stage: Stage, server: WireServer, tmp_path: Path
) -> None:
    other = Party("aggregator", Identity.generate(SystemRandomness()).public)
    mine = stage.people.sign(replace(stage.manifest.body, aggregator=other), "operator")
    identity = stage.people.identities["cleveland"]
    membership = Membership(
        AmendedManifest(mine),
        "cleveland",
        identity,
        (stage.people.agreements["cleveland"],),
        ClientPolicy(),
    )
    calls = AggregatorCalls(server.address, mine.body, Caller("cleveland", identity))

    with (
        Client(membership, calls, StateFolder.at(tmp_path / "elsewhere")) as client,
        capture_logs() as logs,
        ThreadPoolExecutor(1) as threads,
    ):
        running = threads.submit(Agent(client, no_training).run)
        deadline = time.monotonic() + 10
        while not logs and time.monotonic() < deadline:
            time.sleep(0.01)
        client.close()
        with pytest.raises(Unavailable):
            running.result(10)

    assert logs[0]["event"] == "announcement-refused"
    assert logs[0]["rule"] == "wrong-aggregator"
    assert "somebody else answers there" in logs[0]["expected"]
    assert server.address in logs[0]["expected"]


def no_training(_model: object, _round: Round) -> Update:
    raise AssertionError("expected no round to train for")


def test_a_call_after_hanging_up_is_an_error_of_ours(client: Client) -> None:
    client.close()

    with pytest.raises(Unavailable) as caught:
        client._transport.next_round(-1, 1)
    assert caught.value.rule == "stopped"


@pytest.mark.slow
def test_a_payload_of_many_chunks_arrives_whole_and_opens(tmp_path: Path) -> None:
    """A model of 1.5 million values, fetched in pieces and sealed into a stream of 1 MiB chunks."""
    stage = Stage()
    size = 1_500_000
    layout = Layout((NamedArray("weight", (size,)),))
    model = np.zeros(size, np.float32)
    body = replace(stage.manifest.body, layout=layout, initial_model_digest=model_digest(model))
    stage.manifest = stage.people.sign(body, "operator")
    stage.model = model
    stage.blobs = {body.initial_model_digest: encode_model(model)}
    staged = stage.open_round()
    server = WireServer(stage)
    identity = stage.people.identities["cleveland"]
    membership = Membership(
        AmendedManifest(stage.manifest),
        "cleveland",
        identity,
        (stage.people.agreements["cleveland"],),
        ClientPolicy(),
    )
    calls = AggregatorCalls(server.address, body, Caller("cleveland", identity))
    integers = np.append(np.arange(size, dtype=np.int64) % 2001 - 1000, np.int64(77))

    with Client(
        membership, calls, StateFolder.at(tmp_path / "state"), clock=lambda: stage.now
    ) as client:
        client.contribute(next(client.rounds()), integers)
    server.stop()

    assert len(stage.calls.offsets) > 2
    total = open_sum(staged.spec, staged.uploads, body, stage.people)
    assert np.array_equal(total, integers)
