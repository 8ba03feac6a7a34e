"""The driver: the loop that moves a study from round to round.

It opens r+1 once r has a quorum of closes and the schedule allows, closes the collection at quota
or deadline, freezes, opens and files; it aborts on time-outs, but never a freeze that was sent for
endorsement, and ends a private study whose budget pays no further round. Everything it decides by
stands in the database, so a restarted driver goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from blindsum_aggregator.amending import following_manifest
from blindsum_aggregator.collecting import collect, fold
from blindsum_aggregator.opening_round import propose_end, propose_round
from blindsum_aggregator.outcome import abort_round, running_round
from blindsum_aggregator.publishing import Publisher
from blindsum_aggregator.store.requests import was_requested
from blindsum_aggregator.store.rounds import RoundRow, newest_round, phases_of
from blindsum_aggregator.study import Study
from blindsum_aggregator.transcript import Filing
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_rules.requests import OperatorAction
from blindsum_rules.spec import SpecKind
from blindsum_rules.transitions import AggregatorEvent, AggregatorState

_LOG: Final[Any] = structlog.get_logger("blindsum.aggregator")
_SPENT: Final = "privacy-budget"


class Driver:
    """Drives one study."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._publisher = Publisher(study)
        self._filing = Filing(study)
        self._complaint = ""
        self._steps: Mapping[AggregatorState, Callable[[RoundRow], Awaitable[bool]]] = {
            AggregatorState.PROPOSED: self._await_acceptances,
            AggregatorState.OPEN: self._collect,
            AggregatorState.FROZEN: self._fold,
            AggregatorState.ENDORSED: self._publish,
            AggregatorState.RELEASED: self._publish,
            AggregatorState.CLOSED: self._open_next,
        }

    async def run(self) -> None:
        """Drive until the board stops."""
        board = self._study.board
        while not board.is_stopping:
            seen = board.work.count
            if not await self._step_safely():
                await board.work.wait(seen, self._study.settings.tick_seconds)

    async def step(self) -> bool:
        """Do the next thing that is due.

        Returns:
            Whether something changed; if not, there is nothing to do before the next event.
        """
        study = self._study
        if await asyncio.to_thread(self._filing.file_next):
            return True
        row = await study.store.reading(lambda connection: newest_round(connection, study.name))
        if row is None:
            changed = await self._open_next(None)
        else:
            step = self._steps.get(row.state)
            changed = step is not None and await step(row)
        if changed:
            await study.refresh()
        return changed

    async def _step_safely(self) -> bool:
        """One step; an error is told once and the study goes on at the next tick."""
        try:
            changed = await self.step()
        except BlindsumError as error:
            self._complain(error.rule, error.expected)
            return False
        except Exception as error:  # noqa: BLE001 - one study's fault must not end the others
            _LOG.exception("driver-failed", study=self._study.name)
            self._complain("driver-failed", type(error).__name__)
            return False
        if changed:
            self._complaint = ""
        return changed

    def _complain(self, rule: str, expected: str) -> None:
        if rule != self._complaint:
            self._complaint = rule
            _LOG.warning("driver-waits", study=self._study.name, rule=rule, expected=expected)

    async def _await_acceptances(self, row: RoundRow) -> bool:
        study = self._study
        due_unix = row.proposed_unix + study.manifest.schedule.accept_seconds
        # The end of a study is told until a quorum has heard it: there is nothing after it.
        if row.kind is SpecKind.END or study.clock() < due_unix:
            return False

        def give_up(connection: Connection) -> bool:
            current = running_round(study, connection, row.number)
            if current is None or current.state is not AggregatorState.PROPOSED:
                return True
            reason = Refused(
                "acceptance-time-out",
                f"expected {study.manifest.quorum} acceptances within "
                f"{study.manifest.schedule.accept_seconds} s",
            )
            abort_round(study, connection, current, AggregatorEvent.TIME_OUT, reason)
            return True

        return await study.store.writing(give_up)

    async def _collect(self, row: RoundRow) -> bool:
        study = self._study
        if row.kind is SpecKind.END:
            return False
        changed = await study.store.writing(lambda connection: collect(study, connection, row))
        return await self._fold(row) or changed

    async def _fold(self, row: RoundRow) -> bool:
        return await asyncio.to_thread(fold, self._study, row)

    async def _publish(self, row: RoundRow) -> bool:
        return await asyncio.to_thread(self._publisher.try_publish, row)

    async def _open_next(self, row: RoundRow | None) -> bool:
        study = self._study
        if row is not None and await study.store.reading(lambda c: self._must_end(c, row)):
            await study.store.writing(lambda connection: propose_end(study, connection))
            return True
        if not await study.store.reading(lambda connection: self._may_open(connection, row)):
            return False
        try:
            spec = await study.store.writing(lambda connection: propose_round(study, connection))
        except Refused as refusal:
            if row is None or refusal.rule != _SPENT:
                raise
            await self._end_for(refusal)
            return True
        _LOG.info(
            "round-proposed",
            study=study.name,
            round_number=spec.body.round_number,
            model_version=spec.body.model_version,
            invited=len(spec.body.cohort),
        )
        return True

    async def _end_for(self, refusal: Refused) -> None:
        """End a study that cannot pay another round: its custodians would refuse every one."""
        study = self._study
        await study.store.writing(lambda connection: propose_end(study, connection, refusal))
        _LOG.info("study-ends", study=study.name, rule=refusal.rule, expected=refusal.expected)

    def _must_end(self, connection: Connection, row: RoundRow) -> bool:
        following = row.number + 1
        last = self._study.manifest.schedule.max_rounds
        end, queries = OperatorAction.END_STUDY, self._study.manifest.queries
        if queries and row.next_version is not None and row.next_version >= len(queries):
            return True  # All of them are answered.
        return following >= last or was_requested(connection, self._study.name, end, following)

    def _may_open(self, connection: Connection, row: RoundRow | None) -> bool:
        """Whether a round may open now: asked for, or due and a quorum of custodians is there."""
        study, number = self._study, 0 if row is None else row.number + 1
        if was_requested(connection, study.name, OperatorAction.OPEN_ROUND, number):
            return True
        if study.settings.manual_rounds or not self._quorum_attends(connection):
            return False
        if row is None:
            return True
        closed_unix = phases_of(connection, study.name, row.number)[AggregatorState.CLOSED]
        return study.clock() >= closed_unix + study.manifest.schedule.pause_seconds

    def _quorum_attends(self, connection: Connection) -> bool:
        """Whether enough custodians of the committee that the next round would have are there."""
        following = following_manifest(self._study.eras(connection), connection).body
        ready = self._study.attending.names.intersection(following.custodian_keys)
        return len(ready) >= following.quorum
