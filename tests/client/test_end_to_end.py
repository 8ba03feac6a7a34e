"""The front page's loop against the real aggregator and the real custodians, all over sockets."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.client.people import (
    CLIENTS,
    LAYOUT,
    PASSPHRASE,
    People,
    build_manifest,
    build_people,
    initial_arrays,
)

from blindsum_aggregator.server import AggregatorServer
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_client import Client, ClientPolicy, Round, Update
from blindsum_crypto.keystore import FileKeyStore, KeyRing
from blindsum_custodian.attend import attend
from blindsum_custodian.settings import CustodianSettings
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_rules.manifest import Manifest, Schedule
from blindsum_rules.next_model import next_model
from blindsum_rules.signed import Signed

ROUNDS = 3
Integers = npt.NDArray[np.int64]
Kept = dict[tuple[int, str], Integers]


@dataclass(frozen=True)
class Study:
    """A running study: its people, its manifest on the disk, and where its aggregator listens."""

    people: People
    manifest: Signed[Manifest]
    folder: Path
    address: str

    def join(self, name: str, state: str | None = None) -> Client:
        client = Client.join(
            self.folder / "heart.manifest",
            digest=self.manifest.digest.hex(),
            key_file=self.folder / f"{name}.key",
            passphrase=PASSPHRASE,
            aggregator=self.address,
            state=self.folder / "state" / (state or name),
            policy=ClientPolicy(min_cohort_floor=3),
            initial_model=initial_arrays() if name == CLIENTS[0] else None,
        )
        assert client.name == name
        return client


class RunningAggregator:
    """The aggregator on an event loop in a thread of its own."""

    def __init__(self, settings: AggregatorSettings, key_ring: KeyRing, study: Any) -> None:  # noqa: ANN401
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = AggregatorServer(settings, key_ring, [study])
        self.port = self._run(self._server.start())

    def stop(self) -> None:
        self._run(self._server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def _run(self, coroutine: Any) -> Any:  # noqa: ANN401
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)


def write_study(folder: Path) -> tuple[People, Signed[Manifest]]:
    people = build_people(custodians=4)
    now = int(time.time())
    body = build_manifest(
        people,
        threshold=2,
        quorum=3,
        schedule=Schedule(
            max_rounds=ROUNDS,
            accept_seconds=30,
            contribute_seconds=60,
            release_seconds=60,
            pause_seconds=0,
            quota=0,
        ),
        not_before_unix=now - 60,
        not_after_unix=now + 3600,
    )
    manifest = people.sign(body, "operator")
    (folder / "heart.manifest").write_bytes(manifest_file_to_bytes(manifest, None))
    for name in CLIENTS:
        FileKeyStore(folder / f"{name}.key", PASSPHRASE).create(people.key_ring(name))
    return people, manifest


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    people, manifest = write_study(tmp_path)
    model = LAYOUT.flatten(initial_arrays()).astype(np.float32)
    aggregator = RunningAggregator(
        AggregatorSettings(port=0, state_directory=tmp_path / "aggregator", tick_seconds=0.05),
        KeyRing(people.identities["aggregator"]),
        (manifest, None, model),
    )
    address = f"127.0.0.1:{aggregator.port}"
    stop = threading.Event()
    threads = [
        threading.Thread(target=serve_custodian, args=(people, manifest, tmp_path, name, stop))
        for name in people.wraps
    ]
    (tmp_path / "address").write_text(address)
    for thread in threads:
        thread.start()
    yield Study(people, manifest, tmp_path, address)
    stop.set()
    for thread in threads:
        thread.join(20)
    aggregator.stop()
    assert not any(thread.is_alive() for thread in threads)


def serve_custodian(
    people: People, manifest: Signed[Manifest], folder: Path, name: str, stop: threading.Event
) -> None:
    for part in ("store", "instance"):
        (folder / name / part).mkdir(parents=True)
    settings = CustodianSettings(
        aggregator=(folder / "address").read_text(),
        store=folder / name / "store" / "custodian.sqlite",
        instance_file=folder / name / "instance" / "instance.json",
    )
    settings.create_store().close()
    key_ring = KeyRing(people.identities[name], wrap_key=people.wraps[name])
    attend(settings, key_ring, [(manifest, None)], stop)


def train(model: dict[str, npt.NDArray[np.float32]], name: str, round_: Round) -> Update:
    """A change that depends on who trains, on the round and on the model."""
    step = 0.1 * (CLIENTS.index(name) + 1) + 0.01 * round_.number
    changes = {array: np.full_like(values, step) - 0.05 * values for array, values in model.items()}
    return Update(changes, records=100 * (CLIENTS.index(name) + 1))


def take_part(study: Study, name: str, kept: Kept) -> dict[str, npt.NDArray[np.float32]]:
    """The loop of the front page; the integers are kept by this test and by nobody else."""
    with study.join(name) as client:
        for round_ in client.rounds():
            update = train(round_.model, name, round_)
            integers = client.encode(round_, update)
            kept[round_.number, name] = integers
            receipt = client.contribute(round_, integers)
            assert receipt.body.client == name
            outcome = client.outcome(round_)
            assert outcome.published
            assert outcome.included
        return client.final()


def expected_model(study: Study, kept: Kept, rounds: int) -> npt.NDArray[np.float32]:
    """What the declared function makes of the plain sums of the kept integers."""
    body = study.manifest.body
    model = LAYOUT.flatten(initial_arrays()).astype(np.float32)
    for number in range(rounds):
        members = [integers for (of_round, _), integers in kept.items() if of_round == number]
        total = np.sum(members, axis=0)
        model = next_model(body, model, total, bytes(32))
    return model


@pytest.mark.slow
def test_four_hospitals_train_through_the_real_roles_to_the_bit_exact_model(study: Study) -> None:
    kept: Kept = {}

    with ThreadPoolExecutor(len(CLIENTS)) as hospitals:
        running = [hospitals.submit(take_part, study, name, kept) for name in CLIENTS]
        finals = [one.result(120) for one in running]

    assert sorted(kept) == [(number, name) for number in range(ROUNDS) for name in CLIENTS]
    expected = LAYOUT.unflatten(expected_model(study, kept, ROUNDS))
    for final in finals:
        assert {name: array.tobytes() for name, array in final.items()} == {
            name: array.tobytes() for name, array in expected.items()
        }


@pytest.mark.slow
def test_after_the_end_a_client_looks_back_and_one_that_lost_everything_replays_the_study(
    study: Study,
) -> None:
    with ThreadPoolExecutor(len(CLIENTS)) as hospitals:
        running = [hospitals.submit(take_part, study, name, {}) for name in CLIENTS]
        final, *_ = [one.result(120) for one in running]

    with study.join("hungary") as again:
        assert list(again.rounds()) == []
        assert [again.look_back(number).included for number in range(ROUNDS)] == [True] * ROUNDS

    with study.join("hungary", state="a-new-disk") as late:
        assert list(late.rounds()) == []
        assert late.final()["weight"].tobytes() == final["weight"].tobytes()
