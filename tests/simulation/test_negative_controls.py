"""The simulation can fail: each of these faults is found within a stated number of schedules."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.simulation import mutants
from tests.simulation.invariants import BrokenError
from tests.simulation.machine import SMALL, USUAL, Study


class Small(Study):
    """A study of one custodian: the quickest."""

    seal = "masking"
    shapes = (SMALL,)


class SmallCkks(Small):
    """The same under the other seal."""

    seal = "ckks"


class Usual(Small):
    """A study of the usual committee, of which one may deny whom others admit."""

    shapes = (USUAL,)


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


@pytest.mark.slow
@pytest.mark.parametrize("machine", [Small, SmallCkks])
def test_an_aggregator_that_folds_an_upload_twice_is_found_within_5_schedules(
    machine: type[Study],
) -> None:
    with mutants.an_aggregator_that_folds_an_upload_twice():
        broken = search(machine, 5)
    assert broken.invariant == "NO GATE"


@pytest.mark.slow
def test_an_aggregator_that_folds_again_when_it_was_killed_is_found_within_25_schedules() -> None:
    with mutants.an_aggregator_that_folds_again_when_it_was_killed():
        broken = search(Small, 25)
    assert broken.invariant == "NO GATE"


@pytest.mark.slow
def test_an_engine_that_forgets_to_subtract_is_found_within_25_schedules() -> None:
    with mutants.an_engine_that_forgets_to_subtract():
        broken = search(Usual, 25)
    assert broken.invariant == "NO GATE"


@pytest.mark.slow
def test_a_client_that_seals_again_is_found_within_25_schedules() -> None:
    with mutants.a_client_that_seals_again_when_it_tries_again():
        broken = search(Small, 25)
    assert broken.invariant in ("ONE SEAL", "QUEUES")


@pytest.mark.slow
def test_a_custodian_that_forgets_its_endorsements_is_found_within_25_schedules() -> None:
    with mutants.a_custodian_that_forgets_its_endorsements_at_a_restart():
        broken = search(Small, 25)
    assert broken.invariant in ("ONE WORD", "NO GATE")
