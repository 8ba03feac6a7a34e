"""Threat T4: what counts is not |U| but how many of it are left without those who may collude."""

# ruff: noqa: ANN401 - `**changes` replaces fields of the manifest

from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_rules.anonymity import (
    AnonymitySet,
    anonymity_of,
    anonymity_of_size,
    colluders_of,
    smallest_anonymity,
)

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

    from blindsum_rules.manifest import Manifest


def of_houses(study: "SmallStudy", houses: str, **changes: Any) -> "Manifest":
    """As many of the study's clients as letters, each of the organisation of its letter."""
    clients = tuple(
        replace(client, organisation=house)
        for client, house in zip(study.body.clients, houses, strict=False)
    )
    assert len(clients) == len(houses)
    return replace(study.body, clients=clients, **changes)


@pytest.mark.parametrize(
    ("houses", "members", "clients", "organisations"),
    [
        ("abcd", "abcd", 3, 3),
        ("aabb", "aabb", 2, 1),
        ("aaab", "aaab", 1, 1),
        ("aaab", "aaa", 0, 0),
        ("abcd", "ab", 1, 1),
    ],
)
def test_of_a_frozen_set_the_largest_organisation_does_not_count(
    study: "SmallStudy", houses: str, members: str, clients: int, organisations: int
) -> None:
    manifest = of_houses(study, houses)
    names = [client.name for client in manifest.clients][: len(members)]

    assert anonymity_of(manifest, names) == AnonymitySet(1, clients, organisations)


def test_who_is_not_enrolled_hides_nobody(study: "SmallStudy") -> None:
    names = [client.name for client in study.body.clients]
    assert anonymity_of(study.body, [*names, "stranger"]) == anonymity_of(study.body, names)


@pytest.mark.parametrize("houses", ["abcd", "aabb", "aaab", "aabc"])
@pytest.mark.parametrize("floor", [1, 2])
def test_the_smallest_of_a_size_is_reached_and_not_undercut(
    study: "SmallStudy", houses: str, floor: int
) -> None:
    """Against every set that the floors permit."""
    manifest = of_houses(study, houses, min_organisations=floor)
    names = {client.name: client.organisation for client in manifest.clients}
    for size in (2, 3, 4):
        sets = [
            anonymity_of(manifest, chosen)
            for chosen in combinations(names, size)
            if len(Counter(names[one] for one in chosen)) >= floor
        ]
        bound = anonymity_of_size(manifest, size)
        assert bound.clients == min(one.clients for one in sets)
        assert bound.organisations <= min(one.organisations for one in sets)


def test_a_study_promises_the_smallest_of_its_smallest_sums(study: "SmallStudy") -> None:
    manifest = of_houses(study, "aabc", min_cohort=3, min_organisations=2)
    assert smallest_anonymity(manifest) == anonymity_of_size(manifest, 3)
    assert colluders_of(manifest) == 1


@pytest.mark.parametrize(
    ("hidden", "words"),
    [
        (
            AnonymitySet(1, 4, 3),
            "each client among at least 4 of 3 organisations, against 1 colluding organisation",
        ),
        (
            AnonymitySet(2, 2, 1),
            "each client among at least 2 of 1 organisation, against 2 colluding organisations",
        ),
        (
            AnonymitySet(1, 1, 1),
            "nobody, against 1 colluding organisation: without their own clients a sum is of one "
            "at most",
        ),
    ],
)
def test_it_is_said_in_words(hidden: AnonymitySet, words: str) -> None:
    assert hidden.in_words == words
