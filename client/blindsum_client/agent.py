"""The agent: a client that works a whole study through by itself, with a trainer as its only part.

It goes on where it stopped: a killed agent that is started again with the same state folder sends
what is queued, is shown its round again if it had not sealed for it, and never seals twice.
"""

import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import structlog

from blindsum_client.client import Client
from blindsum_client.outcome import Outcome
from blindsum_client.patience import Backoff
from blindsum_client.round import Round
from blindsum_client.training import Answer, Trainer, problem_of
from blindsum_client.update import Update
from blindsum_crypto.errors import BlindsumError, Unavailable
from blindsum_rules.codec.units import UnitReport

_log = structlog.get_logger(__name__)


def _ignore(_: object) -> None:
    return None


class Agent:
    """Runs one client with one trainer."""

    def __init__(
        self,
        client: Client,
        trainer: Trainer,
        on_outcome: Callable[[Outcome], None] = _ignore,
        stop: threading.Event | None = None,
        on_units: Callable[[UnitReport], None] = _ignore,
    ) -> None:
        """Prepare; nothing runs yet.

        Args:
            client: A client that joined.
            trainer: Called once for every round that invites the client. Its own errors end the
                agent: a trainer that fails is nothing to wait for.
            on_outcome: Told the verified outcome of every round that the client contributed to.
            on_units: Told the counts of the units that were encoded: for this client's own eyes,
                and in no log, which they would leave with.
            stop: Ends the agent between two steps; close the client to end a waiting too.
        """
        self._client = client
        self._trainer = trainer
        self._on_outcome = on_outcome
        self._on_units = on_units
        self._stop = stop or threading.Event()
        self._log = _log.bind(study=client.study, client=client.name)

    def run(self) -> dict[str, npt.NDArray[np.float32]]:
        """Take part until the study ends.

        A refusal, of the aggregator or of this client, costs a round and not the study: the agent
        says so in the log and goes on with the next one.

        Returns:
            The verified final model.

        Raises:
            Unavailable: `stopped`, when it was stopped before the study ended.
            Refused: `not-enrolled`, when this client left the study or was revoked.
            TypeError: when the trainer answers with something else than the study takes
                (`problem_of`): asked again it would do so again.
        """
        backoff = Backoff()
        while not self._stop.is_set() and not self._client.closed:
            try:
                for round_ in self._client.rounds():
                    backoff.reset()
                    self._take_part(round_)
                    if self._stop.is_set():
                        break
                else:
                    if not self._client.closed:
                        return self._client.final()
            except BlindsumError as error:
                if error.rule == "not-enrolled":
                    raise
                self._log.warning("announcement-refused", rule=error.rule, expected=error.expected)
                self._stop.wait(backoff.next_seconds())
        raise Unavailable("stopped", "expected the study to end before the agent was stopped")

    def _take_part(self, round_: Round) -> None:
        log = self._log.bind(round_number=round_.number)
        answer = self._trainer(round_.model, round_)
        problem = problem_of(answer, round_)
        if problem is not None:
            raise TypeError(problem)
        try:
            integers = self._encode(round_, answer)
            self._client.contribute(round_, integers)
            log.info("contributed")
        except BlindsumError as error:
            log.warning("not-contributed", rule=error.rule, expected=error.expected)
            return
        try:
            outcome = self._client.outcome(round_)
        except BlindsumError as error:
            log.warning("outcome-refused", rule=error.rule, expected=error.expected)
            return
        log.info(
            "outcome",
            published=outcome.published,
            included=outcome.included,
            aborted_by=outcome.aborted_by_rule,
            left_out_by=outcome.left_out_by_rule,
        )
        self._on_outcome(outcome)

    def _encode(self, round_: Round, answer: Answer) -> npt.NDArray[np.int64]:
        if isinstance(answer, Update):
            return self._client.encode(round_, answer)
        integers, report = self._client.encode_units(round_, answer)
        self._on_units(report)
        return integers
