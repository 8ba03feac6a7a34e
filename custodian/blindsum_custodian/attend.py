"""The custodian's loop: dial, say where it stands, receive duties, perform them, answer.

Nothing is kept between duties but the store: the aggregator sends what is outstanding again, so a
lost connection, a lost answer and a killed process all look the same. Each study has a thread.
"""

import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

import structlog

from blindsum_crypto.errors import BlindsumError, Refused, Unavailable
from blindsum_crypto.keystore import KeyRing
from blindsum_crypto.randomness import Randomness, SystemRandomness
from blindsum_custodian.accept import AcceptDuty
from blindsum_custodian.custodian import Custodian, Duty
from blindsum_custodian.duties import UnreadableDuty
from blindsum_custodian.enrolment import enrolment
from blindsum_custodian.recollect import check_remembered
from blindsum_custodian.settings import CustodianSettings
from blindsum_custodian.transport import AggregatorLine
from blindsum_protos.convert.call import Caller
from blindsum_protos.convert.manifest import ManifestFile
from blindsum_rules.acceptance import Acceptance
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.manifest import Approval, Manifest
from blindsum_rules.refusal import Refusal
from blindsum_rules.signed import Signed

_LOG: Final[Any] = structlog.get_logger("blindsum.custodian")
_LARGEST_EXPONENT: Final = 16
_JITTER_BYTES: Final = 4


def attend(
    settings: CustodianSettings,
    key_ring: KeyRing,
    manifests: Sequence[ManifestFile | tuple[Signed[Manifest], Signed[Approval] | None]],
    stop: threading.Event | None = None,
    other_keys: Sequence[KeyRing] = (),
) -> None:
    """Serve every study until `stop` is set, or SIGTERM or SIGINT arrives in the main thread.

    A duty that is being performed is finished and answered first.

    Args:
        settings: Where aggregator and store are.
        key_ring: The custodian's identity and wrap key.
        manifests: Each study's manifest with its approval, digests compared out of band, and what
            it was amended by since, as far as is known here.
        stop: Ends the serving from another thread.
        other_keys: Key rings of other epochs of the same identity, while it changes its wrap key.

    Raises:
        Refused: `instance-mismatch`, `store-rolled-back`, `store-in-use`, when the store is not
            this custodian's whole memory; `not-a-custodian`, `manifest-changed`, `own-...` and
            what `check_signed_manifest` and `AmendedManifest.amended` raise, before anything is
            sent.
    """
    if not manifests:
        raise Refused("no-studies", "expected the manifest of at least one study")
    stopping = stop or threading.Event()
    with ExitStack() as stack:
        store = settings.open_store()
        stack.callback(store.close)
        attendants = []
        for study in manifests:
            manifest, approval, amendments = ManifestFile(*study)
            known = AmendedManifest(manifest).amended(amendments)
            caller = Caller(enrolment(known, (key_ring, *other_keys)), key_ring.identity)
            line = AggregatorLine(settings, manifest.body, caller)
            stack.callback(line.close)
            custodian = Custodian(
                manifest=manifest,
                approval=approval,
                key_ring=key_ring,
                store=store,
                fetch_signed=line.fetch_signed,
                policy=settings.policy,
                threads=settings.threads,
                amendments=tuple(amendments),
                other_keys=tuple(other_keys),
            )
            attendants.append(Attendant(custodian, line, settings, stopping, SystemRandomness()))
        with _stopped_by_signals(stopping):
            _serve(attendants, stopping)


@dataclass(frozen=True, slots=True)
class Attendant:
    """One study's custodian at its aggregator's line.

    Attributes:
        custodian: Who performs.
        line: The connections.
        settings: How long to wait before dialling again.
        stop: Set when it is to end.
        randomness: Where the jitter comes from, so that a committee does not dial all at once.
    """

    custodian: Custodian
    line: AggregatorLine
    settings: CustodianSettings
    stop: threading.Event
    randomness: Randomness

    def run(self) -> None:
        """Attend until `stop` is set, dialling again whenever the line is lost."""
        log = _LOG.bind(study=self.custodian.seat.study, custodian=self.custodian.seat.name)
        failures = 0
        while not self.stop.is_set():
            log.info("attending", aggregator=self.settings.aggregator)
            try:
                check_remembered(self.custodian.seat, self.line.held())
                # Closed when an answer fails, or the old stream would still swallow duties.
                with closing(self.line.duties(self.custodian.attendance())) as duties:
                    for duty in duties:
                        failures = 0
                        self._perform(duty, log)
                        if self.stop.is_set():
                            break
            except BlindsumError as error:
                if not self.stop.is_set():
                    log.warning("line lost", rule=error.rule, expected=error.expected)
            self.stop.wait(self._retry_seconds(failures))
            failures += 1
        log.info("stopped")

    # Any: structlog's bound loggers have no common type.
    def _perform(self, duty: Duty | UnreadableDuty, log: Any) -> None:  # noqa: ANN401
        if isinstance(duty, UnreadableDuty):
            answers: tuple[Signed[Any], ...] = (
                self.custodian.refuse(duty.error, duty.request_digest),
            )
        else:
            answers = self.custodian.perform(duty)
            _log_amendments(log, duty, answers[-1])
        for answer in answers:
            _log_answer(log, answer)
            try:
                self.line.answer(answer)
            except Unavailable:
                raise  # the line is lost; the duty comes again
            except BlindsumError as error:
                log.warning("answer refused", rule=error.rule, expected=error.expected)

    def _retry_seconds(self, failures: int) -> float:
        """Doubled with every failure up to the longest, and between half and all of that."""
        doubled = self.settings.first_retry_seconds * (1 << min(failures, _LARGEST_EXPONENT))
        drawn = int.from_bytes(self.randomness.bytes(_JITTER_BYTES), "big")
        jitter = drawn / (1 << 8 * _JITTER_BYTES)
        return min(doubled, self.settings.longest_retry_seconds) * (1 + jitter) / 2


def _serve(attendants: Sequence[Attendant], stop: threading.Event) -> None:
    """Run every study's loop in a thread; the first that fails stops them all."""
    with ThreadPoolExecutor(max_workers=len(attendants), thread_name_prefix="study") as pool:
        running = [pool.submit(attendant.run) for attendant in attendants]
        for loop in running:
            loop.add_done_callback(lambda _: stop.set())
        stop.wait()
        for attendant in attendants:
            attendant.line.hang_up()
    for loop in running:
        loop.result()


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Set `stop` on SIGTERM and SIGINT, where this thread may say what signals do."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def set_stop(_number: int, _frame: FrameType | None) -> None:
        # In a thread: the main one may hold the event's lock at this very instruction.
        threading.Thread(target=stop.set).start()

    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, set_stop) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


# Any: as below.
def _log_amendments(log: Any, duty: Duty, answer: Signed[Any]) -> None:  # noqa: ANN401
    """Tell the custodian's people what a round puts in force that they sign for."""
    if isinstance(duty, AcceptDuty) and isinstance(answer.body, Acceptance):
        for amendment in duty.spec.body.amendments:
            log.info("amended", number=amendment.body.number, reason=amendment.body.reason)


# Any: structlog's bound loggers have no common type, and answers are of six kinds.
def _log_answer(log: Any, answer: Signed[Any]) -> None:  # noqa: ANN401
    body = answer.body
    if isinstance(body, Refusal):
        log.warning("refused", kind=body.kind, rule=body.rule, expected=body.expected)
    else:
        log.info("answered", answer=type(body).__name__, round_number=body.round_number)
