"""The engine: whatever is folded, taken out, repeated or cut short, the sum is exact."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from tests.aggregator.cast import build_cast
from tests.aggregator.stage import Stage

from blindsum_aggregator.durable import write_atomically
from blindsum_aggregator.engine.in_process import InProcessEngine
from blindsum_aggregator.engine.protocol import Upload
from blindsum_aggregator.spool import Spool, chunks_of
from blindsum_aggregator.store.contributions import find_contribution, folded_of
from blindsum_crypto.errors import Aborted, Refused
from blindsum_crypto.seal import AggregatorSeal

CAST = build_cast()
CLIENTS = CAST.clients


class Bench:
    """A stage whose five payloads are on disk and of which nothing is folded yet."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(CAST, folder)
        self.stage.settle()
        self.stage.accept()
        for client in CLIENTS:
            self.stage.upload(CAST.contribute(self.stage.spec, client))
        self.seal: AggregatorSeal = self.stage.study.seal(self.stage.spec)
        self.engine = self.fresh_engine()

    def fresh_engine(self) -> InProcessEngine:
        """As a new process would have it."""
        folder = self.stage.settings.state_directory / "heart" / "sums"
        engine = InProcessEngine("heart", self.stage.store, self.stage.study.spool, folder)
        engine.open(0, self.seal)
        return engine

    def uploads(self, clients: Sequence[str]) -> list[Upload]:
        def found(connection: Connection) -> list[Upload]:
            rows = [find_contribution(connection, "heart", 0, client) for client in clients]
            return [self.stage.study.upload(row) for row in rows if row is not None]

        return self.stage.store.read(found)

    def expected(self, clients: Sequence[str]) -> npt.NDArray[np.uint64]:
        """Added one by one, by the seal alone."""
        total = self.seal.zero()
        for upload in self.uploads(clients):
            for index, chunk in enumerate(chunks_of(upload.path, self.seal.chunk_bytes)):
                self.seal.add(total, index, chunk)
        return total

    def folded(self) -> list[str]:
        rows = self.stage.store.read(lambda c: folded_of(c, "heart", 0))
        return [row.client for row in rows]

    def damage(self, client: str) -> None:
        path = self.stage.study.spool.path(0, client)
        path.write_bytes(b"\x00" + path.read_bytes()[1:])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


clients = st.lists(st.sampled_from(CLIENTS), max_size=6)
steps = st.lists(
    st.tuples(st.sampled_from(["fold", "subtract", "crash", "restart"]), clients), max_size=12
)


@settings(max_examples=25, deadline=None)
@given(steps, st.sets(st.sampled_from(CLIENTS), min_size=1))
@pytest.mark.slow
def test_any_order_of_steps_and_crashes_gives_the_exact_sum(
    script: list[tuple[str, list[str]]], members: set[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for step, names in script:
            act(bench, step, names)
        chosen = sorted(members)

        total = bench.engine.close(0, bench.uploads(chosen))

        assert np.array_equal(total, bench.expected(chosen))
        assert bench.folded() == chosen
        bench.stage.close()


def act(bench: Bench, step: str, names: list[str]) -> None:
    match step:
        case "fold":
            assert bench.engine.fold(0, bench.uploads(names)) == ()
        case "subtract":
            assert bench.engine.subtract(0, bench.uploads(names)) == ()
        case "crash":
            # Killed between the buffer and its transaction: the buffer that does not count is new.
            leave_half_a_step(bench)
            bench.engine = bench.fresh_engine()
        case "restart":
            bench.engine = bench.fresh_engine()


def leave_half_a_step(bench: Bench) -> None:
    generation = bench.stage.row.generation
    name = f"{(generation + 1) % 2}.sum"
    folder = bench.stage.settings.state_directory / "heart" / "sums" / "rounds" / "000000"
    write_atomically(folder / name, [b"\xa5" * bench.seal.zero().nbytes])


def test_what_is_folded_twice_counts_once(bench: Bench) -> None:
    for _ in range(3):
        bench.engine.fold(0, bench.uploads(CLIENTS[:2] + CLIENTS[:2]))

    total = bench.engine.close(0, bench.uploads(CLIENTS[:2]))

    assert np.array_equal(total, bench.expected(CLIENTS[:2]))
    assert bench.stage.row.generation == 1


def test_what_was_folded_and_left_out_of_the_set_is_taken_out(bench: Bench) -> None:
    bench.engine.fold(0, bench.uploads(CLIENTS))

    total = bench.engine.close(0, bench.uploads(CLIENTS[1:4]))

    assert np.array_equal(total, bench.expected(CLIENTS[1:4]))


def test_a_damaged_payload_is_named_and_not_added(bench: Bench) -> None:
    bench.damage("client-2")

    assert bench.engine.fold(0, bench.uploads(CLIENTS)) == ("client-2",)

    rest = [client for client in CLIENTS if client != "client-2"]
    assert np.array_equal(bench.engine.close(0, bench.uploads(rest)), bench.expected(rest))


def test_a_damaged_payload_that_cannot_be_taken_out_is_left_behind(bench: Bench) -> None:
    bench.engine.fold(0, bench.uploads(CLIENTS))
    rest = list(CLIENTS[1:])
    expected = bench.expected(rest)
    bench.damage("client-0")
    assert bench.engine.subtract(0, bench.uploads(["client-0"])) == ("client-0",)

    total = bench.engine.close(0, bench.uploads(rest))

    assert np.array_equal(total, expected)
    assert bench.folded() == rest


def test_a_lost_payload_of_a_member_aborts_by_name(bench: Bench) -> None:
    bench.stage.study.spool.path(0, "client-1").unlink()

    with pytest.raises(Aborted) as caught:
        bench.engine.close(0, bench.uploads(CLIENTS))

    assert caught.value.rule == "spool-damaged"
    assert "client-1" in caught.value.expected


def test_a_damaged_payload_that_is_in_the_sum_already_does_no_harm(bench: Bench) -> None:
    bench.engine.fold(0, bench.uploads(CLIENTS))
    expected = bench.expected(CLIENTS)
    bench.damage("client-3")

    assert np.array_equal(bench.engine.close(0, bench.uploads(CLIENTS)), expected)


def test_a_round_that_was_not_opened_is_refused(tmp_path: Path, bench: Bench) -> None:
    engine = InProcessEngine("heart", bench.stage.store, Spool(tmp_path), tmp_path)

    with pytest.raises(Refused) as caught:
        engine.fold(0, bench.uploads(CLIENTS))

    assert caught.value.rule == "unknown-round"


def test_the_driver_marks_a_damaged_payload_and_leaves_it_out_by_name(bench: Bench) -> None:
    """A receipt whose bytes the disk lost is still honoured: by name, not by silence."""
    stage = bench.stage
    bench.damage("client-2")
    stage.settle()
    for custodian in CAST.custodians[:2]:
        stage.admit([custodian])
    stage.admit([CAST.custodians[2]])

    stage.admit([CAST.custodians[3]])

    assert [one.rule for one in stage.freeze.body.left_out] == ["spool-damaged"]
    assert "client-2" not in stage.freeze.body.clients
