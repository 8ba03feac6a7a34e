"""How a party calls the aggregator: every call signed, every signed refusal raised again.

Clients, custodians and operators all dial out, so this stands once, beside the wire. TLS is a
setting; the signature of each call holds with it and without.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.message import Message

from blindsum_crypto.errors import BlindsumError, Rejected, Unavailable
from blindsum_crypto.randomness import Randomness, SystemRandomness
from blindsum_protos.convert.call import Caller, sign_call
from blindsum_protos.convert.refusal import error_from_refusal
from blindsum_protos.convert.signed import signed_from_bytes
from blindsum_protos.limits import MAX_MESSAGE_BYTES
from blindsum_protos.v1 import aggregator_pb2, contribution_pb2
from blindsum_protos.v1.aggregator_pb2_grpc import AggregatorStub
from blindsum_rules.aggregate import SALT_BYTES
from blindsum_rules.manifest import Manifest
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import verify

SERVICE: Final = "/blindsum.v1.Aggregator/"
CALL_METADATA: Final = "blindsum-call-bin"
REFUSAL_METADATA: Final = "blindsum-refusal-bin"

KEEPALIVE_MILLISECONDS: Final = 60_000
"""Load balancers drop connections that are idle for four minutes; ping well before."""

MAX_SIGNED_BYTES: Final = 16 << 20
"""Largest signed message that is fetched: a freeze of 100,000 clients has about 5 MB."""

_FETCH_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of a TLS connection.

    Attributes:
        authority: Certificate of the authority that signed the aggregator's certificate.
        certificate: This party's own certificate, if the aggregator asks for one (mTLS).
        key: Its private key.
    """

    authority: Path
    certificate: Path | None = None
    key: Path | None = None


