"""study.toml of statistics: queries in, cells out, and every mistake named."""

import tomllib
from collections.abc import Mapping
from datetime import date

import pytest

from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.manifest import DifferencingScope, Manifest, StudyKind
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.party import PartyIdentity, Role
from blindsum_rules.privacy.study_plan import study_plan
from blindsum_rules.statistics.query import Condition
from blindsum_rules.study_example import example_toml
from blindsum_rules.study_toml import manifest_from_toml


@pytest.fixture(scope="module")
def identities() -> dict[str, PartyIdentity]:
    """An identity for every name of the example."""
    drawn = SeededRandomness(b"statistics")
    example = tomllib.loads(example_toml(statistic=True))
    roles = {name: Role(role) for role, name in example["parties"].items()}
    roles |= {client["name"]: Role.CLIENT for client in example["clients"]}
    roles |= dict.fromkeys(example["custodians"]["names"], Role.CUSTODIAN)
    found = {}
    for name, role in roles.items():
        public = Identity.generate(drawn).public
        if role is Role.CLIENT:
            agreement = AgreementKey.generate(drawn).public
            found[name] = PartyIdentity(name, role, public, agreement_key=agreement)
        elif role is Role.CUSTODIAN:
            wrap = WrapKey.generate("x25519", drawn)
            found[name] = PartyIdentity(
                name, role, public, wrap_suite=wrap.suite, wrap_key=wrap.public
            )
        else:
            found[name] = PartyIdentity(name, role, public)
    return found


def compiled(text: str, identities: Mapping[str, PartyIdentity]) -> Manifest:
    return manifest_from_toml(text, identities)


def test_the_example_compiles_into_queries(identities: Mapping[str, PartyIdentity]) -> None:
    manifest = compiled(example_toml(statistic=True), identities)

    assert manifest.kind is StudyKind.STATISTIC
    assert manifest.no_differencing is DifferencingScope.STUDY
    first, second = manifest.queries
    assert (first.window_from, first.window_to) == (date(1981, 5, 1), date(1987, 9, 1))
    assert [cell.name for cell in first.cells][:4] == [
        "patients",
        "diseased",
        "age: sum",
        "age: count",
    ]
    assert first.cells[1].where == (Condition("num", at_least=1),)
    assert len(first.cells) == 8
    assert second.cells[0].where == (Condition("chol", at_least=1),)
    assert (second.cells[0].lowest, second.cells[0].highest) == (50, 650)
    assert manifest.vector_length == 8


def test_the_private_example_promises_what_it_wishes_and_takes_b_from_privacy(
    identities: Mapping[str, PartyIdentity],
) -> None:
    text = example_toml(statistic=True, private=True)
    manifest = compiled(text.replace("max_records = 303\n", ""), identities)

    assert manifest.privacy is not None
    assert manifest.privacy.clip_norm == max(query.norm for query in manifest.queries)
    assert {query.max_records for query in manifest.queries} == {303}
    assert 2.9 < study_plan(manifest).guarantee.epsilon <= 3.0
    assert compiled(text, identities).privacy == manifest.privacy


def test_without_the_key_statistics_forbid_differencing_over_the_whole_study(
    identities: Mapping[str, PartyIdentity],
) -> None:
    text = example_toml(statistic=True)
    (line,) = [one for one in text.splitlines() if one.startswith("no_differencing")]

    silent = compiled(text.replace(line, "#"), identities)
    by_window = compiled(text.replace(line, 'no_differencing = "version"'), identities)

    assert silent.no_differencing is DifferencingScope.STUDY
    assert by_window.no_differencing is DifferencingScope.VERSION


@pytest.mark.parametrize(
    ("right", "wrong", "rule", "words"),
    [
        ("max_records = 303", "", "query-records", "max_records"),
        ("lowest = 20 ", "lowest = 91 ", "query-cell", "age: sum"),
        ("sex = [0, 1, 2]", "sex = [0, 2, 1]", "query-histogram", "age-by-sex-and-disease"),
        ("sex = [0, 1, 2]", "sex = [0.5, 1, 2]", "study-toml", "edges.sex"),
        ("at_least = 1 }]  #", "at_least = 1, equals = 2 }] #", "query-condition", "num"),
        ("window_to = 1987-09-01", "window_to = 1981-05-01", "query-window", "window_to"),
        ("window_from = 1981-05-01", 'window_from = "1981"', "study-toml", "window_from"),
        (
            'name = "cholesterol"\ndesc',
            'name = "age-by-sex-and-disease"\ndesc',
            "statistic-queries",
            "distinct",
        ),
        ("[schedule]", "[update]\n[schedule]", "study-toml", "expected no update"),
        ('kind = "statistic"', 'kind = "model"', "first-model", "model"),
    ],
)
def test_a_mistake_is_named(
    identities: Mapping[str, PartyIdentity], right: str, wrong: str, rule: str, words: str
) -> None:
    text = example_toml(statistic=True)
    assert right in text

    with pytest.raises(BlindsumError) as caught:
        compiled(text.replace(right, wrong, 1), identities)

    assert caught.value.rule == rule
    assert words in caught.value.expected


@pytest.mark.parametrize("key", ["clip_norm = 1.0", "reference_units = 10"])
def test_what_follows_from_the_queries_is_not_wished_for(
    identities: Mapping[str, PartyIdentity], key: str
) -> None:
    text = example_toml(statistic=True, private=True).replace("[privacy]", f"[privacy]\n{key}")

    with pytest.raises(BlindsumError) as caught:
        compiled(text, identities)

    assert caught.value.rule == "study-toml"
    assert key.split(" = ", maxsplit=1)[0] in caught.value.expected


def test_statistics_have_no_first_model(identities: Mapping[str, PartyIdentity]) -> None:
    with pytest.raises(BlindsumError) as caught:
        manifest_from_toml(
            example_toml(statistic=True),
            identities,
            bytes(32),
            Layout((NamedArray("weight", (2,)),)),
        )
    assert caught.value.rule == "first-model"
