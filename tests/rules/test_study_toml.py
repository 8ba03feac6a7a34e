"""study.toml at the door: complete, without surprises, and named where it is wrong."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.identity import AgreementKey, Identity, WrapKey
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.manifest import DifferencingScope
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.model import Layout, NamedArray
from blindsum_rules.party import PartyIdentity, Role
from blindsum_rules.privacy.study_plan import study_plan
from blindsum_rules.study_example import example_toml
from blindsum_rules.study_toml import manifest_from_toml

LAYOUT = Layout((NamedArray("weight", (13,)), NamedArray("bias", ())))
MODEL_DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def identities() -> dict[str, PartyIdentity]:
    """An identity for every name of the example."""
    drawn = SeededRandomness(b"study.toml")
    example = tomllib.loads(example_toml())
    found: dict[str, PartyIdentity] = {}
    for role, name in example["parties"].items():
        found[name] = PartyIdentity(name, Role(role), Identity.generate(drawn).public)
    for client in example["clients"]:
        found[client["name"]] = PartyIdentity(
            client["name"],
            Role.CLIENT,
            Identity.generate(drawn).public,
            agreement_key=AgreementKey.generate(drawn).public,
        )
    for name in example["custodians"]["names"]:
        wrap = WrapKey.generate("mlkem768x25519", drawn)
        found[name] = PartyIdentity(
            name,
            Role.CUSTODIAN,
            Identity.generate(drawn).public,
            wrap_suite=wrap.suite,
            wrap_key=wrap.public,
        )
    return found


def test_the_example_compiles_into_a_manifest_that_passes(
    identities: Mapping[str, PartyIdentity],
) -> None:
    manifest = manifest_from_toml(example_toml(), identities, MODEL_DIGEST, LAYOUT)
    check_manifest(manifest)
    assert manifest.study == "heart-2026"
    assert [client.name for client in manifest.clients] == [
        "cleveland",
        "hungary",
        "switzerland",
        "va-long-beach",
    ]
    assert manifest.clients[0].agreement_key == identities["cleveland"].agreement_key
    assert manifest.custodians[3].wrap_key == identities["keeper-d"].wrap_key
    assert manifest.not_before_unix == int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    assert (manifest.threshold, manifest.quorum, manifest.vector_length) == (2, 3, 15)
    assert manifest.initial_model_digest == MODEL_DIGEST


def test_lists_are_sorted_whatever_their_order_in_the_file(
    identities: Mapping[str, PartyIdentity],
) -> None:
    turned = example_toml().replace(
        '["keeper-a", "keeper-b", "keeper-c", "keeper-d"]',
        '["keeper-d", "keeper-b", "keeper-c", "keeper-a"]',
    )
    first, last = 'name = "cleveland"', 'name = "va-long-beach"'
    turned = turned.replace(first, "HERE").replace(last, first).replace("HERE", last)
    manifest = manifest_from_toml(turned, identities, MODEL_DIGEST, LAYOUT)
    assert [one.name for one in manifest.custodians] == [
        "keeper-a",
        "keeper-b",
        "keeper-c",
        "keeper-d",
    ]
    assert manifest.clients[-1].name == "va-long-beach"


def test_the_private_example_promises_what_it_wishes(
    identities: Mapping[str, PartyIdentity],
) -> None:
    manifest = manifest_from_toml(example_toml(private=True), identities, MODEL_DIGEST, LAYOUT)
    check_manifest(manifest)
    plan = study_plan(manifest)
    assert manifest.codec is None
    assert manifest.vector_length == LAYOUT.size
    assert 2.99 < plan.guarantee.epsilon <= 3.0
    assert plan.guarantee.delta == 1e-5
    assert plan.honest_shares == 2  # a sum of three, and one of them colludes
    assert plan.setting.most_rounds == manifest.schedule.max_rounds == 12
    assert manifest.update_rule == "fedsgd"  # records send gradients, against which one steps


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("epsilon = 3.0", "epsilon = 3.0\nnoise_multiplier = 1.0", "study-toml"),
        ("epsilon = 3.0", "", "study-toml"),
        ("epsilon = 3.0", "epsilon = 500.0", "privacy-epsilon"),
        ("epsilon = 3.0", "noise_multiplier = 0.05", "privacy-epsilon"),
        ('unit = "record"', 'unit = "household"', "study-toml"),
        ("planned_rounds = 8", "planned_rounds = 13", "privacy-rounds"),
        ("clip_norm = 0.5", "clip_norm = 0.0", "privacy-policy"),
        ("reference_units = 920", "reference_units = 0", "study-toml"),
        ('unit = "record"', 'unit = "client"', "privacy-units"),
        ("colluders = 1", "colluders = 3", "privacy-no-honest-noise"),
        ("local_methods = []", 'local_methods = ["error-feedback"]', "unit-error-feedback"),
        ("local_methods = []", 'local_methods = ["momentum"]', "unit-momentum"),
        ("local_methods = []", 'local_methods = ["batch-norm"]', "unit-batch-norm"),
        (
            "local_methods = []",
            'local_methods = ["site-fitted-preprocessing"]',
            "unit-site-fitted-preprocessing",
        ),
        ("local_methods = []", 'local_methods = ["luck"]', "local-method"),
        (
            "[privacy]",
            "[codec]\nclip_norm = 1.0\nlevels = 16\nweight_cap = 3\nweight_scale = 1.0\n[privacy]",
            "codec-or-privacy",
        ),
    ],
)
def test_what_no_privacy_policy_can_hold_is_refused_by_name(
    identities: Mapping[str, PartyIdentity], right: str, wrong: str, rule: str
) -> None:
    text = example_toml(private=True)
    assert right in text
    with pytest.raises(BlindsumError) as caught:
        manifest_from_toml(text.replace(right, wrong, 1), identities, MODEL_DIGEST, LAYOUT)
    assert caught.value.rule == rule


def test_few_hospitals_as_units_are_refused_unless_forced(
    identities: Mapping[str, PartyIdentity],
) -> None:
    text = example_toml(private=True).replace('unit = "record"', 'unit = "client"')
    text = text.replace("units_per_client = 303", "units_per_client = 1")
    with pytest.raises(BlindsumError) as caught:
        manifest_from_toml(text, identities, MODEL_DIGEST, LAYOUT)
    assert caught.value.rule == "privacy-client-unit"
    forced = text.replace("allow_few_clients = false", "allow_few_clients = true")
    assert manifest_from_toml(forced, identities, MODEL_DIGEST, LAYOUT).privacy is not None


OPTIONAL = [
    'seals = ["ckks"]',
    'officer = "privacy-office"',
    'no_differencing = "version"',
    'rule = "fedavg"',
    "server_learning_rate = 1.0",
    "local_methods = []",
    "pause_seconds = 0",
    "quota = 0",
]


def test_every_key_that_the_example_calls_optional_may_be_left_out(
    identities: Mapping[str, PartyIdentity],
) -> None:
    text = example_toml()
    whole = manifest_from_toml(text, identities, MODEL_DIGEST, LAYOUT)
    for line in OPTIONAL:
        assert line in text
        text = text.replace(line, "")
    text = text.replace("[update]", "")
    assert "optional" in text
    short = manifest_from_toml(text, identities, MODEL_DIGEST, LAYOUT)
    assert short == replace(whole, officer=None)


def required_lines() -> list[str]:
    lines = [line for line in example_toml().splitlines() if "=" in line and line[0] != "#"]
    once = [line for line in lines if lines.count(line) == 1]
    return [line for line in once if "optional" not in line]


@pytest.mark.parametrize("line", required_lines())
def test_every_other_key_must_be_there_and_is_named(
    identities: Mapping[str, PartyIdentity], line: str
) -> None:
    text = example_toml().replace(line, "")
    with pytest.raises(BlindsumError) as caught:
        manifest_from_toml(text, identities, MODEL_DIGEST, LAYOUT)
    assert caught.value.rule == "study-toml"
    assert line.split("=", maxsplit=1)[0].strip() in caught.value.expected


MISTAKES = [
    ("[codec]", "[codec]\nnoise_multiplier = 1.0", "codec.noise_multiplier"),
    ("kind =", "epsilon = 1.0\nkind =", "epsilon"),
    ('organisation = "basel-zurich"', "organisation = 3", "clients.2.organisation"),
    ("levels = 65536", 'levels = "65536"', "codec.levels"),
    ("levels = 65536", "levels = 65536.0", "codec.levels"),
    ("threshold = 2", "threshold = 0", "custodians.threshold"),
    ("threshold = 2", "threshold = true", "custodians.threshold"),
    ('kind = "model"', 'kind = "poll"', "kind"),
    ('no_differencing = "version"', 'no_differencing = "off"', "cohort.no_differencing"),
    ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "not_before"),
    ("2026-01-01T00:00:00Z", "2026-01-01", "not_before"),
    ("2026-01-01T00:00:00Z", '"2026-01-01T00:00:00Z"', "not_before"),
    ("quota = 0", "quota = -1", "schedule.quota"),
    ("max_rounds = 12", "max_rounds = 4294967296", "schedule.max_rounds"),
]


@pytest.mark.parametrize(("right", "wrong", "key"), MISTAKES)
def test_a_mistake_is_rejected_and_its_key_is_named(
    identities: Mapping[str, PartyIdentity], right: str, wrong: str, key: str
) -> None:
    assert right in example_toml()
    with pytest.raises(BlindsumError) as caught:
        manifest_from_toml(example_toml().replace(right, wrong), identities, MODEL_DIGEST, LAYOUT)
    assert caught.value.rule == "study-toml"
    assert f"{key}: " in caught.value.expected


def test_text_that_is_no_toml_is_rejected(identities: Mapping[str, PartyIdentity]) -> None:
    with pytest.raises(BlindsumError) as caught:
        manifest_from_toml("study = ", identities, MODEL_DIGEST, LAYOUT)
    assert caught.value.rule == "study-toml"


@pytest.mark.parametrize("name", ["registry", "privacy-office", "hungary", "keeper-c"])
def test_a_party_without_an_identity_is_refused(
    identities: Mapping[str, PartyIdentity], name: str
) -> None:
    others = {one: identity for one, identity in identities.items() if one != name}
    with pytest.raises(BlindsumError) as caught:
        manifest_from_toml(example_toml(), others, MODEL_DIGEST, LAYOUT)
    assert caught.value.rule == "no-identity"
    assert name in caught.value.expected


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("adder", {"role": Role.OPERATOR}),
        ("hungary", {"role": Role.CUSTODIAN}),
        ("keeper-a", {"role": Role.CLIENT}),
        ("keeper-a", {"name": "keeper-b"}),
    ],
)
def test_an_identity_made_for_something_else_is_refused(
    identities: Mapping[str, PartyIdentity], name: str, changes: dict[str, Any]
) -> None:
    others = {**identities, name: replace(identities[name], **changes)}
    with pytest.raises(BlindsumError) as caught:
        manifest_from_toml(example_toml(), others, MODEL_DIGEST, LAYOUT)
    assert caught.value.rule == "identity-role"
    given = others[name]
    assert f"got that of {given.role.value} {given.name!r}" in caught.value.expected


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("quorum = 3 ", "quorum = 2 ", "quorum-rule"),
        ('"keeper-d"]', '"keeper-a"]', "enrolled-twice"),
        ("min_cohort = 3", "min_cohort = 1", "min-cohort"),
        ('seals = ["ckks"]', 'seals = ["plain"]', "unknown-seal"),
        ("levels = 65536", "levels = 300000", "codec"),
        ("clip_norm = 1.0", "clip_norm = nan", "codec"),
        ("2027-01-01", "2025-01-01", "validity"),
    ],
)
def test_what_the_rules_forbid_does_not_compile(
    identities: Mapping[str, PartyIdentity], right: str, wrong: str, rule: str
) -> None:
    assert right in example_toml()
    with pytest.raises(BlindsumError) as caught:
        manifest_from_toml(example_toml().replace(right, wrong), identities, MODEL_DIGEST, LAYOUT)
    assert caught.value.rule == rule


def test_the_scope_of_differencing_may_be_the_whole_study(
    identities: Mapping[str, PartyIdentity],
) -> None:
    text = example_toml().replace('no_differencing = "version"', 'no_differencing = "study"')
    manifest = manifest_from_toml(text, identities, MODEL_DIGEST, LAYOUT)
    assert manifest.no_differencing is DifferencingScope.STUDY
