"""The client's side of the wire: messages out, values in. Nothing here is believed yet."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from google.protobuf.message import Message

from blindsum_client.outbox import Entry
from blindsum_crypto.errors import Rejected, Unavailable
from blindsum_protos.convert.signed import parse_signed, signed_from_bytes, to_wire
from blindsum_protos.limits import CHUNK_BYTES
from blindsum_protos.v1 import aggregator_pb2, contribution_pb2
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.certificate import Abort, Certificate
from blindsum_rules.close import Close
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import BodyT, Signed
from blindsum_rules.spec import Spec

CALL_SECONDS: Final = 30.0
"""Time of a call beyond what it waits for by design."""

SLOWEST_BYTES_PER_SECOND: Final = 64 << 10
"""An upload that is slower than this on average is broken off, and resumed where it stopped."""


class Calls(Protocol):
    """What this file needs of `blindsum_protos.calling.AggregatorCalls`."""

    def unary(self, method: str, request: Message, timeout_seconds: float) -> Any:  # noqa: ANN401
        """Make one call; the class of the answer depends on the method."""
        ...

    def upload(
        self, chunks: Iterator[contribution_pb2.PayloadChunk], timeout_seconds: float
    ) -> contribution_pb2.UploadState:
        """Stream a payload."""
        ...

    def fetch_signed(self, digest: bytes) -> bytes:
        """Fetch a signed message."""
        ...

    def fetch_blob(self, digest: bytes) -> bytes:
        """Fetch a model or an aggregate."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Announcement:
    """A spec and its acceptances as they came; neither is verified."""

    spec: Signed[Spec]
    acceptances: tuple[Signed[Acceptance], ...]


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """How much of a payload the aggregator holds, and its receipt once that is all; unverified."""

    committed_bytes: int
    receipt: Signed[Receipt] | None


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """How a round stands, as the aggregator says; unverified. Neither notice: it goes on."""

    certificate: Signed[Certificate] | None
    acceptances: tuple[Signed[Acceptance], ...]
    endorsements: tuple[Signed[Endorsement], ...]
    abort: Signed[Abort] | None
    closes: tuple[Signed[Close], ...]


class Transport:
    """One client's calls to the aggregator, as values."""

    def __init__(self, calls: Calls, study: str) -> None:
        """Speak about one study over an open connection."""
        self._calls = calls
        self._study = study

    def next_round(self, after: int, wait_seconds: int) -> Announcement | None:
        """The newest accepted round above `after`; None when there is none within the wait."""
        request = aggregator_pb2.NextRoundRequest(
            study=self._study, after=after, wait_seconds=wait_seconds
        )
        answer = self._unary("NextRound", request, wait_seconds + CALL_SECONDS)
        if not answer.HasField("spec"):
            return None
        acceptances = tuple(parse_signed(Acceptance, one) for one in answer.acceptances)
        return Announcement(parse_signed(Spec, answer.spec), acceptances)

    def submit_header(self, entry: Entry) -> UploadProgress:
        """Send header, wraps and pair table; the answer says from where the payload is wanted."""
        submission = contribution_pb2.HeaderSubmission(
            contribution=to_wire(entry.contribution),
            wraps=entry.wraps,
            pair_table=entry.pair_table,
        )
        return _progress(self._unary("SubmitHeader", submission, CALL_SECONDS))

    def upload(self, entry: Entry, offset: int) -> UploadProgress:
        """Stream the payload from `offset` (bytes) to its end."""
        remaining = entry.contribution.body.core.payload_bytes - offset
        seconds = CALL_SECONDS + max(0, remaining) / SLOWEST_BYTES_PER_SECOND
        chunks = _chunks(entry.payload_file, entry.contribution.digest, offset)
        return _progress(self._calls.upload(chunks, seconds))

    def outcome(self, round_number: int, wait_seconds: int) -> OutcomeReport:
        """How a round stands, after waiting for its end."""
        request = aggregator_pb2.OutcomeRequest(
            study=self._study, round_number=round_number, wait_seconds=wait_seconds
        )
        answer = self._unary("GetOutcome", request, wait_seconds + CALL_SECONDS)
        return OutcomeReport(
            certificate=_optional(Certificate, answer, "certificate"),
            acceptances=tuple(parse_signed(Acceptance, one) for one in answer.acceptances),
            endorsements=tuple(parse_signed(Endorsement, one) for one in answer.endorsements),
            abort=_optional(Abort, answer, "abort"),
            closes=tuple(parse_signed(Close, one) for one in answer.closes),
        )

    def signed(self, kind: type[BodyT], digest: bytes) -> Signed[BodyT]:
        """Fetch the signed message of that digest.

        Raises:
            Rejected: `fetched-digest`, when another message comes.
        """
        signed = signed_from_bytes(kind, self._calls.fetch_signed(digest))
        if not hmac.compare_digest(signed.digest, digest):
            raise Rejected(
                "fetched-digest", f"expected the {kind.__name__} of the digest asked for"
            )
        return signed

    def blob(self, digest: bytes) -> bytes:
        """Fetch a model by its digest or an aggregate by its commitment; the caller checks it."""
        return self._calls.fetch_blob(digest)

    def close(self) -> None:
        """End every call in progress."""
        self._calls.close()

    def _unary(self, method: str, request: Message, timeout_seconds: float) -> Any:  # noqa: ANN401
        try:
            return self._calls.unary(method, request, timeout_seconds)
        except ValueError as error:
            # What gRPC raises when the channel was closed by another thread a moment ago.
            raise Unavailable("stopped", "expected a client that is not closed") from error


def _chunks(
    payload_file: Path, contribution_digest: bytes, offset: int
) -> Iterator[contribution_pb2.PayloadChunk]:
    with payload_file.open("rb") as payload:
        payload.seek(offset)
        # The first message says whose payload it is, also when nothing is left to be sent.
        data = payload.read(CHUNK_BYTES)
        yield contribution_pb2.PayloadChunk(
            contribution_digest=contribution_digest, offset=offset, data=data
        )
        offset += len(data)
        while data := payload.read(CHUNK_BYTES):
            yield contribution_pb2.PayloadChunk(offset=offset, data=data)
            offset += len(data)


def _progress(state: contribution_pb2.UploadState) -> UploadProgress:
    receipt = _optional(Receipt, state, "receipt")
    return UploadProgress(committed_bytes=state.committed_bytes, receipt=receipt)


def _optional(kind: type[BodyT], message: Message, field: str) -> Signed[BodyT] | None:
    return parse_signed(kind, getattr(message, field)) if message.HasField(field) else None
