"""The client's own ledger: what it set aside when it sealed, and what its rounds really cost.

A charge at the least noise that is permitted is reserved in the transaction that persists a sealed
contribution. It is settled, at the noise that was really in the sum, by a verified certificate or
by the closes that the next followed spec carries; freed, when those closes name no freeze that
counts as released and holds this client. A round whose gate failed is charged: whoever opened it
has seen the noisy sum. What is charged to this client's organisation counts as well where its
siblings alone took part.

What was settled is the law for good, so a client that was away, or that begins with an empty state
folder, charges every round of the study as it follows the specs: a lost folder costs no budget.
A folder that came back from a backup has forgotten its newest rows, and with them nothing that
matters: the anchor refuses to seal the rounds that it forgot, and following the specs once more
settles them by the same closes.
"""

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from blindsum_client import tables
from blindsum_client.manifests import Followed, Manifests, enrolling
from blindsum_crypto.errors import Refused
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.freeze import Freeze
from blindsum_rules.freeze_checks import check_freeze
from blindsum_rules.privacy.account import Account
from blindsum_rules.privacy.charging import Charging, charged_freezes, charging_of
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

FetchFreeze = Callable[[bytes], Signed[Freeze]]
"""A freeze by its digest, which is right when it comes; its signature is not verified."""

_NOTHING: Final[frozenset[tuple[bytes, int]]] = frozenset()


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the closes of a round say of this client's budget, verified and ready to be kept.

    Attributes:
        round_number: The round, which they end.
        charges: Digest and steps of each freeze that is charged to this client's account.
    """

    round_number: int
    charges: frozenset[tuple[bytes, int]]


class Ledger:
    """One client's account in one study; without differential privacy it has none, and no rules."""

    def __init__(self, engine: Engine, manifests: Manifests, client: str) -> None:
        """Open the ledger.

        Raises:
            Refused: what `charging_of` refuses.
        """
        self._engine = engine
        self._manifests = manifests
        # Budget and worst price are the same under every amendment (`amendment-privacy`).
        self._charging: Charging | None = charging_of(enrolling(manifests.told, client))
        self._payer = "" if self._charging is None else self._charging.payer_of(client)
        self._charging_of: dict[int, Charging] = {}

    @property
    def account(self) -> Account | None:
        """How the account stands; None without differential privacy."""
        if self._charging is None:
            return None
        with self._engine.begin() as connection:
            return account_in(connection, self._charging, self._payer)

    def check_affords(self) -> None:
        """Check that another round at its worst fits into what is left, before anything is sealed.

        What is reserved does not depend on data: neither does the refusal.

        Raises:
            Refused: `privacy-budget`.
        """
        account = self.account
        if self._charging is not None and account is not None:
            account.check_affords(self._charging.worst)

    def reserve(self, connection: Connection, round_number: int) -> None:
        """Set the worst charge aside, in the transaction that persists a sealed contribution.

        Raises:
            Refused: `privacy-budget`, when it does not fit: the transaction ends with it.
        """
        if self._charging is None:
            return
        worst = self._charging.worst
        account_in(connection, self._charging, self._payer).check_affords(worst)
        row = {"round_number": round_number, "steps": worst.steps}
        connection.execute(insert(tables.RESERVED).values(row))

    def settlements(
        self, steps: Sequence[Followed], before: Followed | None, fetch_freeze: FetchFreeze
    ) -> tuple[Settlement, ...]:
        """Read what followed specs say of the rounds before them.

        Args:
            steps: Specs that passed `check_succession`, ascending, so their closes are verified.
            before: The one before the first of them, or None when that is of round 0.
            fetch_freeze: Fetches what the closes name.

        Raises:
            Rejected, Refused: a rule of `check_freeze`.
            Unavailable: when a freeze cannot be fetched now.
        """
        if self._charging is None:
            return ()
        earlier = [before, *steps[:-1]]
        return tuple(
            self._settlement(over, following.spec, fetch_freeze)
            for over, following in zip(earlier, steps, strict=True)
            if over is not None
        )

    def keep(self, connection: Connection, settlements: Sequence[Settlement]) -> None:
        """Settle rounds, in the transaction that remembers their specs; twice is the same."""
        for one in settlements:
            _settle(connection, one.round_number, one.charges)

    def settle(self, freeze: Signed[Freeze]) -> None:
        """Settle a round by the freeze that its verified certificate names.

        One that does not hold this client's account frees nothing: only closes do.
        """
        if self._charging is None:
            return
        body = freeze.body
        charging = self._charging_in(self._manifests.at(body.round_number))
        if self._payer in charging.payers_of(body.clients):
            steps = charging.price(body.clients).steps
            with self._engine.begin() as connection:
                _settle(connection, body.round_number, {(freeze.digest, steps)})

    def _settlement(
        self, over: Followed, following: Signed[Spec], fetch_freeze: FetchFreeze
    ) -> Settlement:
        number, manifest = over.spec.body.round_number, over.manifest.body
        charging = self._charging_in(over.manifest)
        if self._payer not in charging.payers_of(over.spec.body.cohort):
            return Settlement(number, _NOTHING)  # No permitted freeze can hold it.
        charges = set()
        for digest in charged_freezes(following.body.closes, manifest.quorum):
            freeze = fetch_freeze(digest)
            check_freeze(freeze, over.spec, manifest)
            if self._payer in charging.payers_of(freeze.body.clients):
                charges.add((digest, charging.price(freeze.body.clients).steps))
        return Settlement(number, frozenset(charges))

    def _charging_in(self, manifest: AmendedManifest) -> Charging:
        """Whom a round charges: its own manifest says of which organisation each client is."""
        if manifest.number not in self._charging_of:
            self._charging_of[manifest.number] = Charging.of(manifest.body)
        return self._charging_of[manifest.number]


