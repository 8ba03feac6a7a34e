"""kill -9 in the middle of an opening: nothing half written, and the next start gives the sum."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.adversarial.people import initial_model
from tests.adversarial.served_study import valid_now
from tests.adversarial.world import World
from tests.aggregator.long_sums import (
    STEPS,
    answers_to,
    endorse_without,
    is_published_exactly,
    people,
    serve,
)

from blindsum_aggregator.answers import take_answer
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_aggregator.store.database import Store
from blindsum_aggregator.store.messages import MessageKind
from blindsum_aggregator.store.rounds import newest_round
from blindsum_aggregator.study import Study, StudyFiles
from blindsum_rules.release import Release
from blindsum_rules.signed import Signed
from blindsum_rules.transitions import AggregatorState


def below_the_door(world: World, folder: Path) -> Study:
    settings = AggregatorSettings(state_directory=folder)
    files = StudyFiles(world.people.manifest, None, initial_model(world.study.layout))
    identity = world.people.keys.identities["aggregator"]
    return Study(files, identity, settings, Store(settings.database))


def hand_in(world: World, folder: Path, releases: list[Signed[Release]]) -> None:
    study = below_the_door(world, folder)
    for release in releases:
        assert study.store.write(lambda c: take_answer(study, c, release)) is None  # noqa: B023
    study.store.close()


def kill_at(folder: Path, validity: dict[str, int], place: str) -> None:
    module = "tests.aggregator.engine.opening_process"
    command = [sys.executable, "-m", module, str(folder), json.dumps(validity), place]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line == "here\n" for line in process.stdout)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def state_of(world: World, folder: Path) -> AggregatorState:
    study = below_the_door(world, folder)
    row = study.store.read(lambda connection: newest_round(connection, study.name))
    study.store.close()
    assert row is not None
    return row.state


@pytest.mark.slow
def test_an_opening_that_is_killed_anywhere_is_begun_again_and_gives_the_sum(
    tmp_path: Path,
) -> None:
    validity, folder = valid_now(), tmp_path / "aggregator"
    world = World(people(validity), tmp_path / "world")
    study = serve(world, folder)
    total = endorse_without(study, "client-05")
    releases = [
        one for name in world.custodians[:2] for one in answers_to(study, name, MessageKind.RELEASE)
    ]
    study.stop()
    hand_in(world, folder, releases)
    models = {path.name for path in (folder / "small-study" / "blobs").iterdir()}

    for place in ("1", "2", str(STEPS), "certify"):
        kill_at(folder, validity, place)

        assert state_of(world, folder) is AggregatorState.RELEASED
        blobs = {path.name for path in (folder / "small-study" / "blobs").iterdir()}
        # Before the transaction there are the aggregate and the model that it would publish.
        assert len(blobs - models) == (2 if place == "certify" else 0)
        assert not list(folder.rglob("*.part"))

    again = serve(world, folder)
    try:
        assert is_published_exactly(again, total)
        # What the killed publication left is swept; it stood under another salt.
        published = {again.row(0).commitment.hex(), again.row(0).next_digest.hex()}
        blobs = {path.name for path in (folder / "small-study" / "blobs").iterdir()}
        assert blobs == models | published
    finally:
        again.stop()
        world.close()
