"""What a study under the seal masking must be: keys that agree, and no more clients than share."""

# `**changes` replaces any field of a frozen value; its type is that field's.
# ruff: noqa: ANN401

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from blindsum_crypto.errors import BlindsumError, Refused, Rejected
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.masking.parameters import MAX_CLIENTS, MaskingParameters
from blindsum_crypto.randomness import SeededRandomness
from blindsum_rules.header import Contribution, CoreHeader
from blindsum_rules.header_checks import check_core_header
from blindsum_rules.manifest import EnrolledClient, Manifest
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.seal_parameters import masking_round, seal_parameters
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.spec_checks import check_spec

if TYPE_CHECKING:
    from tests.rules.conftest import SmallStudy

# Points of small order, RFC 7748 and https://cr.yp.to/ecdh.html#validate: 0, 1, and of order 8.
SMALL_ORDER = (
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
)


@pytest.fixture
def masked(study: "SmallStudy") -> "SmallStudy":
    drawn = SeededRandomness(b"agreement keys of the rules' tests")
    clients = tuple(
        replace(client, agreement_key=AgreementKey.generate(drawn).public)
        for client in study.body.clients
    )
    return study.with_manifest(seals=("masking",), clients=clients)


def with_key(manifest: Manifest, index: int, key: bytes) -> Manifest:
    clients = list(manifest.clients)
    clients[index] = replace(clients[index], agreement_key=key)
    return replace(manifest, clients=tuple(clients))


def test_a_study_under_masking_is_allowed(masked: "SmallStudy") -> None:
    check_manifest(masked.body)


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_an_agreement_key_of_small_order_is_refused_at_enrolment(
    masked: "SmallStudy", key: bytes
) -> None:
    with pytest.raises(Rejected) as caught:
        check_manifest(with_key(masked.body, 2, key))
    assert caught.value.rule == "small-order-key"
    assert masked.body.clients[2].name in caught.value.expected


def test_another_spelling_of_an_agreement_key_is_refused(masked: "SmallStudy") -> None:
    """X25519 ignores the top bit: with it one key would pass for two clients'."""
    key = bytearray(masked.body.clients[0].agreement_key)
    key[31] |= 0x80
    with pytest.raises(Rejected) as caught:
        check_manifest(with_key(masked.body, 2, bytes(key)))
    assert caught.value.rule == "non-canonical-key"


def test_an_agreement_key_of_two_clients_is_refused_at_enrolment(masked: "SmallStudy") -> None:
    with pytest.raises(Rejected) as caught:
        check_manifest(with_key(masked.body, 2, masked.body.clients[0].agreement_key))
    assert caught.value.rule == "enrolled-twice"


def with_clients(manifest: Manifest, count: int) -> Manifest:
    drawn = SeededRandomness(b"many clients")
    clients = tuple(
        EnrolledClient(
            f"client-{number:05}",
            f"organisation-{number % 7}",
            drawn.bytes(32),
            AgreementKey.generate(drawn).public,
        )
        for number in range(count)
    )
    return replace(manifest, clients=clients)


def test_a_thousand_clients_share_masks_and_one_more_is_refused(masked: "SmallStudy") -> None:
    check_manifest(with_clients(masked.body, MAX_CLIENTS))
    with pytest.raises(Refused) as caught:
        check_manifest(with_clients(masked.body, MAX_CLIENTS + 1))
    assert caught.value.rule == "masking-cohort"
    assert "every two share a mask" in caught.value.expected
    assert "ckks" in caught.value.expected
    # The control: the other seal takes them.
    check_manifest(replace(with_clients(masked.body, MAX_CLIENTS + 1), seals=("ckks",)))


@pytest.mark.parametrize(
    ("clients", "levels", "bits"), [(5, 4095, 16), (1000, 4095, 23), (2, 1, 8)]
)
def test_a_value_takes_the_bits_of_the_signed_sum_and_no_more(
    masked: "SmallStudy", clients: int, levels: int, bits: int
) -> None:
    manifest = replace(masked.body, codec=replace(masked.body.weighted_codec, levels=levels))
    assert seal_parameters(manifest, "masking", clients) == MaskingParameters(bits)


def test_a_spec_names_the_parameters_that_everybody_derives(masked: "SmallStudy") -> None:
    spec = masked.spec()
    check_spec(spec, masked.amended, masked.now)
    assert masking_round(spec, masked.body).cohort == tuple(masked.clients)

    of_another_seal = seal_parameters(masked.body, "ckks", len(masked.clients))
    for parameters in (MaskingParameters(64), of_another_seal):
        with pytest.raises(Refused) as caught:
            check_spec(masked.spec(parameters=parameters), masked.amended, masked.now)
        assert caught.value.rule == "spec-parameters"


def header(study: "SmallStudy", spec: Signed[Spec], **changes: Any) -> Signed[Contribution]:
    """A signed header; changes are made to the core header."""
    assert spec.body.parameters is not None
    core = CoreHeader(
        study=spec.body.study,
        round_number=spec.body.round_number,
        round_id=spec.digest,
        client="client-00",
        seal=spec.body.seal,
        payload_digest=bytes(32),
        payload_bytes=spec.body.parameters.payload_bytes(spec.body.vector_length),
        seed_commitments=(bytes(32),) * len(study.body.committee.parts),
        self_commitment=bytes(32),
        pair_table_digest=bytes(32),
    )
    core = replace(core, **changes)
    wraps = (bytes(32),) * len(study.custodians)
    return study.sign(Contribution(core, repr(core).encode(), wraps), "client-00")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"self_commitment": b""}, "self-commitment"),
        ({"self_commitment": bytes(31)}, "self-commitment"),
        ({"pair_table_digest": b""}, "pair-table-digest"),
        ({"pair_table_digest": bytes(33)}, "pair-table-digest"),
        ({"seal": "ckks"}, "wrong-seal"),
        ({"payload_bytes": 1}, "payload-length"),
    ],
)
def test_a_masked_header_says_what_the_seal_needs(
    masked: "SmallStudy", changes: dict[str, Any], rule: str
) -> None:
    spec = masked.spec()
    check_core_header(header(masked, spec), spec, masked.body)
    with pytest.raises(BlindsumError) as caught:
        check_core_header(header(masked, spec, **changes), spec, masked.body)
    assert caught.value.rule == rule


@pytest.mark.parametrize("name", ["self_commitment", "pair_table_digest"])
def test_a_header_under_ckks_commits_to_no_masks(study: "SmallStudy", name: str) -> None:
    spec = study.spec()
    plain = {"self_commitment": b"", "pair_table_digest": b""}
    check_core_header(header(study, spec, **plain), spec, study.body)
    with pytest.raises(Rejected) as caught:
        check_core_header(header(study, spec, **(plain | {name: bytes(32)})), spec, study.body)
    assert caught.value.rule == name.replace("_", "-")
