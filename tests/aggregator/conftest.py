"""A small study at (4, 2) with five clients, below the aggregator's door."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.aggregator.cast import Cast, build_cast
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
