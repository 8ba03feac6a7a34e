"""The outbox: one sealed contribution for a round number, on the disk before anything is sent.

Retries send identical bytes, also after a crash (threat T14). An entry stays queued until the
aggregator's receipt, a certificate that names it, or a quorum of closes of its round; its row stays
for ever, so that no round number is sealed twice. Seeds are never written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, RowMapping, insert, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from blindsum_client import tables
from blindsum_client.anchor import Anchor
from blindsum_client.durable import make_private_folder, remove_durably, write_durably
from blindsum_client.ledger import Ledger
from blindsum_client.sealing import SealedContribution
from blindsum_crypto.errors import Refused
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules.header import Contribution
from blindsum_rules.model import Model, model_digest
from blindsum_rules.receipt import Receipt
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.transitions import CLIENT, ClientEvent, ClientState, step

_PAYLOADS: Final = "outbox"
_SUFFIX: Final = ".sealed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One contribution in the outbox.

    Attributes:
        contribution: What the client signed.
        wraps: The wraps in manifest order.
        pair_table: Masking: the pair table; else empty.
        payload_file: Where the sealed bytes lie while the state is SEALED.
        deadline_unix: UTC seconds at which its round freezes at the latest.
        state: As in the client's transition table.
        receipt: The aggregator's receipt, verified, or None.
    """

    contribution: Signed[Contribution]
    wraps: tuple[bytes, ...]
    pair_table: bytes = field(repr=False)
    payload_file: Path
    deadline_unix: int
    state: ClientState
    receipt: Signed[Receipt] | None

    @property
    def round_number(self) -> int:
        """The round that it was sealed for."""
        return self.contribution.body.core.round_number


