"""Sending: header, then payload from where the aggregator wants it, until its receipt is here.

What is sent are the stored bytes, however often. A refusal frees nothing: an upload that came after
the freeze stays queued until a quorum closed the round.
"""

import hmac
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from blindsum_client.outbox import Entry, Outbox
from blindsum_client.patience import try_patiently
from blindsum_client.stages import Stage, Stages
from blindsum_client.transport import Transport
from blindsum_client.verification import Verifier
from blindsum_crypto import domains
from blindsum_crypto.errors import BlindsumError, Rejected, Unavailable
from blindsum_crypto.primitives import DigestStream
from blindsum_protos.limits import CHUNK_BYTES
from blindsum_rules.close import Close
from blindsum_rules.outcome_checks import frees_queue
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed
from blindsum_rules.spec_checks import CLOCK_SKEW_SECONDS
from blindsum_rules.transitions import ClientEvent, ClientState

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sender:
    """What moves contributions from the outbox to the aggregator.

    Attributes:
        outbox: Where they lie.
        transport: How they travel.
        verifier: Checks the receipts.
        clock: UTC seconds.
        stop: Ends every waiting.
        stages: Whom to tell how far a contribution is.
    """

    outbox: Outbox
    transport: Transport
    verifier: Verifier
    clock: Callable[[], float]
    stop: threading.Event
    stages: Stages = field(default_factory=Stages)

    def send(self, entry: Entry) -> Signed[Receipt]:
        """Send one queued contribution, and go on where an earlier attempt was cut off.

        Returns:
            The verified receipt; the entry is then freed.

        Raises:
            Unavailable: the network's word; what was not sent stays queued.
            Refused: the aggregator's word (`collection-closed` after the freeze); it stays queued.
            Rejected: `damaged-payload`, when the stored bytes are not those that were signed;
                `upload-offset`; a rule of the receipt's check.
        """
        _check_payload_file(entry)
        progress = self.transport.submit_header(entry)
        if progress.receipt is None:
            size = entry.contribution.body.core.payload_bytes
            if progress.committed_bytes > size:
                raise Rejected(
                    "upload-offset", f"expected at most {size}, got {progress.committed_bytes}"
                )
            self.stages.tell(entry.round_number, Stage.HEADER)
            progress = self.transport.upload(entry, progress.committed_bytes)
            self.stages.tell(entry.round_number, Stage.PAYLOAD)
        if progress.receipt is None:
            raise Unavailable("no-receipt", "expected a receipt behind the last byte")
        self.verifier.receipt(progress.receipt, entry)
        self.outbox.move(entry.round_number, ClientEvent.RECEIPT, progress.receipt)
        self.stages.tell(entry.round_number, Stage.RECEIPT)
        _log.info("receipt", round_number=entry.round_number)
        return progress.receipt

    def send_patiently(self, entry: Entry) -> Signed[Receipt]:
        """Send, and try again while the network fails and the round may still take it.

        Raises:
            Unavailable: the last attempt's, when the deadline has passed or the client stops.
            Refused, Rejected: as `send`.
        """
        latest = entry.deadline_unix + CLOCK_SKEW_SECONDS
        return try_patiently(
            lambda: self.send(entry), self.stop, may_go_on=lambda: self.clock() <= latest
        )

    def send_queued(self) -> tuple[Signed[Receipt], ...]:
        """Try once to send everything that is queued; what does not go stays queued.

        Returns:
            The receipts that came.
        """
        receipts = []
        for entry in self.outbox.in_states(ClientState.SEALED):
            try:
                receipts.append(self.send(entry))
            except BlindsumError as error:
                _log.warning("still-queued", round_number=entry.round_number, rule=error.rule)
        return tuple(receipts)

    def free_closed(self, closes: Iterable[Signed[Close]]) -> None:
        """Free what a quorum of closes ended.

        Raises:
            Rejected: when a close of a waiting round does not hold.
        """
        all_closes = tuple(closes)
        for entry in self.outbox.in_states(ClientState.SEALED, ClientState.SENT):
            manifest = self.verifier.manifests.at(entry.round_number)
            if frees_queue(entry.round_number, all_closes, manifest.body, manifest.digest):
                self.outbox.move(entry.round_number, ClientEvent.CLOSES)
                _log.info("freed-by-closes", round_number=entry.round_number)


def _check_payload_file(entry: Entry) -> None:
    """Check that the disk gives back what was signed, before anybody else has to."""
    stream = DigestStream(domains.PAYLOAD)
    try:
        with entry.payload_file.open("rb") as payload:
            while data := payload.read(CHUNK_BYTES):
                stream.update(data)
    except FileNotFoundError as error:
        raise Rejected("damaged-payload", "expected the sealed bytes in the outbox") from error
    if not hmac.compare_digest(stream.digest(), entry.contribution.body.core.payload_digest):
        raise Rejected("damaged-payload", "expected the sealed bytes as they were signed")
