"""The aggregator's database: one thread writes, so that freeze and receipts stand in one line.

Every change is one transaction and is on disk (SQLite: WAL, synchronous=FULL) before its answer
leaves. Reads go beside it. Both are kept off the event loop.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

from blindsum_aggregator.store.tables import METADATA

ResultT = TypeVar("ResultT")

_READERS: Final = 4
_BUSY_MILLISECONDS: Final = 10_000


class Store:
    """The open database."""

    def __init__(self, url: str) -> None:
        """Open it and create what is missing.

        Args:
            url: SQLAlchemy URL, "sqlite:////var/lib/blindsum/aggregator.sqlite".
        """
        self._engine = _engine(url)
        METADATA.create_all(self._engine)
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(_READERS, "store-reader")

    def write(self, change: Callable[[Connection], ResultT]) -> ResultT:
        """Run one change as one transaction, from a worker thread; durable when this returns."""
        return self._writer.submit(self._in_transaction, change).result()

    def read(self, query: Callable[[Connection], ResultT]) -> ResultT:
        """Run one query in the calling thread."""
        with self._engine.connect() as connection:
            return query(connection)

    async def writing(self, change: Callable[[Connection], ResultT]) -> ResultT:
        """Run one change as one transaction, from the event loop; durable when this returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._in_transaction, change)

    async def reading(self, query: Callable[[Connection], ResultT]) -> ResultT:
        """Run one query off the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read, query)

    def close(self) -> None:
        """Finish the changes that have begun and close the database."""
        self._writer.shutdown()
        self._readers.shutdown()
        self._engine.dispose()

    def _in_transaction(self, change: Callable[[Connection], ResultT]) -> ResultT:
        with self._engine.begin() as connection:
            return change(connection)


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if make_url(url).get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_sqlite_up)
    return engine


def _set_sqlite_up(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    # FULL: a receipt that was sent must survive the loss of power, not only that of the process.
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
    cursor.close()
