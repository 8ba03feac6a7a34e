"""The frame of every call over the wire: who is let in, and how the door says no (T26)."""

# ruff: noqa: ANN401

from typing import Any

import grpc
import pytest
from tests.aggregator.cast import Cast
from tests.aggregator.server_thread import ServerThread
from tests.aggregator.wire import SECONDS, call_metadata, open_round, refused

from blindsum_protos.calling import CALL_METADATA, REFUSAL_METADATA
from blindsum_protos.convert.signed import signed_from_bytes, to_wire
from blindsum_protos.limits import MAX_MESSAGE_BYTES
from blindsum_protos.v1 import aggregator_pb2, contribution_pb2
from blindsum_protos.v1.aggregator_pb2_grpc import AggregatorStub
from blindsum_rules.refusal import Refusal


def test_a_refusal_is_signed_and_names_what_it_refuses(server: ServerThread, timely: Cast) -> None:
    sent = timely.contribute(open_round(server, timely), "client-1")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = AggregatorStub(channel)  # type: ignore[no-untyped-call]
        metadata = call_metadata(timely, "client-2", "SubmitHeader")
        header = contribution_pb2.HeaderSubmission(contribution=to_wire(sent.contribution))

        with pytest.raises(grpc.RpcError) as caught:
            stub.SubmitHeader(header, metadata=metadata, timeout=SECONDS)

    error: Any = caught.value
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    refusal = signed_from_bytes(
        Refusal, dict(error.trailing_metadata())[REFUSAL_METADATA], timely.manifest.aggregator_key
    )
    assert refusal.body.rule == "not-own-contribution"
    assert refusal.body.request_digest == sent.contribution.digest


@pytest.mark.parametrize("metadata", [None, ((CALL_METADATA, b"nothing that was signed"),)])
def test_a_stranger_is_unauthenticated_and_gets_a_signed_word(
    server: ServerThread, timely: Cast, metadata: Any
) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = AggregatorStub(channel)  # type: ignore[no-untyped-call]
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetStatus(
                aggregator_pb2.StatusRequest(study="heart"), metadata=metadata, timeout=SECONDS
            )

    error: Any = caught.value
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    data = dict(error.trailing_metadata())[REFUSAL_METADATA]
    signed_from_bytes(Refusal, data, timely.manifest.aggregator_key)


def test_a_call_over_the_wire_is_good_once(server: ServerThread, timely: Cast) -> None:
    metadata = call_metadata(timely, "operator", "GetStatus")
    request = aggregator_pb2.StatusRequest(study="heart")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = AggregatorStub(channel)  # type: ignore[no-untyped-call]
        stub.GetStatus(request, metadata=metadata, timeout=SECONDS)

        with pytest.raises(grpc.RpcError) as caught:
            stub.GetStatus(request, metadata=metadata, timeout=SECONDS)

    error: Any = caught.value
    assert error.details() == "call-repeated"


def test_an_unknown_field_in_a_request_is_refused(server: ServerThread) -> None:
    request = aggregator_pb2.StatusRequest.FromString(
        aggregator_pb2.StatusRequest(study="heart").SerializeToString() + b"\x7a\x01x"
    )

    assert refused(lambda: server.caller("operator").unary("GetStatus", request, SECONDS)) == (
        "unknown-field"
    )


def test_a_request_about_another_study_than_the_call_is_rejected(server: ServerThread) -> None:
    request = aggregator_pb2.StatusRequest(study="lung")

    assert refused(lambda: server.caller("operator").unary("GetStatus", request, SECONDS)) == (
        "wrong-study"
    )


def test_a_message_beyond_the_limit_is_not_even_read(server: ServerThread, timely: Cast) -> None:
    metadata = call_metadata(timely, "client-0", "SubmitHeader")
    header = contribution_pb2.HeaderSubmission(wraps=[bytes(MAX_MESSAGE_BYTES)])
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = AggregatorStub(channel)  # type: ignore[no-untyped-call]
        with pytest.raises(grpc.RpcError) as caught:
            stub.SubmitHeader(header, metadata=metadata, timeout=SECONDS)

    error: Any = caught.value
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