class AggregatorCalls:
    """One party's connection to one aggregator, for one study. Safe to share between threads."""

    def __init__(
        self,
        address: str,
        manifest: Manifest,
        caller: Caller,
        tls: TlsFiles | None = None,
        randomness: Randomness | None = None,
    ) -> None:
        """Prepare the connection; nothing is sent yet.

        Args:
            address: "host:port" of the aggregator.
            manifest: The study's verified manifest; refusals must be signed by its aggregator.
            caller: Who calls: a party of the manifest and its identity.
            tls: PEM files, or None for plain TCP on a private network.
            randomness: Source of the calls' nonces; the system's unless given.
        """
        self._manifest = manifest
        self._caller = caller
        self._randomness = randomness or SystemRandomness()
        self._channel = _channel(address, tls)
        # The generated stub has no types.
        self._stub: Any = AggregatorStub(self._channel)  # type: ignore[no-untyped-call]
        self._address = address

    def unary(self, method: str, request: Message, timeout_seconds: float) -> Any:  # noqa: ANN401
        """Make one call and return its answer, of the type that the service declares for it.

        Args:
            method: Name of the call in the service, "NextRound".
            request: Its request message.
            timeout_seconds: After this long the call is given up.

        Raises:
            BlindsumError: the aggregator's signed refusal, as the error that it stands for.
            Rejected: `wrong-aggregator`, when a refusal is signed with another key than the one
                that the manifest names.
            Unavailable: `aggregator-unreachable`, when the network gave no answer.
        """
        try:
            return getattr(self._stub, method)(
                request, timeout=timeout_seconds, metadata=self._metadata(method)
            )
        except grpc.RpcError as error:
            raise self._error(error) from None

    def upload(
        self, chunks: Iterator[contribution_pb2.PayloadChunk], timeout_seconds: float
    ) -> contribution_pb2.UploadState:
        """Stream a payload; errors as in `unary`."""
        try:
            state: contribution_pb2.UploadState = self._stub.UploadPayload(
                chunks, timeout=timeout_seconds, metadata=self._metadata("UploadPayload")
            )
        except grpc.RpcError as error:
            raise self._error(error) from None
        return state

    def attend(self, attendance: aggregator_pb2.Attendance) -> Iterator[aggregator_pb2.Duty]:
        """Receive duties until the connection ends; errors as in `unary`."""
        try:
            yield from self._stub.Attend(attendance, metadata=self._metadata("Attend"))
        except grpc.RpcError as error:
            raise self._error(error) from None

    def fetch_signed(self, digest: bytes) -> bytes:
        """Fetch a serialised `Signed` by its digest, piece by piece; the caller verifies it."""
        return self._fetch("FetchSigned", digest, MAX_SIGNED_BYTES)

    def fetch_blob(self, digest: bytes) -> bytes:
        """Fetch a model by its digest or an aggregate by its commitment; the caller verifies it."""
        return self._fetch("FetchBlob", digest, SALT_BYTES + 8 * self._manifest.vector_length)

    def close(self) -> None:
        """End every call in progress and the connection."""
        self._channel.close()

    def _fetch(self, method: str, digest: bytes, max_bytes: int) -> bytes:
        pieces: list[bytes] = []
        received = 0
        while True:
            request = aggregator_pb2.FetchRequest(
                study=self._manifest.study, digest=digest, offset=received
            )
            piece = self.unary(method, request, _FETCH_SECONDS)
            if max(piece.total_bytes, received + len(piece.data)) > max_bytes:
                raise Rejected("oversize", f"expected at most {max_bytes} bytes behind a digest")
            pieces.append(piece.data)
            received += len(piece.data)
            if received >= piece.total_bytes:
                return b"".join(pieces)
            if not piece.data:
                raise Rejected(
                    "short-piece", f"expected {piece.total_bytes} bytes, got {received} and no more"
                )

    def _metadata(self, method: str) -> tuple[tuple[str, bytes], ...]:
        signed = sign_call(self._manifest, SERVICE + method, self._caller, self._randomness)
        return ((CALL_METADATA, signed),)

    def _error(self, error: grpc.RpcError) -> BlindsumError:
        """The error behind a failed call: the aggregator's own word if it signed one."""
        for key, value in _trailing_metadata(error):
            if key == REFUSAL_METADATA:
                return self._refusal(value)
        code = _as_call(error).code().name
        return Unavailable(
            "aggregator-unreachable",
            f"expected an answer of the aggregator at {self._address}, got {code}; is it running "
            "there, and do the TLS settings of both sides agree?",
        )

    def _refusal(self, data: bytes) -> BlindsumError:
        refusal = signed_from_bytes(Refusal, data)
        try:
            verify(refusal, self._manifest.aggregator_key)
        except Rejected:
            # Seen most often at an address where the aggregator of another study answers.
            return Rejected(
                "wrong-aggregator",
                f"expected the aggregator {self._manifest.aggregator.name!r} of study "
                f"{self._manifest.study!r} at {self._address}; somebody else answers there, whose "
                "refusal is not signed with the key that the manifest names; is this the address "
                "that the operator gave?",
            )
        return error_from_refusal(refusal.body)


def _as_call(error: grpc.RpcError) -> Any:  # noqa: ANN401
    """Every error of a finished call is that call too, which grpc's types do not say."""
    return error


def _trailing_metadata(error: grpc.RpcError) -> list[tuple[str, bytes]]:
    metadata = _as_call(error).trailing_metadata()
    return [(key, value) for key, value in metadata or () if isinstance(value, bytes)]


def _channel(address: str, tls: TlsFiles | None) -> grpc.Channel:
    options = [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", KEEPALIVE_MILLISECONDS),
        # A custodian that waits for an aggregator to come back must notice within seconds.
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.enable_http_proxy", 0),
    ]
    if tls is None:
        return grpc.insecure_channel(address, options=options)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=tls.authority.read_bytes(),
        private_key=tls.key.read_bytes() if tls.key else None,
        certificate_chain=tls.certificate.read_bytes() if tls.certificate else None,
    )
    return grpc.secure_channel(address, credentials, options=options)
