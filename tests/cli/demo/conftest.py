"""The demo's records and its trained models, made once for all tests: nobody changes them."""

import pytest

from blindsum_cli.demo.baselines import federated
from blindsum_cli.demo.heart_disease import (
    HOSPITALS,
    Records,
    pooled_test_records,
    training_records,
)
from blindsum_cli.demo.network import Model


@pytest.fixture(scope="session")
def sites() -> dict[str, Records]:
    return {hospital: training_records(hospital) for hospital in HOSPITALS}


@pytest.fixture(scope="session")
def pooled_test() -> Records:
    return pooled_test_records()


@pytest.fixture(scope="session")
def study(sites: dict[str, Records]) -> tuple[Model, ...]:
    return federated(sites)
