"""The world of the attacks is sound: an honest script opens the exact sum, for every seal."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.adversarial.world import World, total_of


@pytest.mark.parametrize("committee", [(1, 1, 1), (4, 2, 3), (7, 3, 5)], ids=str)
def test_an_honest_round_opens_to_the_exact_sum(
    make_world: Callable[..., World], committee: tuple[int, int, int]
) -> None:
    world = make_world(committee)
    played = world.play(world.aggregator.spec())
    assert np.array_equal(played.total, total_of(played.sent))


def test_a_second_round_of_a_new_model_opens_another_set(world: World) -> None:
    first = world.play(world.aggregator.spec())
    closes = world.leave(0)
    spec = world.aggregator.spec_after(first.spec, closes, first.endorsements)

    second = world.play(spec, world.clients[1:])

    members = [one for one in second.sent if one.client != world.clients[0]]
    assert np.array_equal(second.total, total_of(members))
