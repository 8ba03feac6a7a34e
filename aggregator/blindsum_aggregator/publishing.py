"""Step 8, open and publish: the sum through the gates, its certificate, the next model.

Blobs are on disk before the transaction that publishes them; killed in between, the round opens
again, draws another salt, and the orphans are swept at the next start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from blindsum_aggregator.certifying import Published, certify
from blindsum_aggregator.combining import Opened, Parts, open_sum
from blindsum_aggregator.outcome import abort_round, running_round
from blindsum_aggregator.released import released_by, released_parts
from blindsum_aggregator.store.contributions import ContributionRow, members_of
from blindsum_aggregator.store.pair_tables import sealed_members
from blindsum_aggregator.store.rounds import RoundRow, move_round
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Aborted
from blindsum_crypto.log.merkle import root
from blindsum_rules.aggregate import SALT_BYTES, Aggregate
from blindsum_rules.model import decode_model, encode_model, model_digest, model_salt
from blindsum_rules.next_model import next_model
from blindsum_rules.transitions import AggregatorEvent, AggregatorState

_FINAL_RULES = frozenset({"spool-damaged"})
"""Failures that no further release can mend."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """Who had answered when an opening failed, and at which gate."""

    answered: frozenset[str]
    reason: Aborted


class Publisher:
    """Opens and publishes the rounds of one study; its methods block, one at a time."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._failures: dict[int, _Failure] = {}

    def try_publish(self, row: RoundRow) -> bool:
        """Open a round as soon as its releases hold every part, and publish it.

        While a gate fails, a further release may still bring t honest custodians together; the
        round is aborted by the gate's name once everybody who can release has, or the release
        deadline has passed. Without enough releases it waits: a freeze that was sent for
        endorsement is never aborted by the clock.

        Args:
            row: The round, ENDORSED or RELEASED.

        Returns:
            Whether the round moved on.
        """
        study = self._study
        if not row.freeze_digest:
            return False
        answered = study.store.read(lambda c: released_by(study, c, row.number))
        indices = [study.manifest.custodian_index(custodian) for custodian in answered]
        if not study.manifest.committee.covers(indices):
            return False
        if row.state is AggregatorState.ENDORSED:
            self._complete(row.number)
            return True
        members = study.store.read(lambda c: members_of(c, study.name, row.number))
        failure = self._failures.get(row.number)
        if failure is not None and failure.answered == frozenset(answered):
            return self._give_up_when_due(row, members, failure)
        released = study.store.read(lambda c: released_parts(study, c, row.number))
        return self._attempt(row, members, released)

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
    ) -> bool:
        study = self._study
        spec = study.store.read(lambda connection: study.spec(connection, row.number))
        seal = study.seal(spec)
        clients = [one.client for one in members]
        headers = study.store.read(lambda c: sealed_members(c, study.name, row.number, clients))
        try:
            sealed = study.engine.close(row.number, [study.upload(one) for one in members])
            opened = open_sum(seal, sealed, headers, study.manifest.committee, released)
        except Aborted as reason:
            answered = frozenset(self._names(sorted(released)))
            failure = _Failure(answered, reason)
            self._failures[row.number] = failure
            return self._give_up_when_due(row, members, failure)
        self._publish(row, opened, root(seal.sealed_chunks(sealed)))
        return True

    def _give_up_when_due(
        self, row: RoundRow, members: Sequence[ContributionRow], failure: _Failure
    ) -> bool:
        study = self._study
        able = {
            custodian.name
            for index, custodian in enumerate(study.manifest.custodians)
            if all(one.admitted >> index & 1 for one in members)
        }
        is_late = study.clock() >= row.release_deadline_unix
        is_final = failure.reason.rule in _FINAL_RULES
        if not (is_late or is_final or failure.answered >= able):
            return False

        def change(connection: Connection) -> None:
            running = running_round(study, connection, row.number)
            if running is not None:
                event = AggregatorEvent.GATE_FAILED
                abort_round(study, connection, running, event, failure.reason)

        study.store.write(change)
        self._failures.pop(row.number, None)
        return True

    def _publish(self, row: RoundRow, opened: Opened, sealed_root: bytes) -> None:
        study = self._study
        aggregate = Aggregate(study.randomness.bytes(SALT_BYTES), opened.values)
        study.blobs.put(aggregate.commitment, aggregate.encode())
        version, digest = self._next_model(row, aggregate)
        published = Published(
            opened_by=self._names(opened.opened_by),
            disagreeing=self._names(opened.disagreeing),
            sealed_sum_root=sealed_root,
            commitment=aggregate.commitment,
            next_version=version,
            next_digest=digest,
        )
        study.store.write(lambda c: certify(study, c, row.number, published))
        self._failures.pop(row.number, None)

    def _next_model(self, row: RoundRow, aggregate: Aggregate) -> tuple[int, bytes]:
        """Version and digest after this round; both repeat when the model's bytes do."""
        study, manifest = self._study, self._study.manifest
        model = decode_model(study.blobs.require(row.model_digest), manifest.layout.size)
        following = next_model(
            model,
            aggregate.values,
            manifest.codec,
            manifest.update_rule,
            manifest.server_learning_rate,
        )
        if encode_model(following) == encode_model(model):
            return row.model_version, row.model_digest
        digest = model_digest(following, model_salt(aggregate.salt, row.round_id))
        study.blobs.put(digest, encode_model(following))
        return row.model_version + 1, digest

    def _names(self, indices: Sequence[int]) -> tuple[str, ...]:
        return tuple(self._study.manifest.custodians[index].name for index in indices)
