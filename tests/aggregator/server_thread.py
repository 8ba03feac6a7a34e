"""A real aggregator on an event loop in a thread of its own, and callers of every role."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tests.aggregator.cast import Cast

from blindsum_aggregator.server import AggregatorServer
from blindsum_aggregator.settings import AggregatorSettings
from blindsum_protos.calling import AggregatorCalls, TlsFiles
from blindsum_protos.convert.call import Caller

ResultT = TypeVar("ResultT")


class ServerThread:
    """Starts at once; `port` is where it listens."""

    def __init__(self, casts: Sequence[Cast], folder: Path, **settings: Any) -> None:  # noqa: ANN401
        chosen = {"port": 0, "tick_seconds": 0.05, "drain_seconds": 1, **settings}
        self.settings = AggregatorSettings(state_directory=folder, **chosen)
        self.casts = casts
        self.calls: list[AggregatorCalls] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        key_ring = casts[0].key_ring
        try:
            self.server = AggregatorServer(self.settings, key_ring, [one.files for one in casts])
            self.port = self.run(self.server.start())
        except BaseException:
            self._end()
            raise

    def run(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def caller(self, name: str, tls: TlsFiles | None = None, cast: Cast | None = None) -> Any:  # noqa: ANN401
        """The calls of one party; closed with the server."""
        cast = cast or self.casts[0]
        calls = AggregatorCalls(
            f"127.0.0.1:{self.port}", cast.manifest, Caller(name, cast.identities[name]), tls
        )
        self.calls.append(calls)
        return calls

    def stop(self) -> None:
        self.run(self.server.stop())
        for calls in self.calls:
            calls.close()
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()
