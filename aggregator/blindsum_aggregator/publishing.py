"""Step 8, open and publish: the sum through the gates, its certificate, the next model.

Blobs are on disk before the transaction that publishes them; killed before it, the round opens
again, draws another salt, and the orphans are swept at the next start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from blindsum_aggregator.certifying import Published, certify
from blindsum_aggregator.combining import NotOpened, Opened, Parts, Sealed, open_sum
from blindsum_aggregator.next_version import next_version
from blindsum_aggregator.opening_watch import OpeningWatch
from blindsum_aggregator.outcome import abort_round, running_round
from blindsum_aggregator.released import released_by, released_parts
from blindsum_aggregator.store.contributions import ContributionRow, members_of
from blindsum_aggregator.store.pair_tables import sealed_members
from blindsum_aggregator.store.rounds import ENDED, RoundRow, move_round
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Aborted
from blindsum_crypto.execution import Cancelled
from blindsum_crypto.log.merkle import root
from blindsum_crypto.seal import AggregatorSeal, SealedMember
from blindsum_rules.aggregate import SALT_BYTES, Aggregate
from blindsum_rules.manifest import Manifest
from blindsum_rules.transitions import AggregatorEvent, AggregatorState

_FINAL_RULES = frozenset({"spool-damaged"})
"""Failures that no further release can mend."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An attempt after which further releases may say more.

    Attributes:
        answered: Who had answered.
        opened: What came out, when twins disagree on who lied; None when it failed at a gate.
    """

    answered: frozenset[str]
    opened: Opened | None = None


class Publisher:
    """Opens and publishes the rounds of one study; its methods block, one at a time."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._attempts: dict[int, _Attempt] = {}

    def try_publish(self, row: RoundRow) -> bool:
        """Open a round as soon as its releases hold every part, and publish it.

        While a gate fails, or while it opens and twins disagree without t custodians behind every
        part, a further release may still say who lied. Once everybody who can release has, or the
        release deadline has passed, the round is aborted by the gate's name, or published. Without
        enough releases it waits: a freeze that was sent for endorsement is never aborted by the
        clock.

        Args:
            row: The round, ENDORSED or RELEASED.

        Returns:
            Whether the round moved on; so it has, too, when an abort ended its opening. As the
            aggregator stops, an opening is left for the next start.
        """
        study = self._study
        if not row.freeze_digest:
            return False
        answered = study.store.read(lambda c: released_by(study, c, row.number))
        manifest = self._manifest(row.number)
        indices = [manifest.custodian_index(custodian) for custodian in answered]
        if not manifest.committee.covers(indices):
            return False
        if row.state is AggregatorState.ENDORSED:
            self._complete(row.number)
            return True
        members = study.store.read(lambda c: members_of(c, study.name, row.number))
        before = self._attempts.get(row.number)
        is_due = self._is_due(row, members, frozenset(answered))
        if before is not None and before.answered == frozenset(answered) and not is_due:
            return False
        released = study.store.read(lambda c: released_parts(study, c, row.number))
        self._forget_ended()
        watch = OpeningWatch(study, row.number)
        try:
            return self._attempt(row, members, released, watch, is_due=is_due)
        except Cancelled:
            self._attempts.pop(row.number, None)
            return not study.board.is_stopping
        finally:
            watch.end()

    def _forget_ended(self) -> None:
        """Let go of what was opened in a round that was aborted while it waited."""
        states = self._study.board.view.states
        kept = {n: one for n, one in self._attempts.items() if states.get(n) not in ENDED}
        self._attempts = kept

    def _complete(self, number: int) -> None:
        def change(connection: Connection) -> None:
            row = running_round(self._study, connection, number)
            if row is not None:
                now = self._study.clock()
                move_round(connection, row, AggregatorEvent.PARTS_COMPLETE, now)

        self._study.store.write(change)

    def _attempt(
        self,
        row: RoundRow,
        members: Sequence[ContributionRow],
        released: Mapping[int, Parts],
        watch: OpeningWatch,
        *,
        is_due: bool,
    ) -> bool:
        study = self._study
        spec = study.store.read(lambda connection: study.spec(connection, row.number))
        seal = study.seal(spec)
        before = self._attempts.get(row.number)
        try:
            accumulator = study.engine.close(row.number, [study.upload(one) for one in members])
            sealed = Sealed(
                seal,
                accumulator,
                study.store.read(lambda c: self._needed(seal, c, row.number, members)),
                watch.execution,
                None if before is None else before.opened,
            )
            committee = self._manifest(row.number).committee
            opened = open_sum(sealed, committee, released)
        except Aborted as reason:
            return self._wait_or_abort(row, released, reason, is_due=is_due)
        if opened.disagreeing and not opened.is_certain and not is_due:
            self._attempts[row.number] = _Attempt(self._who(row, released), opened)
            return False
        self._publish(row, opened, root(seal.sealed_chunks(accumulator)))
        return True

    def _needed(
        self,
        seal: AggregatorSeal,
        connection: Connection,
        number: int,
        members: Sequence[ContributionRow],
    ) -> list[SealedMember]:
        clients, with_pairs = [one.client for one in members], seal.pair_table_bytes > 0
        name = self._study.name
        whole = sealed_members(connection, name, number, clients, with_pairs=with_pairs)
        return seal.needed(whole, clients)

    def _is_due(
        self, row: RoundRow, members: Sequence[ContributionRow], answered: frozenset[str]
    ) -> bool:
        """Whether no further release is to be waited for."""
        study = self._study
        able = {
            custodian.name
            for index, custodian in enumerate(self._manifest(row.number).custodians)
            if all(one.admitted >> index & 1 for one in members)
        }
        return study.clock() >= row.release_deadline_unix or answered >= able

    def _wait_or_abort(
        self, row: RoundRow, released: Mapping[int, Parts], reason: Aborted, *, is_due: bool
    ) -> bool:
        study = self._study
        if not (is_due or reason.rule in _FINAL_RULES):
            self._attempts[row.number] = _Attempt(self._who(row, released))
            return False
        named = self._with_custodians(row, reason)

        def change(connection: Connection) -> None:
            running = running_round(study, connection, row.number)
            if running is not None:
                abort_round(study, connection, running, AggregatorEvent.GATE_FAILED, named)

        study.store.write(change)
        self._attempts.pop(row.number, None)
        return True

    def _with_custodians(self, row: RoundRow, reason: Aborted) -> Aborted:
        """The reason, with the names of custodians whose parts are false beyond doubt."""
        if not (isinstance(reason, NotOpened) and reason.custodians):
            return reason
        names = ", ".join(self._names(row, reason.custodians))
        return Aborted(reason.rule, f"{reason.expected}; parts unlike those of t others: {names}")

    def _who(self, row: RoundRow, released: Mapping[int, Parts]) -> frozenset[str]:
        return frozenset(self._names(row, sorted(released)))

    def _publish(self, row: RoundRow, opened: Opened, sealed_root: bytes) -> None:
        study = self._study
        aggregate = Aggregate(study.randomness.bytes(SALT_BYTES), opened.values)
        study.blobs.put(aggregate.commitment, aggregate.encode())
        version, digest = next_version(study, row, aggregate)
        published = Published(
            opened_by=self._names(row, opened.opened_by),
            disagreeing=self._names(row, opened.disagreeing),
            sealed_sum_root=sealed_root,
            commitment=aggregate.commitment,
            next_version=version,
            next_digest=digest,
        )
        study.store.write(lambda c: certify(study, c, row.number, published))
        self._attempts.pop(row.number, None)

    def _names(self, row: RoundRow, indices: Sequence[int]) -> tuple[str, ...]:
        custodians = self._manifest(row.number).custodians
        return tuple(custodians[index].name for index in indices)

    def _manifest(self, number: int) -> Manifest:
        study = self._study
        return study.store.read(lambda connection: study.manifest_of(connection, number))
