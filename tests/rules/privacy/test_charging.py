"""Who pays for a frozen set, how much, and which freezes count (threats T28)."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import pytest
from tests.adversarial.people import People, found
from tests.rules.privacy.private_study import privately

from blindsum_crypto.errors import Refused
from blindsum_rules.close import Close
from blindsum_rules.manifest import Manifest
from blindsum_rules.privacy.charging import Charging, charged_freezes, charging_of
from blindsum_rules.privacy.guarantee import Unit
from blindsum_rules.privacy.study_plan import study_plan
from blindsum_rules.signed import Signed

HOUSES = ["north", "north", "south", "east", "west"]
PEOPLE = found(clients=5, organisations=HOUSES)
BY_RECORD = privately(PEOPLE.study, max_rounds=4)
BY_CLIENT = privately(
    PEOPLE.study, max_rounds=4, unit=Unit.CLIENT, units_per_client=1, allow_few_clients=True
)
CLIENTS = PEOPLE.clients


def test_a_study_without_noise_has_no_prices() -> None:
    assert charging_of(PEOPLE.study) is None
    with pytest.raises(Refused) as caught:
        Charging.of(PEOPLE.study)
    assert caught.value.rule == "not-private"


def test_the_unit_says_who_is_charged() -> None:
    members = CLIENTS[:3]

    assert Charging.of(BY_RECORD).payers_of(members) == {"north", "south"}
    assert Charging.of(BY_CLIENT).payers_of(members) == set(members)


@pytest.mark.parametrize("manifest", [BY_RECORD, BY_CLIENT])
def test_every_permitted_set_costs_its_own_noise_and_none_more_than_the_worst(
    manifest: Manifest,
) -> None:
    charging, plan = Charging.of(manifest), study_plan(manifest)
    dearest = 0
    for count in range(manifest.min_cohort, len(CLIENTS) + 1):
        for members in combinations(CLIENTS, count):
            price = charging.price(members)
            held = Counter(HOUSES[CLIENTS.index(client)] for client in members)
            assert price == plan.round_charge(count - max(held.values()))
            dearest = max(dearest, price.steps)

    assert dearest == charging.worst.steps == plan.round_charge().steps
    assert charging.price(CLIENTS).steps < charging.worst.steps
    assert charging.budget == plan.budget


def test_a_set_in_which_no_honest_noise_is_left_has_no_price() -> None:
    with pytest.raises(Refused) as caught:
        Charging.of(BY_RECORD).price(CLIENTS[:2])
    assert caught.value.rule == "privacy-no-honest-noise"


def test_a_cohort_pays_as_long_as_the_fewest_can_and_no_longer() -> None:
    charging = Charging.of(BY_RECORD)
    most = charging.budget.steps - charging.worst.steps
    poor = {"north": most + 1, "south": most}

    assert charging.able(CLIENTS, poor) == CLIENTS[2:]
    charging.check_payable(CLIENTS, poor, 3, 3)

    for floors in ((4, 1), (3, 4)):
        with pytest.raises(Refused) as caught:
            charging.check_payable(CLIENTS, poor, *floors)
        assert caught.value.rule == "privacy-budget"
        assert "'north'" in caught.value.expected


def closes(people: People, *named: bytes) -> tuple[Signed[Close], ...]:
    """What the first custodians say, one after the other."""
    body = Close(people.study.study, 0, b"", "", people.manifest.digest)
    names = people.custodians
    return tuple(
        people.sign(replace(body, freeze_digest=digest), name)
        for name, digest in zip(names, named, strict=False)
    )


@pytest.mark.parametrize(
    ("said", "charged"),
    [
        ((b"f" * 32, b"f" * 32, b"f" * 32), {b"f" * 32}),
        ((b"f" * 32, b"", b""), {b"f" * 32}),
        ((b"", b"", b""), set()),
        ((b"f" * 32, b"", b"", b""), set()),
        ((b"f" * 32, b"f" * 32, b"", b""), {b"f" * 32}),
    ],
)
def test_a_freeze_that_is_named_is_charged_unless_a_quorum_is_silent(
    said: tuple[bytes, ...], charged: set[bytes]
) -> None:
    assert charged_freezes(closes(PEOPLE, *said), 3) == charged
