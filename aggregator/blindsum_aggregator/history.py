"""The freezes of earlier rounds that count as released, as far as they bind the next one."""

from sqlalchemy import Connection

from blindsum_aggregator.store.contributions import members_of
from blindsum_aggregator.store.messages import MessageKind, messages_of
from blindsum_aggregator.store.rounds import RoundRow, all_rounds
from blindsum_aggregator.study import Study
from blindsum_rules.close import Close
from blindsum_rules.differencing import (
    EarlierFreeze,
    counts_as_released,
    matters,
    scope_of,
)


def earlier_freezes(
    study: Study, connection: Connection, model_version: int, before: int
) -> list[EarlierFreeze]:
    """Freezes that a set of this model version must equal or avoid, by ascending round.

    Args:
        study: The study.
        connection: The transaction.
        model_version: The version of the set.
        before: The round of the set; earlier rounds alone matter.
    """
    scope = scope_of(study.manifest, model_version)
    return [
        _freeze(connection, row)
        for row in all_rounds(connection, study.name)
        if row.number < before
        and row.freeze_digest
        and matters(row.model_version, model_version, scope)
        and _counts(study, connection, row)
    ]


def _counts(study: Study, connection: Connection, row: RoundRow) -> bool:
    closes = messages_of(connection, study.name, row.number, MessageKind.CLOSE, Close)
    quorum = study.manifest_of(connection, row.number).quorum
    return counts_as_released(row.freeze_digest, closes, quorum)


def _freeze(connection: Connection, row: RoundRow) -> EarlierFreeze:
    members = members_of(connection, row.study, row.number)
    clients = frozenset(member.client for member in members)
    return EarlierFreeze(row.number, row.model_version, row.freeze_digest, clients)
