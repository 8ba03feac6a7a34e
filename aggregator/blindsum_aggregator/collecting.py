"""Steps 3 and 4 as the driver drives them: close the collection, page headers, fold payloads."""

from typing import Final

from sqlalchemy import Connection

from blindsum_aggregator.freezing import try_freeze
from blindsum_aggregator.outcome import abort_round, running_round
from blindsum_aggregator.paging import make_page
from blindsum_aggregator.store.contributions import (
    ContributionRow,
    change_contributions,
    count_received,
    foldable,
    foldable_members,
)
from blindsum_aggregator.store.rounds import RoundRow, change_round
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Refused
from blindsum_rules.transitions import AggregatorEvent, AggregatorState

_FOLD_BATCH: Final = 64
"""Payloads added in one step of the engine: the partial sum is written once for all of them."""


def collect(study: Study, connection: Connection, row: RoundRow) -> bool:
    """One step of an OPEN round, in one transaction.

    Args:
        study: The study.
        connection: The transaction.
        row: The round.

    Returns:
        Whether something changed, so that there may be more to do at once.
    """
    current = running_round(study, connection, row.number)
    if current is None or current.state is not AggregatorState.OPEN:
        return False
    if current.collection_closed_unix is None:
        if study.clock() >= current.contribute_deadline_unix:
            change_round(connection, current, collection_closed_unix=study.clock())
            return True
        return make_page(study, connection, current, flush=False)
    if make_page(study, connection, current, flush=True):
        return True
    received = count_received(connection, study.name, current.number)
    if received < study.manifest.min_cohort:
        reason = Refused(
            "min-cohort",
            f"expected at least {study.manifest.min_cohort} contributions in time, got {received}",
        )
        abort_round(study, connection, current, AggregatorEvent.TIME_OUT, reason)
        return True
    return try_freeze(study, connection, current, study.attending.names)


def fold(study: Study, row: RoundRow) -> bool:
    """Fold a batch of what a quorum admitted, after the freeze of U; blocks, for a worker thread.

    A payload whose bytes no longer fit their digest is marked, and left out of U by name.

    Args:
        study: The study.
        row: The round, OPEN or FROZEN.

    Returns:
        Whether something was folded or marked.
    """
    rows = study.store.read(lambda connection: _next_batch(study, connection, row))
    if not rows:
        return False
    spec = study.store.read(lambda connection: study.spec(connection, row.number))
    study.seal(spec)
    damaged = study.engine.fold(row.number, [study.upload(one) for one in rows])
    if damaged:
        study.store.write(
            lambda c: change_contributions(c, study.name, row.number, damaged, damaged=True)
        )
    return True


def _next_batch(study: Study, connection: Connection, row: RoundRow) -> list[ContributionRow]:
    if row.freeze_digest:
        return foldable_members(connection, study.name, row.number, _FOLD_BATCH)
    quorum = study.manifest_of(connection, row.number).quorum
    return foldable(connection, study.name, row.number, quorum, _FOLD_BATCH)
