"""The custodian's line to its aggregator: duties come in on it, answers go out, nothing listens."""

import threading
from collections.abc import Generator
from typing import Any

from blindsum_crypto.errors import Unavailable
from blindsum_custodian.custodian import Duty, RoundStep
from blindsum_custodian.duties import (
    UnreadableDuty,
    answer_to_message,
    attendance_to_message,
    held_in_status,
    read_duty,
    status_request,
)
from blindsum_custodian.recollect import Held
from blindsum_custodian.settings import CustodianSettings
from blindsum_protos.calling import AggregatorCalls
from blindsum_protos.convert.call import Caller
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed


class AggregatorLine:
    """One custodian's connections to the aggregator of one study.

    Duties have a connection of their own: it can be hung up while an answer is still on its way.
    """

    def __init__(self, settings: CustodianSettings, manifest: Manifest, caller: Caller) -> None:
        """Prepare both connections; nothing is sent yet."""
        self._study = manifest.study
        self._name = caller.name
        self._answer_seconds = settings.answer_seconds
        self._incoming = AggregatorCalls(settings.aggregator, manifest, caller, settings.tls)
        self._outgoing = AggregatorCalls(settings.aggregator, manifest, caller, settings.tls)
        self._hung_up = threading.Event()

    def duties(self, steps: tuple[RoundStep, ...]) -> Generator[Duty | UnreadableDuty, None, None]:
        """Attend: receive duties until the connection ends or is hung up.

        Raises:
            Unavailable: `aggregator-unreachable`; `hung-up`, after `hang_up`.
            BlindsumError: the aggregator's signed refusal.
        """
        if self._hung_up.is_set():
            raise Unavailable("hung-up", "expected to attend until the end")
        try:
            for message in self._incoming.attend(attendance_to_message(self._study, steps)):
                yield read_duty(message)
        except ValueError as error:
            # What gRPC says when the channel was closed between the question above and the call.
            if not self._hung_up.is_set():
                raise
            raise Unavailable("hung-up", "expected to attend until the end") from error

    def held(self) -> tuple[Held, ...]:
        """What the aggregator says that it has of this custodian; errors as `duties`."""
        request = status_request(self._study)
        status = self._outgoing.unary("GetStatus", request, self._answer_seconds)
        return held_in_status(status, self._name)

    def answer(self, answer: Signed[Any]) -> None:
        """Send one answer; errors as `duties`."""
        self._outgoing.unary("Answer", answer_to_message(answer), self._answer_seconds)

    def fetch_signed(self, digest: bytes) -> bytes:
        """The bytes of a signed message by its digest; errors as `duties`."""
        return self._outgoing.fetch_signed(digest)

    def hang_up(self) -> None:
        """End the stream of duties, from any thread; answers may still be sent."""
        self._hung_up.set()
        self._incoming.close()

    def close(self) -> None:
        """End everything."""
        self.hang_up()
        self._outgoing.close()
