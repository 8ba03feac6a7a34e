"""What a client remembers of its study: the pin, the rounds it followed, the model it stands on.

Everything here is on the disk before the client acts on it.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from blindsum_client import tables
from blindsum_client.durable import remove_durably, write_durably
from blindsum_crypto.errors import Refused, Unavailable
from blindsum_protos.convert.signed import signed_from_bytes, signed_to_bytes
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.amendment import Amendment, SignedAmendment
from blindsum_rules.model import Layout, Model, decode_model, encode_model, model_digest
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec


@dataclass(frozen=True, slots=True, eq=False)
class Position:
    """Where a client stands: the newest spec that it followed, and the model of that spec.

    Attributes:
        spec: The spec; everything before it was verified too.
        model: The model whose digest the spec pins.
        model_salt: The salt of that digest; empty for version 0.
    """

    spec: Signed[Spec]
    model: Model
    model_salt: bytes

    def __repr__(self) -> str:
        """Show the round and the version, never a value of the model or the salt."""
        body = self.spec.body
        return f"Position(round_number={body.round_number}, model_version={body.model_version})"

    def check_model(self) -> None:
        """Check that the spec pins this very model.

        Raises:
            Refused: `model-digest`, when it pins another one.
        """
        digest = model_digest(self.model, self.model_salt)
        if not hmac.compare_digest(digest, self.spec.body.model_digest):
            raise Refused(
                "model-digest",
                f"expected round {self.spec.body.round_number} to pin the model of version "
                f"{self.spec.body.model_version} as this client computed it",
            )


@dataclass(frozen=True, slots=True)
class Evidence:
    """A signed message that contradicts an earlier one: a serialised Signed, and the rule."""

    rule: str
    round_number: int
    signed: bytes


class Memory:
    """The state folder of one client in one study."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        """Open the folder, and create it on the first start."""
        self.engine: Engine = tables.open_tables(folder)
        self._folder = folder
        self._layout = layout

    def pin(self, manifest: AmendedManifest, client: str) -> bool:
        """Bind the folder to one manifest and client, once.

        Returns:
            Whether it was bound to them before.

        Raises:
            Refused: `pinned-manifest`, when it is bound to another study, manifest or client.
        """
        row = {"study": manifest.body.study, "manifest_digest": manifest.digest, "client": client}
        with self.engine.begin() as connection:
            pinned = connection.execute(select(tables.PIN)).mappings().one_or_none()
            if pinned is None:
                connection.execute(insert(tables.PIN).values(row))
                return False
            if dict(pinned) != row:
                raise Refused(
                    "pinned-manifest",
                    f"expected the manifest that this state folder was joined with, of study "
                    f"{pinned['study']!r} and client {pinned['client']!r}",
                )
            return True

    def round_id(self, round_number: int) -> bytes | None:
        """The id of a round that was followed, or None."""
        with self.engine.begin() as connection:
            return connection.execute(
                select(tables.SPECS.c.round_id).where(tables.SPECS.c.round_number == round_number)
            ).scalar_one_or_none()

    def last_amendment(self, round_number: int) -> bytes:
        """Digest of the last amendment in force in a round that was followed, or empty."""
        statement = (
            select(tables.AMENDMENTS.c.amendment_digest)
            .where(tables.AMENDMENTS.c.round_number <= round_number)
            .order_by(tables.AMENDMENTS.c.number.desc())
            .limit(1)
        )
        with self.engine.begin() as connection:
            return connection.scalar(statement) or b""

    def amendments(self, round_number: int) -> tuple[SignedAmendment, ...]:
        """The amendments in force in a round that was followed, in order."""
        statement = (
            select(tables.AMENDMENTS)
            .where(tables.AMENDMENTS.c.round_number <= round_number)
            .order_by(tables.AMENDMENTS.c.number)
        )
        with self.engine.begin() as connection:
            rows = connection.execute(statement).mappings().all()
        return tuple(
            SignedAmendment(
                signed_from_bytes(Amendment, row["amendment"]),
                signed_from_bytes(Amendment, row["approval"]) if row["approval"] else None,
            )
            for row in rows
        )

    def position(self) -> Position | None:
        """Where the client stands, or None before its first round.

        Raises:
            Refused: `model-digest`, when the model's file is not the one that was written.
            Rejected: `model-length`.
            Unavailable: `model-file`, when it cannot be read.
        """
        with self.engine.begin() as connection:
            row = connection.execute(select(tables.POSITION)).mappings().one_or_none()
        if row is None:
            return None
        spec = signed_from_bytes(Spec, row["spec"])
        model_file = self._model_file(spec.body.model_version)
        try:
            model = decode_model(model_file.read_bytes(), self._layout.size)
        except OSError as error:
            raise Unavailable("model-file", f"expected a readable file {model_file}") from error
        position = Position(spec, model, row["model_salt"])
        position.check_model()
        return position

    def advance(
        self,
        position: Position,
        followed: Sequence[Signed[Spec]],
        also: Callable[[Connection], None],
    ) -> None:
        """Remember the specs that were followed and the position they lead to.

        Args:
            position: The new position.
            followed: The specs since the last position, in order; the last is the position's.
            also: Writes what else they settle, in the same transaction.

        Raises:
            Refused: `one-spec-per-round-number`, when another spec of a number is remembered.
        """
        model_file = self._model_file(position.spec.body.model_version)
        model_bytes = encode_model(position.model)
        # A crash may have left a file of this version that no position ever named.
        if not model_file.exists() or model_file.read_bytes() != model_bytes:
            write_durably(model_file, model_bytes)
        with self.engine.begin() as connection:
            for spec in followed:
                _remember_spec(connection, spec)
            also(connection)
            row = {
                "study": position.spec.body.study,
                "spec": signed_to_bytes(position.spec),
                "model_salt": position.model_salt,
            }
            statement = sqlite_insert(tables.POSITION).values(row)
            connection.execute(statement.on_conflict_do_update(index_elements=["study"], set_=row))
        for stale in self._folder.glob("model-*.bin"):
            if stale != model_file:
                remove_durably(stale)

    def trained_version(self, model: Model) -> int | None:
        """The version under which this client sealed a contribution from these very values."""
        key = model_digest(model)
        with self.engine.begin() as connection:
            return connection.execute(
                select(tables.TRAINED.c.model_version).where(tables.TRAINED.c.model_key == key)
            ).scalar_one_or_none()

    def keep_evidence(self, rule: str, round_number: int, digest: bytes, signed: bytes) -> None:
        """Keep a signed message that contradicts an earlier one; keeping it twice is the same."""
        row = {"digest": digest, "round_number": round_number, "rule": rule, "signed": signed}
        with self.engine.begin() as connection:
            connection.execute(sqlite_insert(tables.EVIDENCE).values(row).on_conflict_do_nothing())

    def evidence(self) -> tuple[Evidence, ...]:
        """What is kept as evidence, by round number."""
        statement = select(tables.EVIDENCE).order_by(tables.EVIDENCE.c.round_number)
        with self.engine.begin() as connection:
            rows = connection.execute(statement).mappings().all()
        return tuple(Evidence(row["rule"], row["round_number"], row["signed"]) for row in rows)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def _model_file(self, version: int) -> Path:
        return self._folder / f"model-{version:06d}.bin"


def _remember_spec(connection: Connection, spec: Signed[Spec]) -> None:
    number = spec.body.round_number
    row = {"round_number": number, "round_id": spec.digest}
    connection.execute(sqlite_insert(tables.SPECS).values(row).on_conflict_do_nothing())
    remembered = connection.execute(
        select(tables.SPECS.c.round_id).where(tables.SPECS.c.round_number == number)
    ).scalar_one()
    if not hmac.compare_digest(remembered, spec.digest):
        raise Refused(
            "one-spec-per-round-number", f"expected the spec of round {number} that was followed"
        )
    for amendment in spec.body.amendments:
        _remember_amendment(connection, number, amendment)


def _remember_amendment(
    connection: Connection, round_number: int, amendment: SignedAmendment
) -> None:
    officer = amendment.officer
    row = {
        "number": amendment.body.number,
        "round_number": round_number,
        "amendment_digest": amendment.digest,
        "amendment": signed_to_bytes(amendment.operator),
        "approval": b"" if officer is None else signed_to_bytes(officer),
    }
    connection.execute(sqlite_insert(tables.AMENDMENTS).values(row).on_conflict_do_nothing())
