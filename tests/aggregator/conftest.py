"""A small study at (4, 2) with five clients, below the aggregator's door and behind it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.aggregator.cast import Cast, build_cast
from tests.aggregator.server_thread import ServerThread
from tests.aggregator.stage import Stage


@pytest.fixture(scope="session")
def cast() -> Cast:
    return build_cast()


@pytest.fixture
def build_stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    """Stages of other casts or settings; closed when the test ends."""
    stages: list[Stage] = []

    def build(cast: Cast, **settings: Any) -> Stage:  # noqa: ANN401
        stages.append(Stage(cast, tmp_path / f"state-{len(stages)}", **settings))
        return stages[-1]

    yield build
    for stage in stages:
        stage.close()


@pytest.fixture
def stage(cast: Cast, build_stage: Callable[..., Stage]) -> Stage:
    return build_stage(cast)


@pytest.fixture
def timely() -> Cast:
    """A study that is valid now."""
    return build_cast(not_before_unix=1_700_000_000, not_after_unix=4_000_000_000)


@pytest.fixture
def build_server(tmp_path: Path) -> Iterator[Callable[..., ServerThread]]:
    servers: list[ServerThread] = []

    def build(*casts: Cast, **settings: Any) -> ServerThread:  # noqa: ANN401
        servers.append(ServerThread(casts, tmp_path / f"server-{len(servers)}", **settings))
        return servers[-1]

    yield build
    for server in servers:
        server.stop()


@pytest.fixture
def server(timely: Cast, build_server: Callable[..., ServerThread]) -> ServerThread:
    return build_server(timely, manual_rounds=True)