class Outbox:
    """The contributions of one client in one study."""

    def __init__(self, engine: Engine, folder: Path, anchor: Anchor, ledger: Ledger) -> None:
        """Open the outbox and clear away what a crash left behind.

        Args:
            engine: The client's database.
            folder: The state folder.
            anchor: What stays when the folder is restored from a backup.
            ledger: Where the privacy budget of a contribution is reserved.
        """
        self._engine = engine
        self._ledger = ledger
        self._payloads = folder / _PAYLOADS
        self._anchor = anchor
        make_private_folder(self._payloads)
        self._remove_strays()
        # A crash may have come between the row and the anchor; the row is the truth then.
        with engine.begin() as connection:
            for number in connection.execute(select(tables.OUTBOX.c.round_number)).scalars():
                anchor.raise_to(number)

    def check_free(self, round_number: int) -> None:
        """Check that nothing was sealed for this round number yet.

        Raises:
            Refused: `one-seal-per-round`, when there is an entry; `restored-state`, when the
                anchor knows of a seal that this folder has forgotten.
        """
        if self.entry(round_number) is not None:
            raise _already_sealed(round_number)
        if round_number <= self._anchor.sealed_through:
            raise Refused(
                "restored-state",
                f"expected the state folder as it was last left: this client has sealed through "
                f"round {self._anchor.sealed_through}, and the folder has forgotten round "
                f"{round_number}",
            )

    def put(self, sealed: SealedContribution, spec: Signed[Spec], model: Model) -> Entry:
        """Persist a sealed contribution and reserve its budget; on the disk when this returns.

        Args:
            sealed: What was sealed.
            spec: The spec that it was sealed for.
            model: The model that it was trained from.

        Raises:
            Refused: `one-seal-per-round` or `restored-state`, when the number is taken;
                `model-under-another-version`, when the client trained from the same model as
                another version; `privacy-budget`, when the round cannot be afforded.
        """
        number = spec.body.round_number
        self.check_free(number)
        payload_file = self._payload_file(sealed.contribution)
        row = {
            "round_number": number,
            "state": ClientState.SEALED.value,
            "contribution": signed_to_bytes(sealed.contribution),
            "pair_table": sealed.pair_table,
            "receipt": b"",
            "deadline_unix": spec.body.contribute_deadline_unix,
        }
        with self._engine.begin() as connection:
            _remember_training(connection, model, spec.body.model_version)
            taken = select(tables.OUTBOX.c.state).where(tables.OUTBOX.c.round_number == number)
            if connection.execute(taken).first() is not None:
                raise _already_sealed(number)  # by another process, since the check above
            self._ledger.reserve(connection, number)
            # Written under the lock of this transaction: another process that starts now takes
            # the file for a stray only if no row will ever name it.
            write_durably(payload_file, sealed.payload)
            _insert(connection, row, sealed.wraps)
        self._anchor.raise_to(number)
        return Entry(
            contribution=sealed.contribution,
            wraps=sealed.wraps,
            pair_table=sealed.pair_table,
            payload_file=payload_file,
            deadline_unix=spec.body.contribute_deadline_unix,
            state=ClientState.SEALED,
            receipt=None,
        )

    def entry(self, round_number: int) -> Entry | None:
        """The contribution that was sealed for a round number, or None."""
        with self._engine.begin() as connection:
            found = connection.execute(
                select(tables.OUTBOX).where(tables.OUTBOX.c.round_number == round_number)
            )
            row = found.mappings().one_or_none()
            return None if row is None else self._read(connection, row)

    def in_states(self, *states: ClientState) -> tuple[Entry, ...]:
        """The contributions in any of these states, by ascending round number."""
        statement = (
            select(tables.OUTBOX)
            .where(tables.OUTBOX.c.state.in_([state.value for state in states]))
            .order_by(tables.OUTBOX.c.round_number)
        )
        with self._engine.begin() as connection:
            rows = connection.execute(statement).mappings().all()
            return tuple(self._read(connection, row) for row in rows)

    def move(
        self, round_number: int, event: ClientEvent, receipt: Signed[Receipt] | None = None
    ) -> None:
        """Move a contribution on, and let its payload go once it need not be sent any more.

        Args:
            round_number: Which one.
            event: What happened; the caller has verified it.
            receipt: The verified receipt, if that is what happened.

        Raises:
            Refused: `transition`, when it may not happen in its state; `unknown-contribution`.
        """
        entry = self.entry(round_number)
        if entry is None:
            raise Refused(
                "unknown-contribution", f"expected a contribution of round {round_number}"
            )
        values: dict[str, Any] = {"state": step(CLIENT, entry.state, event).value}
        if receipt is not None:
            values["receipt"] = signed_to_bytes(receipt)
        with self._engine.begin() as connection:
            connection.execute(
                update(tables.OUTBOX)
                .where(tables.OUTBOX.c.round_number == round_number)
                .where(tables.OUTBOX.c.state == entry.state.value)
                .values(values)
            )
        remove_durably(entry.payload_file)

    def _read(self, connection: Connection, row: RowMapping) -> Entry:
        contribution = signed_from_bytes(Contribution, row["contribution"])
        wraps = connection.execute(
            select(tables.WRAPS.c.wrap)
            .where(tables.WRAPS.c.round_number == row["round_number"])
            .order_by(tables.WRAPS.c.custodian_index)
        )
        return Entry(
            contribution=contribution,
            wraps=tuple(wraps.scalars()),
            pair_table=row["pair_table"],
            payload_file=self._payload_file(contribution),
            deadline_unix=row["deadline_unix"],
            state=ClientState(row["state"]),
            receipt=signed_from_bytes(Receipt, row["receipt"]) if row["receipt"] else None,
        )

    def _payload_file(self, contribution: Signed[Contribution]) -> Path:
        # Named by its contribution: two processes that seal at once do not write one file.
        return self._payloads / f"{contribution.digest.hex()}{_SUFFIX}"

    def _remove_strays(self) -> None:
        sealed = select(tables.OUTBOX).where(tables.OUTBOX.c.state == ClientState.SEALED.value)
        with self._engine.begin() as connection:
            rows = connection.execute(sealed).mappings().all()
            wanted = {self._read(connection, row).payload_file for row in rows}
            for file in self._payloads.iterdir():
                if file not in wanted:
                    remove_durably(file)


def _already_sealed(round_number: int) -> Refused:
    return Refused(
        "one-seal-per-round",
        f"expected no second contribution: round {round_number} has one, and only its very bytes "
        "may be sent again",
    )


def _remember_training(connection: Connection, model: Model, version: int) -> None:
    row = {"model_key": model_digest(model), "model_version": version}
    connection.execute(sqlite_insert(tables.TRAINED).values(row).on_conflict_do_nothing())
    trained = connection.execute(
        select(tables.TRAINED.c.model_version).where(tables.TRAINED.c.model_key == row["model_key"])
    ).scalar_one()
    if trained != version:
        raise Refused(
            "model-under-another-version",
            f"expected a model that this client has not trained from, got that of version "
            f"{trained} again as version {version}",
        )


def _insert(connection: Connection, row: Mapping[str, Any], wraps: Sequence[bytes]) -> None:
    connection.execute(insert(tables.OUTBOX).values(row))
    wrap_rows = [
        {"round_number": row["round_number"], "custodian_index": index, "wrap": wrap}
        for index, wrap in enumerate(wraps)
    ]
    connection.execute(insert(tables.WRAPS), wrap_rows)
