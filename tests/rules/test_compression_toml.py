"""[compression] of study.toml: what is written there stands in the manifest, or is refused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from blindsum_crypto.ckks.parameters import plan
from blindsum_crypto.errors import BlindsumError
from blindsum_rules.manifest import Manifest
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.party import PartyIdentity
from blindsum_rules.sparsity import Sparsity, SparsityRule
from blindsum_rules.study_example import example_toml
from blindsum_rules.study_toml import manifest_from_toml
from blindsum_rules.sum_bounds import sum_bounds

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

SIZE = 200_000
LAYOUT = Layout((NamedArray("weight", (SIZE,)),))


def uncommented(*, private: bool = False) -> str:
    """The example with its [compression] in force."""
    lines = example_toml(private=private).splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("# [compression]"))
    for place in range(start, lines.index("", start)):
        lines[place] = lines[place].removeprefix("# ")
    return "\n".join(lines)


@pytest.fixture
def identities(study: "SmallStudy") -> Mapping[str, PartyIdentity]:
    """Keys of the small study's people under the names of the example."""
    clients, custodians = iter(study.clients), iter(study.custodians)
    names = {"registry": "operator", "privacy-office": "officer", "adder": "aggregator"}
    hospitals = ("cleveland", "hungary", "switzerland", "va-long-beach")
    names |= {name: next(clients) for name in hospitals}
    names |= {f"keeper-{letter}": next(custodians) for letter in "abcd"}
    return {name: replace(study.parties[own], name=name) for name, own in names.items()}


def compiled(text: str, identities: Mapping[str, PartyIdentity]) -> Manifest:
    manifest = manifest_from_toml(text, identities, bytes(32), LAYOUT)
    check_manifest(manifest)
    return manifest


@pytest.mark.parametrize("private", [False, True])
def test_the_examples_compression_is_off_until_it_is_uncommented(
    identities: Mapping[str, PartyIdentity], *, private: bool
) -> None:
    off = compiled(example_toml(private=private), identities)
    on = compiled(uncommented(private=private), identities)

    assert off.sparsity is None
    assert on.sparsity == Sparsity(SparsityRule.RANDOM_K, 100_000)
    assert on.vector_length == 100_000 + (0 if private else 1)


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("kept = 100000", "kept = 0", "study-toml"),
        ("kept = 100000", "kept = 200000", "sparsity"),
        ("kept = 100000", "", "study-toml"),
        ('rule = "random-k"', 'rule = "top-k"', "study-toml"),
        ('rule = "random-k"', "", "study-toml"),
    ],
)
def test_compression_that_cannot_be_meant_is_refused(
    identities: Mapping[str, PartyIdentity], right: str, wrong: str, rule: str
) -> None:
    assert right in uncommented()
    with pytest.raises(BlindsumError) as caught:
        compiled(uncommented().replace(right, wrong), identities)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("levels", "masking", "ckks"), [(126, 1.5, 1.9), (2046, 2.0, 2.5), (32766, 2.5, 3.8)]
)
def test_levels_cost_the_bytes_that_the_example_says(
    study: "SmallStudy", levels: int, masking: float, ckks: float
) -> None:
    codec = replace(study.body.weighted_codec, levels=levels)

    field_bits = sum_bounds(replace(study.body, codec=codec), 10).field_bits

    assert field_bits / 8 == masking
    assert round(plan(1_000_000, 10, field_bits).payload_bytes(1_000_000) / 1e6, 1) == ckks
    assert f"{levels} (" in example_toml()
    assert f"{masking} / {ckks}" in example_toml()
