"""The simulation can fail: each of these faults is found within a stated number of schedules."""

from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.simulation import mutants
from tests.simulation.invariants import BrokenError
from tests.simulation.machine import USUAL, Study


class Searched(Study):
    """A study of the usual committee."""

    seal = "masking"
    shapes = (USUAL,)


class SearchedInRings(Searched):
    """The same under the other seal."""

    seal = "ckks"


def search(machine: type[Study], schedules: int) -> BrokenError:
    """Run at most so many schedules, not shrunk; the invariant that broke."""
    some = settings(
        max_examples=schedules,
        derandomize=True,
        database=None,
        deadline=None,
        stateful_step_count=25,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    with pytest.raises(BrokenError) as caught:
        run_state_machine_as_test(machine, settings=some)
    return caught.value


Mutant = AbstractContextManager[Any]


@pytest.mark.slow
@pytest.mark.parametrize("machine", [Searched, SearchedInRings])
def test_an_aggregator_that_folds_an_upload_twice_is_found_within_5_schedules(
    machine: type[Study],
) -> None:
    with mutants.an_aggregator_that_folds_an_upload_twice():
        broken = search(machine, 5)
    assert broken.invariant == "NO GATE"


@pytest.mark.slow
def test_an_aggregator_that_adds_in_place_is_found_within_40_schedules() -> None:
    with mutants.an_aggregator_that_adds_in_place():
        broken = search(Searched, 40)
    assert broken.invariant == "NO GATE"


@pytest.mark.slow
def test_an_engine_that_forgets_to_subtract_is_found_within_60_schedules() -> None:
    with mutants.an_engine_that_forgets_to_subtract():
        broken = search(Searched, 60)
    assert broken.invariant == "NO GATE"


@pytest.mark.slow
def test_a_client_that_seals_again_is_found_within_40_schedules() -> None:
    with mutants.a_client_that_seals_again_when_it_tries_again():
        broken = search(Searched, 40)
    assert broken.invariant == "ONE SEAL"


@pytest.mark.slow
def test_a_custodian_that_forgets_its_endorsements_is_found_within_40_schedules() -> None:
    with mutants.a_custodian_that_forgets_its_endorsements_at_a_restart():
        broken = search(Searched, 40)
    assert broken.invariant in ("ONE WORD", "NO GATE")
