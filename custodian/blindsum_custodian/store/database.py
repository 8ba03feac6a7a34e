"""The custodian's store: one SQLite file in which every decision is durable before it is known.

WAL with synchronous=FULL: a commit has reached the disk when it returns. secure_delete=ON: deleted
wraps are overwritten in the file; `erase` empties the write-ahead log that still holds them. What a
file system or a disk keeps of overwritten blocks is out of reach here: the wrap key that opens
those bytes is destroyed at the end of its epoch.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, select, update
from sqlalchemy.exc import DatabaseError

from blindsum_crypto.errors import Refused, Unavailable
from blindsum_crypto.randomness import Randomness, SystemRandomness
from blindsum_custodian.instance import (
    INSTANCE_ID_BYTES,
    Instance,
    InstanceFile,
    check_instance,
)
from blindsum_custodian.store.tables import BINDING, METADATA, SCHEMA_VERSION

_BUSY_MILLISECONDS: Final = 30_000
_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
    f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}",
)
_EMPTY_LOG: Final = "PRAGMA wal_checkpoint(TRUNCATE)"
_STORE_MODE: Final = 0o600
_DECIDING: Final = "custodian_decides"


class Store:
    """A custodian's memory, bound to its instance. Threads of one process may share it."""

    def __init__(self, engine: Engine, file: InstanceFile, instance: Instance) -> None:
        """Take over an opened store; use `create` or `open`."""
        self._engine = engine
        self._file = file
        self._instance = instance
        self._written = False
        self._deciding = threading.RLock()

    @classmethod
    def create(
        cls, store_path: Path, instance_path: Path, randomness: Randomness | None = None
    ) -> "Store":
        """Create store and instance file together: once, on a custodian's first start.

        Args:
            store_path: The SQLite file; its folder is made if it is missing.
            instance_path: The instance file, outside of all backups; likewise.
            randomness: Where the instance's id comes from; the system's unless given.

        Raises:
            Refused: `store-exists`, when either is there already: a lost store is not begun anew
                under the same keys. `store-in-use`.
        """
        store_path.parent.mkdir(parents=True, exist_ok=True)
        instance_path.parent.mkdir(parents=True, exist_ok=True)
        file = InstanceFile(instance_path)
        if store_path.exists() or file.exists():
            file.close()
            raise Refused(
                "store-exists",
                f"expected neither {store_path} nor {instance_path} to exist before the first "
                "start; a custodian that lost one of them is enrolled anew with new keys",
            )
        drawn = (randomness or SystemRandomness()).bytes(INSTANCE_ID_BYTES)
        instance = Instance(instance_id=drawn.hex(), decisions=0)
        store_path.touch(mode=_STORE_MODE)
        engine = _engine(store_path)
        METADATA.create_all(engine)
        row = {"instance_id": instance.instance_id, "decisions": 0}
        with engine.begin() as connection:
            connection.execute(insert(BINDING).values(schema_version=SCHEMA_VERSION, **row))
        file.write(instance)
        return cls(engine, file, instance)

    @classmethod
    def open(cls, store_path: Path, instance_path: Path) -> "Store":
        """Open the store of an instance that was created before.

        Raises:
            Refused: `instance-mismatch`, when either file is missing, the store is not this
                instance's, or it has lost decisions; `store-rolled-back`, when that was found
                before; `store-schema`, when another version of the program wrote it;
                `store-in-use`.
        """
        file = InstanceFile(instance_path)
        engine: Engine | None = None
        try:
            expected = file.read()
            engine = _existing(store_path)
            instance = _bound_instance(engine)
            check_instance(expected, instance)
        except BaseException:
            if engine is not None:
                engine.dispose()
            file.close()
            raise
        store = cls(engine, file, instance)
        store.erase()  # what a crash after a close left in the log
        return store

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read; what is read may be sent, so the instance file is brought up first."""
        with self._deciding:
            self._follow()
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def decision(self) -> Iterator[Connection]:
        """Decide: everything inside is one transaction, durable when the block is left.

        The instance file has followed too by then, so the answer may leave. An error inside, or a
        failed commit, leaves nothing.

        Raises:
            Refused: `instance-mismatch`, when somebody else has written to the store meanwhile.
        """
        with self._deciding:
            self._follow()
            following = Instance(self._instance.instance_id, self._instance.decisions + 1)
            with self._engine.execution_options(**{_DECIDING: True}).begin() as connection:
                counted = connection.execute(
                    update(BINDING)
                    .where(BINDING.c.instance_id == following.instance_id)
                    .where(BINDING.c.decisions == self._instance.decisions)
                    .values(decisions=following.decisions)
                )
                if counted.rowcount != 1:
                    raise Refused(
                        "instance-mismatch", "expected to be the only process on this store"
                    )
                yield connection
            self._instance = following
            self._written = False
            self._follow()

    def halt(self, rule: str) -> None:
        """Sign nothing from now on, also after a restart: this memory was found incomplete."""
        with self.decision() as connection:
            connection.execute(update(BINDING).values(halted=rule))

    def check_not_halted(self) -> None:
        """Check that nothing was found missing in this memory.

        Raises:
            Refused: the rule that it was halted by, `store-rolled-back`.
        """
        with self.reading() as connection:
            _check_not_halted(connection.scalar(select(BINDING.c.halted)))

    def erase(self) -> None:
        """Empty the write-ahead log, which still holds the pages that were deleted."""
        with self._deciding:
            connection = self._engine.raw_connection()
            try:
                busy, _, _ = connection.cursor().execute(_EMPTY_LOG).fetchone()
            finally:
                connection.close()
        if busy:
            raise Unavailable("store-busy", "expected nobody to read the store for half a minute")

    def close(self) -> None:
        """Close the files and let another process have the instance."""
        self._engine.dispose()
        self._file.close()

    def _follow(self) -> None:
        if not self._written:
            self._file.write(self._instance)
            self._written = True


def _engine(store_path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(store_path)))

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        # The driver would begin a transaction at the first write only; we begin it ourselves.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A decision takes the write lock before it reads, so what it read is still so at commit.
        deciding = connection.get_execution_options().get(_DECIDING, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if deciding else "BEGIN")

    return engine


def _existing(store_path: Path) -> Engine:
    if not store_path.is_file():
        raise Refused("instance-mismatch", f"expected the instance's store {store_path}")
    return _engine(store_path)


def _bound_instance(engine: Engine) -> Instance:
    try:
        with engine.connect() as connection:
            row = connection.execute(select(BINDING)).one_or_none()
    except DatabaseError:
        row = None
    if row is None:
        raise Refused("instance-mismatch", "expected a store that was created with an instance")
    if row.schema_version != SCHEMA_VERSION:
        raise Refused("store-schema", f"expected schema {SCHEMA_VERSION}, got {row.schema_version}")
    _check_not_halted(row.halted)
    return Instance(row.instance_id, row.decisions)


def _check_not_halted(rule: str | None) -> None:
    if rule is not None:
        raise Refused(
            rule,
            "expected a memory that holds every decision this custodian signed; it signs nothing "
            "and is enrolled anew with new keys",
        )
