"""Step 5, freeze: the largest set that a quorum of custodians admits, fixed once and signed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from blindsum_aggregator.cohort import suffices
from blindsum_aggregator.exceptions import excepted_set, names_of
from blindsum_aggregator.history import earlier_freezes
from blindsum_aggregator.outcome import abort_round
from blindsum_aggregator.store.contributions import (
    ContributionRow,
    change_contributions,
    receipted,
)
from blindsum_aggregator.store.messages import (
    MessageKind,
    add_message,
    count_messages,
    pages_answered,
)
from blindsum_aggregator.store.pair_tables import sealed_members
from blindsum_aggregator.store.rounds import RoundRow, move_round
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Refused
from blindsum_rules.amendment import REVOKED
from blindsum_rules.differencing import check_no_differencing, scope_of
from blindsum_rules.exception import NOT_IN_EXCEPTION
from blindsum_rules.freeze import Freeze, LeftOut, Member
from blindsum_rules.freeze_checks import freeze_root
from blindsum_rules.manifest import Manifest
from blindsum_rules.roster import organisations_of
from blindsum_rules.transitions import AggregatorEvent

_LOG: Final[Any] = structlog.get_logger("blindsum.aggregator")

_DISPUTE: Final = "pair-dispute"

_MOST_QUORUMS: Final = 10_000
"""Quorums that are all tried; larger committees drop one custodian after the other."""


def try_freeze(
    study: Study, connection: Connection, row: RoundRow, attending: Iterable[str]
) -> bool:
    """Freeze a round whose collection is closed, or abort it, or wait for custodians.

    Every page is made by now. The freeze waits for attending custodians for
    `admission_grace_seconds`, because each that has admitted all of U can endorse and release it.

    Args:
        study: The study.
        connection: The transaction.
        row: The round, OPEN and with its collection closed.
        attending: Custodians that attend now.

    Returns:
        Whether the round moved on.
    """
    silent = _silent(study, connection, row)
    is_late = study.clock() >= row.release_deadline_unix
    manifest = study.manifest_of(connection, row.number)
    if silent and not is_late and _waits(study, manifest, row, silent, attending):
        return False
    try:
        freeze = choose_freeze(study, connection, row)
    except Refused as refusal:
        if silent and not is_late:
            return False
        reason = refusal
        if silent and refusal.rule == "min-cohort":
            reason = Refused("admission-time-out", f"{refusal.expected}; silent: {silent}")
        abort_round(study, connection, row, AggregatorEvent.TIME_OUT, reason)
        return True
    _commit(study, connection, row, freeze)
    return True


def choose_freeze(study: Study, connection: Connection, row: RoundRow) -> Freeze:
    """U and who is left out of it, by what custodians have admitted so far.

    An exception of operator and officer fixes U: exactly the clients that it names. While one of
    them is missing it allows nothing, and the set must be one that needs none.

    Raises:
        Refused: `min-cohort`, `min-organisations`, `no-differencing`, or `exception-incomplete`,
            when no allowed set comes of it; nothing is signed then.
    """
    excepted = excepted_set(study, connection, row.number, row.model_version)
    missing: frozenset[str] = frozenset()
    if excepted is not None:
        chosen = _choose(study, connection, row, excepted)
        missing = excepted - chosen.clients
        if not missing:
            return chosen
    try:
        return _choose_apart(study, connection, row)
    except Refused as refusal:
        if not missing or refusal.rule != "no-differencing":
            raise
        raise Refused(
            "exception-incomplete",
            f"expected contributions of all the clients that the exception names, admitted by a "
            f"quorum; missing: {names_of(sorted(missing))}",
        ) from refusal


def _choose_apart(study: Study, connection: Connection, row: RoundRow) -> Freeze:
    """The largest set, if it needs no exception."""
    freeze = _choose(study, connection, row, None)
    version = row.model_version
    earlier = earlier_freezes(study, connection, version, row.number)
    scope = scope_of(study.manifest, version)
    check_no_differencing(freeze.clients, version, earlier, scope, None, row.number)
    return freeze


def _choose(
    study: Study, connection: Connection, row: RoundRow, among: frozenset[str] | None
) -> Freeze:
    """The largest set that a quorum admits, of these clients (None: of all)."""
    manifest = study.manifest_of(connection, row.number)
    revoked = study.eras(connection).known.revoked
    rows = receipted(connection, study.name, row.number)
    sound = [one for one in rows if not one.damaged and one.client not in revoked]
    able = [one for one in sound if among is None or one.client in among]
    chosen = choose_quorum(
        (one.admitted for one in able), len(manifest.custodians), manifest.quorum
    )
    admitted = [one for one in able if one.admitted & chosen == chosen]
    # Of those who would be summed and of nobody else, so that an auditor comes to the same.
    disputing = _disputing(study, connection, row, [one.client for one in admitted])
    members = [one for one in admitted if one.client not in disputing]
    clients = frozenset(one.client for one in members)
    if among is None:
        _check_floors(manifest, clients, disputing)
    frozen = tuple(Member(one.client, one.digest) for one in members)
    return Freeze(
        study=study.name,
        round_number=row.number,
        round_id=row.round_id,
        members=frozen,
        root=freeze_root(frozen),
        left_out=tuple(
            LeftOut(one.client, one.digest, _reason(one, disputing, revoked, among))
            for one in rows
            if one.client not in clients
        ),
    )


def choose_quorum(admitted: Iterable[int], custodians: int, quorum: int) -> int:
    """The quorum that gives the largest U, as a bitmask of custodian indices.

    Args:
        admitted: For every contribution, the bitmask of the custodians that admitted it.
        custodians: m.
        quorum: How many must stand behind all of U.
    """
    counts = Counter(admitted)

    def size(mask: int) -> int:
        return sum(count for one, count in counts.items() if one & mask == mask)

    if comb(custodians, quorum) <= _MOST_QUORUMS:
        masks = (_mask(indices) for indices in combinations(range(custodians), quorum))
        return max(masks, key=size)
    chosen = set(range(custodians))
    while len(chosen) > quorum:
        # Who, gone, lets most back in: not always the best quorum, and never a wrong one.
        chosen.remove(max(sorted(chosen), key=lambda one: size(_mask(chosen - {one}))))
    return _mask(chosen)


def _commit(study: Study, connection: Connection, row: RoundRow, freeze: Freeze) -> None:
    signed = study.sign(freeze)
    for left in freeze.left_out:
        if left.rule == _DISPUTE:
            _LOG.warning(_DISPUTE, study=study.name, round_number=row.number, client=left.client)
    add_message(connection, study.place(row.number, MessageKind.FREEZE), signed)
    clients = [member.client for member in freeze.members]
    change_contributions(connection, study.name, row.number, clients, member=True)
    move_round(connection, row, AggregatorEvent.FREEZE, study.clock(), freeze_digest=signed.digest)


def _silent(study: Study, connection: Connection, row: RoundRow) -> list[str]:
    """The custodians that have not answered every page."""
    pages = count_messages(connection, study.name, row.number, MessageKind.PAGE)
    return [
        custodian.name
        for custodian in study.manifest_of(connection, row.number).custodians
        if len(pages_answered(connection, study.name, row.number, custodian.name)) < pages
    ]


def _waits(
    study: Study,
    manifest: Manifest,
    row: RoundRow,
    silent: Sequence[str],
    attending: Iterable[str],
) -> bool:
    answered = len(manifest.custodians) - len(silent)
    if answered < manifest.quorum:
        return True
    closed_unix = row.collection_closed_unix or 0.0
    in_grace = study.clock() < closed_unix + study.settings.admission_grace_seconds
    return in_grace and not set(attending).isdisjoint(silent)


def _check_floors(manifest: Manifest, clients: frozenset[str], disputing: frozenset[str]) -> None:
    if suffices(manifest, clients):
        return
    # A dispute that ends a round leaves its trace here: there is no freeze to say it.
    disputes = f"; left out by pair-dispute: {sorted(disputing)}" if disputing else ""
    if len(clients) < manifest.min_cohort:
        raise Refused(
            "min-cohort",
            f"expected at least {manifest.min_cohort} contributions that a quorum admits, got "
            f"{len(clients)}{disputes}",
        )
    raise Refused(
        "min-organisations",
        f"expected at least {manifest.min_organisations}, got "
        f"{len(organisations_of(manifest, clients))}{disputes}",
    )


def _disputing(
    study: Study, connection: Connection, row: RoundRow, clients: Sequence[str]
) -> frozenset[str]:
    """Whose pairs contradict the others' (threat T30); recorded, for the operator to settle."""
    seal = study.seal(study.spec(connection, row.number))
    with_pairs = seal.pair_table_bytes > 0
    return seal.disputing(
        sealed_members(connection, study.name, row.number, clients, with_pairs=with_pairs)
    )


def _reason(
    row: ContributionRow,
    disputing: frozenset[str],
    revoked: frozenset[str],
    among: frozenset[str] | None,
) -> str:
    if row.client in revoked:
        return REVOKED
    if row.damaged:
        return "spool-damaged"
    if row.client in disputing:
        return _DISPUTE
    if among is not None and row.client not in among:
        return row.denied_rule or NOT_IN_EXCEPTION
    return row.denied_rule or "not-admitted"


def _mask(indices: Iterable[int]) -> int:
    return sum(1 << index for index in indices)
