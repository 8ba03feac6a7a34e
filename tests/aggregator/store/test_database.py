"""The database: durable, one writer, and nothing of a change that failed."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from blindsum_aggregator.store.database import Store
from blindsum_aggregator.store.tables import STUDIES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "aggregator.sqlite"


def test_every_connection_is_durable(path: Path) -> None:
    store = Store(f"sqlite:///{path}")

    synchronous = store.write(lambda c: c.execute(text("PRAGMA synchronous")).scalar_one())
    journal = store.read(lambda c: c.execute(text("PRAGMA journal_mode")).scalar_one())
    store.close()

    assert (synchronous, journal) == (2, "wal")


def test_a_change_that_raises_leaves_nothing(path: Path) -> None:
    store = Store(f"sqlite:///{path}")

    def change(connection: object) -> None:
        connection.execute(insert(STUDIES).values(study="heart", manifest_digest=bytes(32)))  # type: ignore[attr-defined]
        raise LookupError

    with pytest.raises(LookupError):
        store.write(change)

    assert store.read(lambda c: c.execute(select(STUDIES)).all()) == []
    store.close()


def test_changes_stand_in_one_line(path: Path) -> None:
    """Read, then write, from many threads at once: no two see the same count."""
    store = Store(f"sqlite:///{path}")

    def count_up() -> None:
        store.write(
            lambda c: c.execute(
                insert(STUDIES).values(
                    study=str(len(c.execute(select(STUDIES)).all())), manifest_digest=bytes(32)
                )
            )
        )

    threads = [threading.Thread(target=count_up) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    names = store.read(lambda c: [int(row.study) for row in c.execute(select(STUDIES))])
    store.close()
    assert sorted(names) == list(range(20))
