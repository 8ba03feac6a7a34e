"""The ledger on disk: what every freeze was charged, and the account of everybody who pays.

A freeze has one row, whoever taught this custodian of it and however often; the accounts are the
sums of the rows that stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, false, select, true, update
from sqlalchemy.dialects.sqlite import insert

from blindsum_custodian.store.tables import ACCOUNTS, CHARGES


@dataclass(frozen=True, slots=True)
class FreezeKey:
    """Which freeze is meant.

    Attributes:
        study: Study id.
        round_number: Its round.
        freeze_digest: Its digest, 32 bytes.
    """

    study: str
    round_number: int
    freeze_digest: bytes


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """What stands against one payer: the steps of all charges, and how many they are."""

    payer: str
    steps: int
    rounds: int


def keep_charge(
    connection: Connection, freeze: FreezeKey, steps: int, payers: Iterable[str]
) -> None:
    """Charge a freeze to its payers, once: one that was charged before changes nothing."""
    charged = connection.execute(
        insert(CHARGES)
        .values(
            study=freeze.study,
            round_number=freeze.round_number,
            freeze_digest=freeze.freeze_digest,
            steps=steps,
            freed=False,
        )
        .on_conflict_do_nothing()
    )
    if charged.rowcount:
        _add(connection, freeze.study, payers, steps, 1)


def free_charge(connection: Connection, freeze: FreezeKey, payers: Iterable[str]) -> None:
    """Give a freeze's charge back to its payers, once; one that does not stand changes nothing."""
    row = (
        CHARGES.c.study == freeze.study,
        CHARGES.c.round_number == freeze.round_number,
        CHARGES.c.freeze_digest == freeze.freeze_digest,
    )
    steps = connection.scalar(select(CHARGES.c.steps).where(*row, CHARGES.c.freed.is_(false())))
    if steps is None:
        return
    connection.execute(update(CHARGES).where(*row).values(freed=true()))
    _add(connection, freeze.study, payers, -steps, -1)


def is_charged(connection: Connection, freeze: FreezeKey) -> bool:
    """Whether a freeze has its row, freed or not."""
    query = select(CHARGES.c.steps).where(
        CHARGES.c.study == freeze.study,
        CHARGES.c.round_number == freeze.round_number,
        CHARGES.c.freeze_digest == freeze.freeze_digest,
    )
    return connection.scalar(query) is not None


def standing_charges(connection: Connection, study: str, round_number: int) -> Sequence[FreezeKey]:
    """The freezes of a round whose charges stand."""
    query = select(CHARGES.c.freeze_digest).where(
        CHARGES.c.study == study,
        CHARGES.c.round_number == round_number,
        CHARGES.c.freed.is_(false()),
    )
    return [FreezeKey(study, round_number, digest) for digest in connection.scalars(query)]


def stored_accounts(connection: Connection, study: str) -> Sequence[StoredAccount]:
    """Everybody who was ever charged in a study, ascending."""
    query = (
        select(ACCOUNTS.c.payer, ACCOUNTS.c.steps, ACCOUNTS.c.rounds)
        .where(ACCOUNTS.c.study == study)
        .order_by(ACCOUNTS.c.payer)
    )
    return [StoredAccount(row.payer, row.steps, row.rounds) for row in connection.execute(query)]


def settled_steps(connection: Connection, study: str) -> Mapping[str, int]:
    """Payer to the steps that stand against it; who was never charged is not named."""
    return {one.payer: one.steps for one in stored_accounts(connection, study)}


def _add(
    connection: Connection, study: str, payers: Iterable[str], steps: int, rounds: int
) -> None:
    statement = insert(ACCOUNTS)
    added = statement.on_conflict_do_update(
        index_elements=["study", "payer"],
        set_={
            "steps": ACCOUNTS.c.steps + statement.excluded.steps,
            "rounds": ACCOUNTS.c.rounds + statement.excluded.rounds,
        },
    )
    rows = [
        {"study": study, "payer": payer, "steps": steps, "rounds": rounds}
        for payer in sorted(payers)
    ]
    connection.execute(added, rows)
