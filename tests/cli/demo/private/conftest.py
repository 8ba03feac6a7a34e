"""One private study and its sites, made once for all tests: nobody changes them."""

from collections.abc import Callable

import pytest

from blindsum_cli.demo.heart_disease import HOSPITALS, Records, training_records
from blindsum_cli.demo.places import custodian_of
from blindsum_cli.demo.private.gradients import of_split
from blindsum_cli.demo.private.ledgers import Ledgers
from blindsum_cli.demo.private.recipe import PrivateRecipe
from blindsum_cli.demo.private.study import set_up_private
from blindsum_cli.demo.study_setup import DemoSetup
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.charging import Charging

EPSILON = 3.0


@pytest.fixture(scope="session")
def recipe() -> PrivateRecipe:
    return PrivateRecipe()


@pytest.fixture(scope="session")
def setup(tmp_path_factory: pytest.TempPathFactory, recipe: PrivateRecipe) -> DemoSetup:
    return set_up_private(tmp_path_factory.mktemp("private"), "ckks", EPSILON, recipe)


@pytest.fixture(scope="session")
def manifest(setup: DemoSetup) -> Manifest:
    return setup.studies[0].manifest


@pytest.fixture(scope="session")
def first_split() -> dict[str, Records]:
    return {hospital: of_split(training_records(hospital), 0) for hospital in HOSPITALS}


@pytest.fixture(scope="session")
def ledgers_after(manifest: Manifest) -> Callable[[int], Ledgers]:
    """Ledgers that have settled so many rounds of all hospitals."""
    charging = Charging.of(manifest)

    def after(rounds: int) -> Ledgers:
        steps = charging.price(HOSPITALS).steps * rounds
        own = {one: charging.account(one, steps, rounds=rounds) for one in HOSPITALS}
        return Ledgers(charging, own, {custodian_of(one): dict(own) for one in HOSPITALS})

    return after
