"""Signed exceptions to the rule against differencing: one a round, handed in by the operator.

The aggregator believes none that custodians would refuse. It invites exactly the clients that an
exception names, and hands it on with the freeze, whose set is then exactly theirs.
"""

import hmac
from collections.abc import Sequence

from sqlalchemy import Connection

from blindsum_aggregator.amending import following_manifest
from blindsum_aggregator.history import earlier_freezes
from blindsum_aggregator.store.contributions import members_of
from blindsum_aggregator.store.messages import MessageKind, add_message, one_message
from blindsum_aggregator.store.rounds import ENDED, RoundRow
from blindsum_aggregator.study import Study
from blindsum_crypto.errors import Refused
from blindsum_rules.differencing import check_exception
from blindsum_rules.exception import DifferencingException, SignedException, given_away
from blindsum_rules.transitions import AggregatorState

_NOT_FROZEN = frozenset({AggregatorState.PROPOSED, AggregatorState.OPEN})
_MOST_NAMES = 10


def take_exception(
    study: Study, connection: Connection, newest: RoundRow | None, exception: SignedException
) -> str:
    """Keep an exception until its round takes it.

    Args:
        study: The study.
        connection: The transaction.
        newest: The round of the highest number, or None before the first.
        exception: As it came.

    Returns:
        A sentence for the operator: what it allows, and what that gives away.

    Raises:
        Refused: `exception`, when the officer has not signed; `exception-round`, when the round is
            frozen or over, or beyond the schedule; `exception-version`, when the round will not be
            of that version; `exception-exists`, when another one is kept for the round; and what
            `check_exception` refuses.
        Rejected: what `check_exception` rejects.
    """
    if exception.officer is None:
        raise Refused("exception", "expected the signature of the privacy officer as well")
    number = exception.body.round_number
    is_proposed = newest is not None and newest.number >= number
    eras = study.eras(connection)
    manifest = eras.of_round(number) if is_proposed else following_manifest(eras, connection)
    body = check_exception(
        exception.operator, exception.officer, manifest.body, study.signed_manifest.digest
    )
    _check_round(study, newest, body)
    _check_version(newest, body)
    kept = kept_exception(study, connection, body.round_number)
    if kept is None:
        for signed in (exception.operator, exception.officer):
            place = study.place(body.round_number, MessageKind.EXCEPTION, signed.signer)
            add_message(connection, place, signed)
    elif not hmac.compare_digest(kept.digest, exception.digest):
        raise Refused(
            "exception-exists",
            f"expected no second exception for round {body.round_number}; abort that round and "
            "sign one for the next",
        )
    return _in_words(study, connection, body)


def kept_exception(study: Study, connection: Connection, number: int) -> SignedException | None:
    """The exception that was handed in for a round, or None."""
    officer = study.manifest.officer
    if officer is None:
        return None
    names = (study.manifest.operator.name, officer.name)
    signed = [
        one_message(
            connection, study.place(number, MessageKind.EXCEPTION, name), DifferencingException
        )
        for name in names
    ]
    return None if signed[0] is None else SignedException(signed[0], signed[1])


def excepted_set(
    study: Study, connection: Connection, number: int, model_version: int
) -> frozenset[str] | None:
    """The set that an exception allows in a round of this version, or None."""
    kept = kept_exception(study, connection, number)
    if kept is None or kept.body.model_version != model_version:
        return None
    return frozenset(kept.body.clients)


def used_exception(study: Study, connection: Connection, row: RoundRow) -> SignedException | None:
    """The exception by which a round was frozen, or None: kept for it, and its set is U."""
    if not row.freeze_digest:
        return None
    members = frozenset(one.client for one in members_of(connection, study.name, row.number))
    if excepted_set(study, connection, row.number, row.model_version) != members:
        return None
    return kept_exception(study, connection, row.number)


def names_of(clients: Sequence[str]) -> str:
    """Clients in words: the first ten, and how many more there are."""
    more = len(clients) - _MOST_NAMES
    return ", ".join(clients[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _check_round(study: Study, newest: RoundRow | None, body: DifferencingException) -> None:
    last = study.manifest.schedule.max_rounds - 1
    first = 0
    if newest is not None:
        first = newest.number + (newest.state not in _NOT_FROZEN)
    if not first <= body.round_number <= last:
        raise Refused(
            "exception-round",
            f"expected one for round {first} (or later, up to {last}), which is not frozen yet, "
            f"got one for {body.round_number}",
        )


def _check_version(newest: RoundRow | None, body: DifferencingException) -> None:
    """Check the version as far as it is known: it grows by one a round at the most."""
    if newest is None:
        lowest, highest = 0, body.round_number
    else:
        ahead = body.round_number - newest.number
        known = newest.model_version if newest.next_version is None else newest.next_version
        lowest = newest.model_version if ahead == 0 else known
        highest = lowest + max(0, ahead - (newest.state in ENDED))
    if not lowest <= body.model_version <= highest:
        expected = f"{lowest}" if lowest == highest else f"{lowest} to {highest}"
        raise Refused(
            "exception-version",
            f"expected model version {expected} in round {body.round_number}, got "
            f"{body.model_version}",
        )


def _in_words(study: Study, connection: Connection, body: DifferencingException) -> str:
    clients = frozenset(body.clients)
    earlier = earlier_freezes(study, connection, body.model_version, body.round_number)
    given = [
        f"beside the sum of round {one.round_number} that gives away "
        f"{given_away(clients, one.clients)}"
        for one in earlier
        if one.clients != clients and not one.clients.isdisjoint(clients)
    ]
    allowed = (
        f"round {body.round_number} may sum exactly {names_of(body.clients)}, once, under model "
        f"version {body.model_version}"
    )
    return "; ".join([allowed, *(given or ["no sum so far overlaps with that one"])])
