"""The tables of a client: what it pinned, followed, trained from and sealed in one study."""

import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.exc import DatabaseError

from blindsum_client.durable import make_private_folder
from blindsum_crypto.errors import Refused

DATABASE: Final = "client.sqlite"

METADATA: Final = MetaData()

PIN: Final = Table(
    "pin",
    METADATA,
    Column("study", String, primary_key=True),
    Column("manifest_digest", LargeBinary, nullable=False),
    Column("client", String, nullable=False),
)
"""The one study, manifest and client that this folder is for."""

SPECS: Final = Table(
    "specs",
    METADATA,
    Column("round_number", Integer, primary_key=True, autoincrement=False),
    Column("round_id", LargeBinary, nullable=False),
)
"""Every round that was followed: one spec for a round number, for ever."""

AMENDMENTS: Final = Table(
    "amendments",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("round_number", Integer, nullable=False),
    Column("amendment_digest", LargeBinary, nullable=False),
    Column("amendment", LargeBinary, nullable=False),
    Column("approval", LargeBinary, nullable=False),
)
"""What the followed specs put in force, and with which round; an approval may be empty."""

POSITION: Final = Table(
    "position",
    METADATA,
    Column("study", String, primary_key=True),
    Column("spec", LargeBinary, nullable=False),
    Column("model_salt", LargeBinary, nullable=False),
)
"""The newest spec that was followed, as signed, and the salt of its model's digest."""

TRAINED: Final = Table(
    "trained",
    METADATA,
    Column("model_key", LargeBinary, primary_key=True),
    Column("model_version", Integer, nullable=False),
)
"""Which models this client sealed a contribution from, and under which version."""

OUTBOX: Final = Table(
    "outbox",
    METADATA,
    Column("round_number", Integer, primary_key=True, autoincrement=False),
    Column("state", String, nullable=False),
    Column("contribution", LargeBinary, nullable=False),
    Column("pair_table", LargeBinary, nullable=False),
    Column("receipt", LargeBinary, nullable=False),
    Column("deadline_unix", Integer, nullable=False),
)
"""One contribution for a round number, for ever; its sealed bytes lie beside until sent."""

WRAPS: Final = Table(
    "wraps",
    METADATA,
    Column("round_number", Integer, primary_key=True, autoincrement=False),
    Column("custodian_index", Integer, primary_key=True, autoincrement=False),
    Column("wrap", LargeBinary, nullable=False),
)
"""The wraps of a contribution, in manifest order."""

RESERVED: Final = Table(
    "reserved",
    METADATA,
    Column("round_number", Integer, primary_key=True, autoincrement=False),
    Column("steps", Integer, nullable=False),
)
"""What was set aside for contributions whose round is not settled yet, in steps of 2^-40 nats."""

CHARGED: Final = Table(
    "charged",
    METADATA,
    Column("round_number", Integer, primary_key=True, autoincrement=False),
    Column("freeze_digest", LargeBinary, primary_key=True),
    Column("steps", Integer, nullable=False),
)
"""What each freeze that counts as released cost this client's account, in the same steps."""

EVIDENCE: Final = Table(
    "evidence",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("round_number", Integer, nullable=False),
    Column("rule", String, nullable=False),
    Column("signed", LargeBinary, nullable=False),
)
"""Signed messages that contradict what was signed before."""


def open_tables(folder: Path) -> Engine:
    """Open the database of a state folder, and create what is missing."""
    make_private_folder(folder)
    engine = create_engine(f"sqlite:///{folder / DATABASE}")
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    METADATA.create_all(engine)
    return engine


def open_to_read(folder: Path) -> Engine:
    """Open the database of a state folder that is in use or was, and change nothing.

    Raises:
        Refused: `state-folder`, when there is none, or one without a table of charges.
    """
    file = (folder / DATABASE).absolute()
    engine = create_engine(f"sqlite:///file:{quote(str(file))}?mode=ro&uri=true")
    try:
        is_ledger = file.is_file() and inspect(engine).has_table(CHARGED.name)
    except DatabaseError:
        is_ledger = False
    if not is_ledger:
        engine.dispose()
        raise Refused("state-folder", f"expected the --state folder of a client, got {folder}")
    return engine


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins transactions, see below.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=60000"):
        connection.execute(f"PRAGMA {pragma}")


def _on_begin(connection: Connection) -> None:
    # A write lock from the start: of two processes that would seal for one round, the second sees
    # what the first one sealed.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
