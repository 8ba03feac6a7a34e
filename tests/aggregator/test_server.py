"""The process: health, graceful end, one state, one port, TLS."""

import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from tests.aggregator.cast import INITIAL, Cast
from tests.aggregator.server_thread import ServerThread
from tests.aggregator.wire import SECONDS, refused

from blindsum_crypto.errors import Refused, Unavailable
from blindsum_crypto.tls import create_authority, issue
from blindsum_protos.calling import TlsFiles
from blindsum_protos.v1 import aggregator_pb2
from blindsum_rules.model import encode_model


def test_the_health_service_answers_without_a_call(server: ServerThread) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(
            health_pb2.HealthCheckRequest(service="blindsum.v1.Aggregator"), timeout=SECONDS
        )

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_graceful_stop_lets_waiting_clients_go(timely: Cast, tmp_path: Path) -> None:
    server = ServerThread([timely], tmp_path, manual_rounds=True)
    answers: list[Any] = []
    request = aggregator_pb2.NextRoundRequest(study="heart", after=-1, wait_seconds=60)
    calls = server.caller("client-0")
    thread = threading.Thread(
        target=lambda: answers.append(calls.unary("NextRound", request, SECONDS))
    )
    thread.start()
    time.sleep(0.3)

    begun = time.monotonic()
    server.stop()
    thread.join(SECONDS)

    assert time.monotonic() - begun < 10
    assert [answer.HasField("spec") for answer in answers] == [False]


def test_the_state_belongs_to_one_process(server: ServerThread, timely: Cast) -> None:
    rule = refused(lambda: ServerThread([timely], server.settings.state_directory))

    assert rule == "state-in-use"


def test_a_port_that_is_taken_is_told(timely: Cast, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Unavailable) as caught:
            ServerThread([timely], tmp_path, port=taken.getsockname()[1])

    assert caught.value.rule == "port"


def test_an_aggregator_serves_no_study_that_names_another_key(timely: Cast, tmp_path: Path) -> None:
    other = Cast(
        {**timely.identities, "aggregator": timely.identities["operator"]},
        timely.wrap_keys,
        timely.signed_manifest,
    )

    with pytest.raises(Refused) as caught:
        ServerThread([other], tmp_path)

    assert caught.value.rule == "other-aggregator"


@pytest.fixture
def tls(tmp_path: Path) -> dict[str, Path]:
    """PEM files of an authority, the server, a client, and a foreign client."""
    authority, foreign = create_authority("site", 1), create_authority("elsewhere", 1)
    pairs = {
        "authority": authority,
        "server": issue(authority, ["127.0.0.1"], 1),
        "client": issue(authority, ["client-0"], 1),
        "stranger": issue(foreign, ["client-0"], 1),
    }
    files = {}
    for name, (certificate, key) in pairs.items():
        for part, data in ((f"{name}.pem", certificate), (f"{name}.key", key)):
            files[part] = tmp_path / part
            files[part].write_bytes(data)
    return files


def test_with_tls_and_client_certificates_only_the_site_s_own_get_in(
    timely: Cast, tls: dict[str, Path], build_server: Callable[..., ServerThread]
) -> None:
    server = build_server(
        timely,
        manual_rounds=True,
        tls_certificate=tls["server.pem"],
        tls_key=tls["server.key"],
        tls_client_authority=tls["authority.pem"],
    )
    digest = timely.manifest.initial_model_digest
    own = TlsFiles(tls["authority.pem"], tls["client.pem"], tls["client.key"])
    foreign = TlsFiles(tls["authority.pem"], tls["stranger.pem"], tls["stranger.key"])
    bare = TlsFiles(tls["authority.pem"])

    assert server.caller("client-0", own).fetch_blob(digest) == encode_model(INITIAL)
    for outside in (foreign, bare, None):
        fetch = partial(server.caller("client-0", outside).fetch_blob, digest)
        assert refused(fetch) == "aggregator-unreachable"
