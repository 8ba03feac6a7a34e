"""An opening that runs: told to the status, ended by an abort or a stop, and never done twice."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.adversarial.served_study import PATIENCE_SECONDS, ServedStudy, valid_now
from tests.adversarial.world import World
from tests.aggregator.cast import Cast
from tests.aggregator.long_sums import (
    STEPS,
    answers_to,
    endorse_without,
    is_published_exactly,
    people,
    serve,
)
from tests.aggregator.stage import Stage
from typer.testing import CliRunner

from blindsum_aggregator.combining import Sealed, open_sum
from blindsum_aggregator.opening_watch import OpeningWatch
from blindsum_aggregator.status import study_status
from blindsum_aggregator.store.messages import MessageKind
from blindsum_cli.calls import Endpoint, ask_standing, caller_of, operate
from blindsum_cli.rounds import app
from blindsum_crypto.execution import Cancelled, Execution
from blindsum_crypto.keystore import FileKeyStore
from blindsum_crypto.seal import SealedMember
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_rules.release import PartRelease
from blindsum_rules.requests import OperatorAction
from blindsum_rules.transitions import AggregatorState


@dataclass
class Held:
    """An opening that stands still after its first step until it is let go."""

    begun: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    told: list[tuple[int, int]] = field(default_factory=list)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    held, tell = Held(), OpeningWatch.tell

    def telling(watch: OpeningWatch, done: int, total: int) -> None:
        tell(watch, done, total)
        held.told.append((done, total))
        held.begun.set()
        held.go.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(OpeningWatch, "tell", telling)
    return held


@dataclass
class Opening:
    """A served round whose sum is being opened."""

    study: ServedStudy
    world: World
    total: Any
    folder: Path


@pytest.fixture
def opening(held: Held, tmp_path: Path) -> Iterator[Opening]:
    world = World(people(valid_now()), tmp_path / "world")
    study = serve(world, tmp_path / "aggregator")
    total = endorse_without(study, "client-05")
    for name in world.custodians:
        for release in answers_to(study, name, MessageKind.RELEASE):
            study._answer(release)
    assert held.begun.wait(PATIENCE_SECONDS)
    yield Opening(study, world, total, tmp_path / "aggregator")
    held.go.set()
    study.stop()
    world.close()


@pytest.mark.slow
def test_the_status_says_how_far_an_opening_is_until_it_is_over(
    opening: Opening, held: Held
) -> None:
    study = opening.study
    where = Endpoint(f"127.0.0.1:{study.port}")
    caller = caller_of(opening.world.study, opening.world.people.keys.identities["operator"])

    during = ask_standing(opening.world.study, caller, where).rounds[0]
    held.go.set()
    assert is_published_exactly(study, opening.total)
    study.refresh()
    after = ask_standing(opening.world.study, caller, where).rounds[0]

    assert (during.state, during.opening_steps_done) == ("RELEASED", 1)
    assert during.opening_steps == STEPS
    assert (after.opening_steps_done, after.opening_steps) == (0, 0)
    assert held.told == [(step, STEPS) for step in range(1, STEPS + 1)]


@pytest.mark.slow
def test_an_operators_abort_ends_a_running_opening_and_publishes_nothing(
    opening: Opening, held: Held
) -> None:
    study, operator = opening.study, opening.world.people.keys.identities["operator"]
    blobs = opening.folder / "small-study" / "blobs"
    before = sorted(blobs.iterdir())

    operate(
        opening.world.people.manifest,
        operator,
        Endpoint(f"127.0.0.1:{study.port}"),
        (OperatorAction.ABORT_ROUND, 0, "it is taking too long"),
    )
    held.go.set()
    # The driver goes on to the next round once this one is closed: the opening's thread is free.
    study.close(0)

    assert study.row(0).rule == "operator-abort"
    assert study.row(0).commitment == b""
    assert sorted(blobs.iterdir()) == before
    assert len(held.told) < STEPS
    assert study.study.board.openings == {}


@pytest.mark.slow
def test_a_server_that_stops_ends_its_opening_and_the_next_start_gives_the_sum(
    opening: Opening, held: Held
) -> None:
    with ThreadPoolExecutor(1) as beside:
        stopping = beside.submit(opening.study.run, opening.study._server.stop())
        opening.study._wait_until(lambda: opening.study.study.board.is_stopping)
        held.go.set()
        stopping.result(PATIENCE_SECONDS)
    assert len(held.told) < STEPS

    again = serve(opening.world, opening.folder)
    try:
        assert is_published_exactly(again, opening.total)
    finally:
        again.stop()


@pytest.mark.slow
def test_the_operator_reads_how_far_an_opening_is(opening: Opening, tmp_path: Path) -> None:
    people = opening.world.people
    manifest, key, word = (tmp_path / name for name in ("study.manifest", "operator.key", "word"))
    manifest.write_bytes(manifest_file_to_bytes(people.manifest, None))
    word.write_text("a passphrase", encoding="utf-8")
    FileKeyStore(key, b"a passphrase").create(people.key_ring("operator"))
    address = f"127.0.0.1:{opening.study.port}"

    result = CliRunner().invoke(
        app,
        [
            *("status", str(manifest), "--key", str(key), "--aggregator", address),
            *("--passphrase-file", str(word)),
        ],
    )

    assert result.exit_code == 0, result.output
    assert "round 0: its sum is being opened, 25 % of it is done" in result.output


def test_a_long_opening_is_told_to_the_log_now_and_then(stage: Stage) -> None:
    seconds = iter([0.0, 1.0, 9.9, 10.0, 15.0, 19.9, 20.0, 21.0])
    watch = OpeningWatch(stage.study, 7, lambda: next(seconds))
    with capture_logs() as logs:
        for step in range(1, 8):
            watch.tell(step, 7)
    assert [(one["event"], one["round_number"], one["steps_done"]) for one in logs] == [
        ("opening", 7, 3),
        ("opening", 7, 6),
    ]
    assert stage.study.board.openings[7].steps == 7
    watch.end()
    assert stage.study.board.openings == {}


def test_no_round_is_being_opened_most_of_the_time(stage: Stage) -> None:
    stage.play_to(AggregatorState.PUBLISHED)
    (first, *_) = stage.store.read(lambda c: study_status(stage.study, c))
    assert first.opening is None


def test_what_opened_once_is_not_opened_again_to_learn_who_lied(
    stage: Stage, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twins that disagree wait for one more release; it says who lied and costs no opening."""
    stage.play_to(AggregatorState.ENDORSED)
    tries: list[bytes] = []
    seal = stage.study.seal(stage.spec)
    real: Callable[..., Any] = seal.open

    def counting(accumulator: Any, members: Any, parts: Any, execution: Any) -> Any:  # noqa: ANN401
        values = real(accumulator, members, parts, execution)
        tries.append(parts[min(parts)])
        return values

    monkeypatch.setattr(seal, "open", counting)
    sent = {client: one for (_, client), one in stage.sent.items()}
    releases = {
        name: cast.release(stage.spec, stage.freeze, name, sent) for name in cast.custodians
    }
    first, *rest = releases["custodian-0"].parts
    lie = PartRelease(first.part, bytes([first.share[0] ^ 1]) + first.share[1:])
    stage.answer(replace(releases["custodian-0"], parts=(lie, *rest)), "custodian-0")
    for name in cast.custodians[1:3]:
        stage.answer(releases[name], name)
    assert stage.settle() is AggregatorState.RELEASED
    assert len(tries) == 1

    stage.answer(releases["custodian-3"], "custodian-3")

    assert stage.settle() is AggregatorState.PUBLISHED
    assert len(tries) == 1


@pytest.mark.parametrize("custodians", [2, 4], ids=["uncertain", "certain"])
def test_an_opening_that_is_cancelled_blames_nobody(
    stage: Stage, cast: Cast, custodians: int
) -> None:
    stage.play_to(AggregatorState.ENDORSED)
    sent = {client: one for (_, client), one in stage.sent.items()}
    seal, spec, freeze = stage.study.seal(stage.spec), stage.spec, stage.freeze
    released = {
        index: {part.part: part.share for part in cast.release(spec, freeze, name, sent).parts}
        for index, name in enumerate(cast.custodians[:custodians])
    }
    members = [SealedMember(name) for name in sorted(freeze.body.clients)]
    unwanted = Execution(is_cancelled=lambda: True)

    with pytest.raises(Cancelled) as caught:
        open_sum(Sealed(seal, seal.zero(), members, unwanted), cast.manifest.committee, released)

    assert caught.value.rule == "cancelled"
