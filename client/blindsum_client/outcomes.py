"""Waiting for the end of a round, and settling outbox and ledger by it."""

import threading
from dataclasses import dataclass
from typing import Final

from blindsum_client.ledger import Ledger
from blindsum_client.outbox import Outbox
from blindsum_client.outcome import Outcome
from blindsum_client.patience import try_patiently
from blindsum_client.round import Round
from blindsum_client.sending import Sender
from blindsum_client.transport import OutcomeReport, Transport
from blindsum_client.verification import Verifier
from blindsum_crypto.errors import Unavailable
from blindsum_rules.transitions import CLIENT, ClientEvent

WAIT_SECONDS: Final = 30
"""How long the aggregator may hold one request for an outcome."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Waits for outcomes, verifies them and settles what they settle.

    Attributes:
        outbox: This client's contributions.
        ledger: Settles a round by its certificate.
        sender: Frees what closes free.
        verifier: Checks certificates and notices.
        transport: Where reports come from.
        stop: Ends the waiting.
    """

    outbox: Outbox
    ledger: Ledger
    sender: Sender
    verifier: Verifier
    transport: Transport
    stop: threading.Event

    def wait(self, round_: Round) -> Outcome:
        """Wait until the round is published or aborted.

        Raises:
            Refused, Rejected: when what the aggregator says does not hold.
            Unavailable: `stopped`, when the client was closed meanwhile.
        """
        while not self.stop.is_set():
            outcome = try_patiently(lambda: self._ask(round_), self.stop)
            if outcome is not None:
                return outcome
        raise Unavailable("stopped", "expected a client that is not closed")

    def _ask(self, round_: Round) -> Outcome | None:
        report = self.transport.outcome(round_.number, WAIT_SECONDS)
        outcome = self._verified(report, round_)
        self.sender.free_closed(report.closes)
        return outcome

    def _verified(self, report: OutcomeReport, round_: Round) -> Outcome | None:
        if report.certificate is not None:
            entry = self.outbox.entry(round_.number)
            outcome = self.verifier.published(
                report.certificate, report.endorsements, round_, entry
            )
            if outcome.included and entry is not None:
                self._settle(entry.round_number)
            if outcome.freeze is not None:
                self.ledger.settle(outcome.freeze)
            return outcome
        if report.abort is not None:
            return self.verifier.aborted(report.abort, round_)
        return None

    def _settle(self, round_number: int) -> None:
        entry = self.outbox.entry(round_number)
        if entry is not None and (entry.state, ClientEvent.CERTIFICATE) in CLIENT:
            self.outbox.move(round_number, ClientEvent.CERTIFICATE)