def account_in(connection: Connection, charging: Charging, payer: str) -> Account:
    """The account as the tables of a state folder have it."""
    settled = connection.execute(
        select(func.coalesce(func.sum(tables.CHARGED.c.steps), 0), func.count())
    ).one()
    reserved = select(func.coalesce(func.sum(tables.RESERVED.c.steps), 0))
    return charging.account(
        payer,
        settled_steps=settled[0],
        reserved_steps=connection.execute(reserved).scalar_one(),
        rounds=settled[1],
    )


def read_account(folder: Path, manifest: AmendedManifest) -> Account:
    """Read a state folder's account without taking part, and without changing anything.

    Args:
        folder: The state folder; a process that takes part may be using it.
        manifest: The study's manifest, with the amendments by which its client joined or left.

    Raises:
        Refused: `not-private`, when the study has no budget; `state-folder`, when nobody ever took
            part with this folder; `pinned-manifest`, when it belongs to another study;
            `not-enrolled`, when the manifest never enrolled its client.
    """
    Charging.of(manifest.body)
    engine = tables.open_to_read(folder)
    try:
        with engine.connect() as connection:
            pinned = connection.execute(select(tables.PIN)).one_or_none()
            if pinned is None or not hmac.compare_digest(pinned.manifest_digest, manifest.digest):
                raise Refused(
                    "pinned-manifest",
                    f"expected {folder} to belong to {manifest.body.study!r} of this manifest",
                )
            charging = Charging.of(enrolling(manifest, pinned.client))
            return account_in(connection, charging, charging.payer_of(pinned.client))
    finally:
        engine.dispose()


def _settle(
    connection: Connection, round_number: int, charges: Iterable[tuple[bytes, int]]
) -> None:
    for digest, steps in charges:
        row = {"round_number": round_number, "freeze_digest": digest, "steps": steps}
        connection.execute(insert(tables.CHARGED).values(row).on_conflict_do_nothing())
    connection.execute(
        delete(tables.RESERVED).where(tables.RESERVED.c.round_number == round_number)
    )
