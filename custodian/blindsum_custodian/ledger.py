"""The custodian's ledger: every freeze of a private study charged, in the decision that made it.

A freeze is charged when this custodian endorses it or learns of it from closes, whichever comes
first, so that endorsers who take turns cannot spend a budget twice (threat T28). Only closes give
a charge back: a quorum of the next spec's that do not name the freeze. All who read that spec
settle the round alike, whatever each of them may know besides.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from blindsum_crypto.errors import Refused
from blindsum_custodian.seat import Seat
from blindsum_custodian.store.charges import (
    FreezeKey,
    free_charge,
    is_charged,
    keep_charge,
    settled_steps,
    standing_charges,
)
from blindsum_custodian.store.freezes import clients_of
from blindsum_rules.close import Close
from blindsum_rules.freeze import Freeze
from blindsum_rules.privacy.charging import charged_freezes
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec, SpecKind


def charge_endorsed(connection: Connection, seat: Seat, freeze: Signed[Freeze]) -> None:
    """Charge a freeze that is about to be endorsed, at the noise that is really in it.

    Raises:
        Refused: `privacy-budget`, naming a payer that cannot afford it, and what it has left.
    """
    charging = seat.charging
    if charging is None or is_charged(connection, _key(freeze)):
        return
    price = charging.price(freeze.body.clients)
    settled = settled_steps(connection, seat.study)
    for payer in sorted(charging.payers_of(freeze.body.clients)):
        charging.account(payer, settled.get(payer, 0)).check_affords(price)
    _charge(connection, seat, freeze)


def charge_learned(connection: Connection, seat: Seat, freeze: Signed[Freeze]) -> None:
    """Charge a freeze that others endorsed; what happened is recorded, even if it overdraws."""
    if seat.charging is not None:
        _charge(connection, seat, freeze)


def settle(connection: Connection, seat: Seat, closes: Sequence[Signed[Close]]) -> None:
    """Free what the closes that a spec carries give back of the round before.

    Args:
        connection: The decision.
        seat: The custodian.
        closes: The spec's verified closes; none before the first round.
    """
    if seat.charging is None or not closes:
        return
    charged = charged_freezes(closes, seat.manifest.body.quorum)
    for freeze in standing_charges(connection, seat.study, closes[0].body.round_number):
        if freeze.freeze_digest not in charged:
            members = clients_of(connection, *_place(freeze))
            free_charge(connection, freeze, seat.charging.payers_of(members))


def unpayable(connection: Connection, seat: Seat, spec: Spec) -> Refused | None:
    """Why a round is refused that its cohort cannot pay any more at its worst; None if it can."""
    if seat.charging is None or spec.kind is SpecKind.END:
        return None
    try:
        seat.charging.check_payable(
            spec.cohort,
            settled_steps(connection, seat.study),
            spec.min_cohort,
            seat.manifest.body.min_organisations,
        )
    except Refused as refusal:
        return refusal
    return None


def _charge(connection: Connection, seat: Seat, freeze: Signed[Freeze]) -> None:
    if seat.charging is None:
        return
    members = freeze.body.clients
    price = seat.charging.price(members)
    keep_charge(connection, _key(freeze), price.steps, seat.charging.payers_of(members))


def _key(freeze: Signed[Freeze]) -> FreezeKey:
    return FreezeKey(freeze.body.study, freeze.body.round_number, freeze.digest)


def _place(freeze: FreezeKey) -> tuple[str, int, bytes]:
    return freeze.study, freeze.round_number, freeze.freeze_digest
