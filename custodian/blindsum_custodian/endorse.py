"""Step 6: a custodian endorses one freeze of a round, for ever.

The word means: I hold every seed of this set that is mine, and the policy allows it. It is kept
before the signature leaves, so that a crash in between changes nothing (threat T3).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_custodian.ledger import charge_endorsed
from blindsum_custodian.seat import Seat
from blindsum_custodian.standing import Standing, stand_in_round
from blindsum_custodian.store.answers import Step, find_answer, keep_answer
from blindsum_custodian.store.exceptions import keep_exception
from blindsum_custodian.store.freezes import keep_freeze, mark_endorsed, released_elsewhere
from blindsum_custodian.store.pages import admitted
from blindsum_custodian.store.rounds import advance
from blindsum_rules.differencing import (
    check_exception,
    check_exception_fits,
    check_no_differencing,
    scope_of,
)
from blindsum_rules.endorsement import Endorsement
from blindsum_rules.exception import DifferencingException, SignedException
from blindsum_rules.freeze import Freeze, Member
from blindsum_rules.freeze_checks import check_freeze
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import CustodianEvent


@dataclass(frozen=True, slots=True)
class EndorseDuty:
    """The aggregator asks for the endorsement of a freeze.

    Attributes:
        round_number: The round.
        freeze_digest: Digest of the freeze, to be fetched; 32 bytes.
        exception_operator: The operator's signature of an exception, if one is used.
        exception_officer: The privacy officer's signature of it.
    """

    round_number: int
    freeze_digest: bytes
    exception_operator: Signed[DifferencingException] | None = None
    exception_officer: Signed[DifferencingException] | None = None


def endorse(seat: Seat, duty: EndorseDuty) -> tuple[Signed[Any], ...]:
    """Check a freeze and endorse it, once in a round.

    Returns:
        The endorsement; for a freeze that was endorsed before, the stored one.

    Raises:
        Refused: `one-freeze-per-round`, when another freeze was endorsed; `unknown-round`,
            `study-ended`, `round-closed`, `round-missed`; `not-admitted`, `no-differencing`;
            `revoked-member`, when an amendment that this custodian was told of revoked a member;
            `own-min-cohort`, `own-min-organisations`; `privacy-budget`, when somebody who is
            charged for it cannot afford it; `exception`, when a signature of it is missing; and
            what `check_freeze`, `check_exception` and `check_exception_fits` raise.
        Rejected: `fetched-digest`; and what `check_freeze` and `check_exception` raise.
        Unavailable: when the freeze cannot be fetched now.
    """
    own = own_endorsement(seat, duty.round_number, duty.freeze_digest)
    if own is not None:
        return (own,)
    return (endorse_freeze(seat, duty, _exception(seat, duty)),)


def own_endorsement(
    seat: Seat, round_number: int, freeze_digest: bytes
) -> Signed[Endorsement] | None:
    """The stored endorsement of this freeze, or None when nothing was endorsed in the round.

    Raises:
        Refused: `one-freeze-per-round`, when another freeze of the round was endorsed.
    """
    with seat.store.reading() as connection:
        place = seat.place(round_number, Step.ENDORSE)
        own = find_answer(connection, place, Endorsement)
    if own is None or hmac.compare_digest(own.body.freeze_digest, freeze_digest):
        return own
    refusal = Refused(
        "one-freeze-per-round", f"expected the one freeze endorsed in round {round_number}"
    )
    second = _second_freeze(seat, round_number, freeze_digest)
    if second is None:
        raise refusal
    return seat.refuse_with_evidence(round_number, second, refusal)


def endorse_freeze(
    seat: Seat, duty: EndorseDuty, exception: SignedException | None = None
) -> Signed[Endorsement]:
    """Fetch a freeze, check it, and endorse it in one decision; raises as `endorse`."""
    with seat.store.reading() as connection:
        stand_in_round(connection, seat, duty.round_number)
    freeze = seat.fetch_freeze(duty.freeze_digest)
    with seat.store.decision() as connection:
        standing = stand_in_round(connection, seat, duty.round_number)
        _check(connection, seat, standing, freeze)
        _check_apart(connection, seat, standing.spec.body, freeze.body.clients, exception)
        if exception is not None:
            keep_exception(connection, exception)
        return _keep(connection, seat, standing, freeze)


def _check_apart(
    connection: Connection,
    seat: Seat,
    spec: Spec,
    clients: frozenset[str],
    exception: SignedException | None,
) -> None:
    """Check that a set gives nobody away beside earlier ones, or that two hands allowed just it."""
    number, version, manifest = spec.round_number, spec.model_version, seat.manifest.body

    def quorum_of(earlier_round: int) -> int:
        return seat.at(connection, earlier_round).manifest.body.quorum

    if exception is not None:
        check_exception_fits(exception.body, number, version, clients)
    scope = scope_of(manifest, version)
    earlier = released_elsewhere(connection, spec, scope, quorum_of, clients)
    allowed = None if exception is None else exception.body
    check_no_differencing(clients, version, earlier, scope, allowed, number)


def _second_freeze(seat: Seat, round_number: int, digest: bytes) -> Signed[Freeze] | None:
    """The aggregator's other freeze of a round; what cannot be had or is none is no evidence."""
    try:
        second = seat.fetch_freeze(digest)
    except BlindsumError:
        return None
    same_round = second.body.study == seat.study and second.body.round_number == round_number
    return second if same_round else None


def _exception(seat: Seat, duty: EndorseDuty) -> SignedException | None:
    operator, officer = duty.exception_operator, duty.exception_officer
    if operator is None and officer is None:
        return None
    if operator is None or officer is None:
        raise Refused("exception", "expected the signatures of operator and officer")
    check_exception(operator, officer, seat.manifest.body, seat.manifest.digest)
    return SignedException(operator, officer)


def _check(connection: Connection, seat: Seat, standing: Standing, freeze: Signed[Freeze]) -> None:
    check_freeze(freeze, standing.spec, seat.manifest.body)
    seat.policy.check_freeze(freeze.body, seat.manifest.body)
    revoked = seat.known.revoked & freeze.body.clients
    if revoked:
        raise Refused("revoked-member", f"expected nobody who was revoked, got {sorted(revoked)}")
    held = admitted(connection, seat.study, freeze.body.round_number)
    lacking = [member.client for member in freeze.body.members if not _holds(held, member)]
    if lacking:
        raise Refused(
            "not-admitted",
            f"expected members admitted here with these very contributions, {len(lacking)} were "
            f"not, {lacking[0]!r} among them",
        )


def _holds(held: Mapping[str, bytes], member: Member) -> bool:
    return hmac.compare_digest(held.get(member.client, b""), member.contribution_digest)


def _keep(
    connection: Connection, seat: Seat, standing: Standing, freeze: Signed[Freeze]
) -> Signed[Endorsement]:
    number = freeze.body.round_number
    advance(connection, seat.study, number, CustodianEvent.ENDORSE)
    keep_freeze(connection, freeze, standing.spec.body.model_version)
    charge_endorsed(connection, seat, freeze)
    mark_endorsed(connection, freeze)
    body = Endorsement(seat.study, number, standing.spec.digest, freeze.digest, seat.name)
    endorsement = seat.sign(body)
    keep_answer(connection, seat.place(number, Step.ENDORSE), endorsement)
    return endorsement
