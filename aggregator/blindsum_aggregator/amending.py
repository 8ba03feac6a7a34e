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
from blindsum_aggregator.store.amendments import keep_amendment
from blindsum_crypto.errors import Refused
from blindsum_protos.convert.signed import signed_to_bytes
from blindsum_protos.limits import MAX_MESSAGE_BYTES
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import SignedAmendment

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


def carried(eras: Eras) -> tuple[SignedAmendment, ...]:
    """The pending amendments that the next spec carries, in order: as many as it has room for."""
    first, *others = eras.known.amendments[eras.in_force.number :] or (None,)
    if first is None:
        return ()
    taken, room = [first], _room(eras) - _size(first)
    for one in others:
        room -= _size(one)
        if room < 0:
            break
        taken.append(one)
    return tuple(taken)


def _room(eras: Eras) -> int:
    """Bytes for amendments in a spec that invites everybody."""
    names = sum(len(client.name) + _NAME_BYTES for client in eras.known.body.clients)
    return min(MAX_CARRIED_BYTES, MAX_MESSAGE_BYTES - _REST_OF_SPEC_BYTES - names)


def following_manifest(eras: Eras) -> AmendedManifest:
    """The manifest of the round that would be proposed now."""
    pending = eras.known.amendments[eras.in_force.number :]
    taken = carried(eras)
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
