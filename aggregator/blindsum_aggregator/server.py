"""The aggregator's process: the one port that is open, the drivers behind it, a graceful end."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

from blindsum_aggregator.driver import Driver
from blindsum_aggregator.durable import make_folder
from blindsum_aggregator.retention import sweep_study
from blindsum_aggregator.service.servicer import Servicer
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_aggregator.store.database import Store
from blindsum_aggregator.study import Study, StudyFiles
from blindsum_aggregator.transcript import Filing
from blindsum_crypto.errors import Refused, Unavailable
from blindsum_crypto.keystore import KeyRing
from blindsum_crypto.randomness import Randomness
from blindsum_crypto.sole_use import SoleUse
from blindsum_protos.limits import MAX_MESSAGE_BYTES
from blindsum_protos.v1.aggregator_pb2_grpc import add_AggregatorServicer_to_server

SERVICE_NAME: Final = "blindsum.v1.Aggregator"
"""Under which the health service answers."""

_LOG: Final[Any] = structlog.get_logger("blindsum.aggregator")

_KEEPALIVE_MILLISECONDS: Final = 60_000
_SHORTEST_PING_MILLISECONDS: Final = 20_000


class AggregatorServer:
    """Serves studies from one event loop.

    Args:
        settings: Where to listen and what to keep.
        key_ring: The aggregator's identity; it holds no other secret.
        manifests: Each study's signed manifest, approval or None, and initial model.
        clock: UTC seconds.
        randomness: Source of the salts; the system's unless given.
    """

    def __init__(
        self,
        settings: AggregatorSettings,
        key_ring: KeyRing,
        manifests: Sequence[StudyFiles | tuple[Any, Any, Any]],
        clock: Callable[[], float] = time.time,
        randomness: Randomness | None = None,
    ) -> None:
        self._settings = settings
        self._identity = key_ring.identity
        self._files = [StudyFiles(*files) for files in manifests]
        self._clock = clock
        self._randomness = randomness
        self._resources = ExitStack()
        self._studies: dict[str, Study] = {}
        self._drivers: list[asyncio.Task[None]] = []
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Open the state, listen, and drive every study.

        Returns:
            The port.

        Raises:
            Refused: `no-study`, `study-twice`; `state-in-use`, when another process has the state;
                what `Study` refuses.
            Rejected: `initial-model`.
            Unavailable: `port`, when it cannot be listened on.
        """
        try:
            await asyncio.to_thread(self._open)
            port = await self._listen()
        except BaseException:
            self._resources.close()
            raise
        for study in self._studies.values():
            await study.refresh()
            self._drivers.append(asyncio.create_task(Driver(study).run()))
        for name in ("", SERVICE_NAME):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        _LOG.info("listening", host=self._settings.host, port=port, studies=list(self._studies))
        return port

    async def stop(self) -> None:
        """Refuse new calls, let those in progress end, and close the state."""
        await self._health.enter_graceful_shutdown()
        for study in self._studies.values():
            study.board.stop()
        if self._server is not None:
            await self._server.stop(self._settings.drain_seconds)
        await asyncio.gather(*self._drivers)
        await asyncio.to_thread(self._resources.close)
        _LOG.info("stopped")

    def _open(self) -> None:
        make_folder(self._settings.state_directory)
        self._resources.enter_context(_held(self._settings))
        store = Store(self._settings.database)
        self._resources.callback(store.close)
        for files in self._files:
            study = Study(
                files, self._identity, self._settings, store, self._clock, self._randomness
            )
            if study.name in self._studies:
                raise Refused("study-twice", f"expected {study.name!r} once")
            sweep_study(study)
            Filing(study).write_manifest()
            self._studies[study.name] = study
        if not self._studies:
            raise Refused("no-study", "expected the manifest of at least one study")

    async def _listen(self) -> int:
        settings = self._settings
        server = grpc.aio.server(
            options=_options(), maximum_concurrent_rpcs=settings.max_concurrent_calls
        )
        servicer = Servicer(self._studies, settings, self._clock)
        add_AggregatorServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        address = f"{settings.host}:{settings.port}"
        try:
            credentials = _credentials(settings)
            port = (
                server.add_insecure_port(address)
                if credentials is None
                else server.add_secure_port(address, credentials)
            )
        except RuntimeError as error:
            raise Unavailable("port", f"expected to listen on {address}") from error
        await server.start()
        self._server = server
        return port


async def serve(
    settings: AggregatorSettings,
    key_ring: KeyRing,
    manifests: Sequence[StudyFiles | tuple[Any, Any, Any]],
) -> None:
    """Serve until SIGTERM or SIGINT; errors as `AggregatorServer.start`."""
    server = AggregatorServer(settings, key_ring, manifests)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await server.start()
    try:
        await stopping.wait()
    finally:
        await server.stop()


def _held(settings: AggregatorSettings) -> SoleUse:
    folder = settings.state_directory
    return SoleUse(folder / "lock", "state-in-use", f"expected {folder} for itself")


def _options() -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        # Two aggregators on one port would each see half of the calls.
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MILLISECONDS),
        ("grpc.http2.min_ping_interval_without_data_ms", _SHORTEST_PING_MILLISECONDS),
    ]


def _credentials(settings: AggregatorSettings) -> grpc.ServerCredentials | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    authority = settings.tls_client_authority
    return grpc.ssl_server_credentials(
        [(settings.tls_key.read_bytes(), settings.tls_certificate.read_bytes())],
        root_certificates=None if authority is None else authority.read_bytes(),
        require_client_auth=authority is not None,
    )
