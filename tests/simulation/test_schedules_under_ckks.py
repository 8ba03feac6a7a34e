"""Who was counted, in random schedules of whole studies under the seal "ckks".

`BLINDSUM_SCHEDULES=1000 pytest tests/simulation` runs 1,000 of them, half under each seal.
"""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.simulation.machine import Study


class CkksStudy(Study):
    """A study of this seal."""

    seal = "ckks"


@pytest.mark.slow
def test_everybody_in_a_published_freeze_is_counted_once_and_nobody_else(
    schedules: Callable[[int], settings],
) -> None:
    run_state_machine_as_test(CkksStudy, settings=schedules(2))
