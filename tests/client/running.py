"""A study that runs: the real aggregator and the real custodians, all over sockets."""

# `**changes` replaces any field of the manifest.
# ruff: noqa: ANN401

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tests.client.people import (
    CLIENTS,
    PASSPHRASE,
    People,
    build_manifest,
    build_people,
    initial_arrays,
)

from blindsum_aggregator.server import AggregatorServer
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_client import Client, ClientPolicy
from blindsum_client.adapters.numpy_arrays import layout_of_arrays
from blindsum_crypto.keystore import FileKeyStore, KeyRing
from blindsum_custodian.attend import attend
from blindsum_custodian.settings import CustodianSettings
from blindsum_protos.convert.manifest import manifest_file_to_bytes
from blindsum_rules.manifest import Manifest, Schedule
from blindsum_rules.model import model_digest
from blindsum_rules.signed import Signed
from blindsum_rules.study_privacy import with_privacy
from blindsum_rules.study_tables import PrivacyTable

ROUNDS = 3


@dataclass(frozen=True)
class Study:
    """A running study: its people, its manifest on the disk, and where its aggregator listens."""

    people: People
    manifest: Signed[Manifest]
    folder: Path
    address: str
    first: Mapping[str, npt.NDArray[np.float32]]

    def join(self, name: str, state: str | None = None) -> Client:
        client = Client.join(
            self.folder / "heart.manifest",
            digest=self.manifest.digest.hex(),
            key_file=self.folder / f"{name}.key",
            passphrase=PASSPHRASE,
            aggregator=self.address,
            state=self.folder / "state" / (state or name),
            policy=ClientPolicy(min_cohort_floor=3),
            initial_model=self.first if name == CLIENTS[0] else None,
        )
        assert client.name == name
        return client


class RunningAggregator:
    """The aggregator on an event loop in a thread of its own."""

    def __init__(self, settings: AggregatorSettings, key_ring: KeyRing, study: Any) -> None:
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

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)


def write_study(
    folder: Path, wish: PrivacyTable | None, **changes: Any
) -> tuple[People, Signed[Manifest]]:
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
        **changes,
    )
    if wish is not None:
        body = with_privacy(replace(body, codec=None), wish)
    manifest = people.sign(body, "operator")
    (folder / "heart.manifest").write_bytes(manifest_file_to_bytes(manifest, None))
    for name in CLIENTS:
        FileKeyStore(folder / f"{name}.key", PASSPHRASE).create(people.key_ring(name))
    return people, manifest


def pinned_to(first: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, Any]:
    """What a manifest says of its first model."""
    layout = layout_of_arrays(first)
    digest = model_digest(layout.flatten(first).astype(np.float32))
    return {"layout": layout, "initial_model_digest": digest}


@contextmanager
def running_study(
    tmp_path: Path,
    wish: PrivacyTable | None = None,
    first: Mapping[str, npt.NDArray[np.float32]] | None = None,
    **changes: Any,
) -> Iterator[Study]:
    """A study of four hospitals and three rounds, with a test's model and manifest."""
    begun = first or initial_arrays()
    people, manifest = write_study(tmp_path, wish, **(pinned_to(begun) | changes))
    model = manifest.body.layout.flatten(begun).astype(np.float32)
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
    try:
        yield Study(people, manifest, tmp_path, address, begun)
    finally:
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
