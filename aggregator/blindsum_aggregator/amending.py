"""Amendments on their way in: checked against everything known, then kept for the next spec.

They form one chain, so the aggregator decides nothing: it keeps what continues the chain, and each
spec carries all that is pending, as far as a spec has room. What revokes somebody is heeded before
it is in force.
"""

import hmac
from collections.abc import Sequence
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from blindsum_aggregator.eras import Eras
from blindsum_aggregator.store.amendments import keep_amendment, keep_handover, kept_handover
from blindsum_aggregator.store.rounds import newest_round
from blindsum_crypto.errors import Refused
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_protos.limits import MAX_MESSAGE_BYTES
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import SignedAmendment, handover

MAX_AMENDMENT_BYTES: Final = 128 << 10
"""Largest amendment that is taken, signatures included: some thousand clients that join."""

MAX_CARRIED_BYTES: Final = 256 << 10
"""Most amendments that one spec carries beside the first; the others wait for the next."""

_REST_OF_SPEC_BYTES: Final = 160 << 10
"""Of a spec's message, beside its cohort: closes, endorsements, and what travels with it."""

_NAME_BYTES: Final = 2
"""What a name of a cohort takes beside its letters."""

_LOG: Final[Any] = structlog.get_logger("blindsum.aggregator")


def take_amendments(
    eras: Eras, connection: Connection, amendments: Sequence[SignedAmendment]
) -> AmendedManifest:
    """Keep whatever is new of a chain of amendments; what is known already is well again.

    Args:
        eras: What is in force and pending, as this transaction sees it.
        connection: The transaction.
        amendments: In order, from any number that is known or next.

    Returns:
        The manifest with everything that is known now.

    Raises:
        Refused: `amendment-exists`, when another one was taken under one of their numbers;
            `amendment-size`; what `AmendedManifest.amended` refuses.
        Rejected: what `AmendedManifest.amended` rejects.
    """
    known = eras.known
    fresh = [one for one in amendments if not _is_known(one, known)]
    amended = known.amended(fresh)
    for one in fresh:
        size = _size(one)
        if size > MAX_AMENDMENT_BYTES:
            raise Refused(
                "amendment-size",
                f"expected at most {MAX_AMENDMENT_BYTES} bytes, got {size}: make several of it",
            )
        keep_amendment(connection, one)
        _LOG.info("amendment-taken", study=one.body.study, number=one.body.number)
    return amended


def carried(eras: Eras, connection: Connection) -> tuple[SignedAmendment, ...]:
    """The pending amendments that the next spec carries, in order: as many as it has room for.

    Another committee only if the newest round is left to it, by every close; what comes later
    waits for the round after. A study begins with the committee that it was founded with.
    """
    pending = eras.known.amendments[eras.in_force.number :]
    study = eras.known.body.study
    newest = newest_round(connection, study)
    left_to = b"" if newest is None else kept_handover(connection, study, newest.number)
    if left_to is None:
        # The newest round has no outcome yet: what would be decided now.
        return _fitting(eras, pending, 0)
    due = 1 + next((place for place, one in enumerate(pending) if one.digest == left_to), -1)
    later = next(
        (place for place in range(due, len(pending)) if pending[place].body.committee is not None),
        len(pending),
    )
    return _fitting(eras, pending[:later], due)


def decide_handover(eras: Eras, connection: Connection, number: int) -> None:
    """Decide to which committee a round is left, once, as soon as it has an outcome.

    Closes that name different ones are a quorum for neither, so it is decided before the first is
    asked for, and an amendment that comes later waits.
    """
    study = eras.known.body.study
    if kept_handover(connection, study, number) is None:
        pending = eras.known.amendments[eras.in_force.number :]
        keep_handover(connection, study, number, handover(_fitting(eras, pending, 0)))


def _fitting(
    eras: Eras, pending: Sequence[SignedAmendment], due: int
) -> tuple[SignedAmendment, ...]:
    """The first ones of what is pending for which a spec has room, and at least those due."""
    taken: list[SignedAmendment] = []
    room = _room(eras)
    for place, one in enumerate(pending):
        room -= _size(one)
        if room < 0 and place >= max(due, 1):
            break
        taken.append(one)
    return tuple(taken)


def _room(eras: Eras) -> int:
    """Bytes for amendments in a spec that invites everybody."""
    names = sum(len(client.name) + _NAME_BYTES for client in eras.known.body.clients)
    return min(MAX_CARRIED_BYTES, MAX_MESSAGE_BYTES - _REST_OF_SPEC_BYTES - names)


def following_manifest(eras: Eras, connection: Connection) -> AmendedManifest:
    """The manifest of the round that would be proposed now."""
    pending = eras.known.amendments[eras.in_force.number :]
    taken = carried(eras, connection)
    return eras.known if len(taken) == len(pending) else eras.in_force.amended(taken)


def _is_known(amendment: SignedAmendment, known: AmendedManifest) -> bool:
    number = amendment.body.number
    if not 1 <= number <= known.number:
        return False
    if not hmac.compare_digest(known.amendments[number - 1].digest, amendment.digest):
        raise Refused(
            "amendment-exists",
            f"expected the amendment {number} that was taken before: what was signed cannot be "
            "taken back, only amended again",
        )
    return True


def _size(amendment: SignedAmendment) -> int:
    hands = (amendment.operator, amendment.officer)
    return sum(len(signed_to_bytes(hand)) for hand in hands if hand is not None)
