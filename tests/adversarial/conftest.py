"""Fixtures of the attacks: a world by its committee and its seal."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.adversarial.people import found
from tests.adversarial.world import World

SEALS = ("ckks", "masking")


@pytest.fixture(params=SEALS)
def seal(request: pytest.FixtureRequest) -> str:
    """Every seal in turn."""
    name: str = request.param
    return name


@pytest.fixture
def make_world(tmp_path: Path, seal: str) -> Iterator[Callable[..., World]]:
    """A world by committee (m, t, quorum), number of clients and changes of its manifest."""
    made: list[World] = []

    def make(
        committee: tuple[int, int, int] = (4, 2, 3),
        clients: int = 6,
        organisations: list[str] | None = None,
        **changes: Any,  # noqa: ANN401
    ) -> World:
        people = found(committee, clients, seal, organisations, **changes)
        made.append(World(people, tmp_path / f"world-{len(made)}"))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """Four custodians, two open, three sign; six clients of six organisations."""
    return make_world()
