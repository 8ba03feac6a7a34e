"""What carries a unit beyond its clip norm: refused by name with the units record and patient."""

from dataclasses import replace
from typing import Any

import pytest
from tests.rules.adaptive_studies import adaptive_study

from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import Manifest
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.study_checks import LOCAL_METHODS


def study_of(unit: Unit, method: str, clients: int = 4) -> Manifest:
    most: dict[str, Any] = {"units_per_client": 1} if unit is Unit.CLIENT else {}
    made = adaptive_study(
        clients=clients, unit=unit, adaptive_clipping=None, allow_few_clients=True, **most
    )
    return replace(made, local_methods=(method,))


@pytest.mark.parametrize("unit", [Unit.RECORD, Unit.PATIENT])
@pytest.mark.parametrize("method", sorted(LOCAL_METHODS))
def test_a_method_that_carries_a_unit_further_is_refused_by_its_name(
    unit: Unit, method: str
) -> None:
    with pytest.raises(Refused) as caught:
        check_manifest(study_of(unit, method))
    assert caught.value.rule == f"unit-{method}"
    assert str(unit) in caught.value.expected


@pytest.mark.parametrize("method", sorted(LOCAL_METHODS))
def test_where_the_client_is_the_unit_its_methods_are_its_own(method: str) -> None:
    check_manifest(study_of(Unit.CLIENT, method))


def test_the_methods_are_the_four_of_the_design() -> None:
    assert set(LOCAL_METHODS) == {
        "batch-norm",
        "error-feedback",
        "momentum",
        "site-fitted-preprocessing",
    }


def test_the_unit_client_below_a_hundred_clients_is_refused_unless_allowed() -> None:
    manifest = study_of(Unit.CLIENT, "momentum")
    assert manifest.privacy is not None
    strict = replace(manifest, privacy=replace(manifest.privacy, allow_few_clients=False))
    with pytest.raises(Refused) as caught:
        check_manifest(strict)
    assert caught.value.rule == "privacy-client-unit"
