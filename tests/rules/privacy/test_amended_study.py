"""A private study is amended only where its promise, its budget and its prices stay."""

import dataclasses
from dataclasses import replace

import pytest
from tests.rules.amending import amended, new_client
from tests.rules.conftest import SmallStudy, build_study
from tests.rules.privacy.private_study import privately

from blindsum_crypto.errors import Refused
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.privacy.charging import Charging
from blindsum_rules.privacy.study_plan import study_plan


def private(
    clients: int = 6, values: int = 7, rounds: int = 5, organisations: int = 3
) -> SmallStudy:
    """A private study of sums of three or more, with noise enough for every delta here."""
    study = build_study(4, 2, 3, clients)
    layout = Layout((NamedArray("weight", (values,)),))
    fields = {"min_cohort": 3, "min_organisations": organisations, "layout": layout}
    manifest = privately(
        replace(study.body, **fields),  # type: ignore[arg-type] # each is of its own type
        max_rounds=rounds,
        noise_multiplier=3.0 * rounds**0.5,
    )
    changed = {field.name: getattr(manifest, field.name) for field in dataclasses.fields(manifest)}
    return study.with_manifest(**changed)


def test_a_client_in_place_of_another_leaves_promise_and_prices_alone() -> None:
    study = private()

    after = amended(study, study.amended, joined=(new_client(0),), left=("client-03",))

    before, now = study_plan(study.body), study_plan(after.body)
    assert now.guarantee == before.guarantee
    assert (now.budget, now.round_charge()) == (before.budget, before.round_charge())


def test_a_client_that_joins_a_study_of_millions_of_draws_breaks_no_promise() -> None:
    study = private(values=2_000_000, rounds=1_000)

    after = amended(study, study.amended, joined=(new_client(0),))

    moved = study_plan(after.body).guarantee.epsilon - study_plan(study.body).guarantee.epsilon
    assert 0 < moved < 1e-12


def test_an_organisation_that_comes_to_hold_more_of_the_noise_is_refused() -> None:
    study = private(organisations=2)
    second = replace(new_client(0), organisation="organisation-01")

    with pytest.raises(Refused) as caught:
        amended(study, study.amended, joined=(second,), left=("client-03",))

    assert caught.value.rule == "amendment-privacy"


def test_more_clients_than_the_width_of_the_sum_was_made_for_are_refused() -> None:
    study = private(clients=5)
    several = tuple(new_client(number) for number in range(10))

    with pytest.raises(Refused) as caught:
        amended(study, study.amended, joined=several)

    assert caught.value.rule == "privacy-field"


def test_who_has_left_is_priced_and_pays_as_before() -> None:
    study = private()
    after = amended(study, study.amended, joined=(new_client(0),), left=("client-00",))
    members = ("client-00", "client-01", "client-02")

    prices = Charging.of(after.body).enrolling(ever_enrolled(study.amended, after))

    assert prices.payers_of(members) == Charging.of(study.body).payers_of(members)
    assert prices.price(members) == Charging.of(study.body).price(members)
    with pytest.raises(KeyError):
        Charging.of(after.body).price(members)


def ever_enrolled(*stands: AmendedManifest) -> dict[str, str]:
    return {client.name: client.organisation for one in stands for client in one.body.clients}
