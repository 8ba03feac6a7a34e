"""One whole masked round by its known answers: the product takes every message of it as it stands.

The file is written by tests/independent from docs/specification.md: headers, wraps, payloads, page,
admissions, freeze, releases and the sum.
"""

import importlib
import json
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from blindsum_crypto import domains
from blindsum_crypto.custody import CustodySeeds, check_seed, decode_seeds, wrap_info
from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.identity import AgreementKey
from blindsum_crypto.log.merkle import root
from blindsum_crypto.masking.opening import MaskingAggregatorSeal
from blindsum_crypto.masking.pairs import Agreements, pair_table_digest
from blindsum_crypto.masking.releasing import MaskingCustodianSeal
from blindsum_crypto.masking.sealing import MaskingClientSeal
from blindsum_crypto.primitives import DigestStream, hpke_unwrap
from blindsum_crypto.randomness import SeededRandomness
from blindsum_crypto.seal import SealedMember
from blindsum_protos.convert.signed import signed_from_bytes
from blindsum_rules.admission import Admission, HeaderPage
from blindsum_rules.aggregate import Aggregate
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.freeze import Freeze
from blindsum_rules.freeze_checks import check_freeze
from blindsum_rules.header import Contribution, core_digest, wrap_digest
from blindsum_rules.header_checks import check_core_header
from blindsum_rules.manifest import Manifest
from blindsum_rules.release import Release, check_page, joined
from blindsum_rules.seal_parameters import masking_round
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec
from blindsum_rules.spec_checks import check_spec, in_force

Test = dict[str, Any]
SCRIPT = importlib.import_module("tests.vectors.generate_masked_round")
CONTENT = json.loads(SCRIPT.VECTORS.read_text(encoding="utf-8"))
GROUPS = {group["type"]: group for group in CONTENT["testGroups"]}
CONTRIBUTIONS = GROUPS["contribution"]["tests"]


@pytest.fixture(scope="module")
def manifest() -> Signed[Manifest]:
    return signed_from_bytes(Manifest, bytes.fromhex(GROUPS["header"]["manifest"]))


@pytest.fixture(scope="module")
def spec(manifest: Signed[Manifest]) -> Signed[Spec]:
    found = signed_from_bytes(Spec, bytes.fromhex(GROUPS["header"]["spec"]))
    check_spec(found, in_force(found, AmendedManifest(manifest)), None)
    return found


def test_the_script_writes_the_file_that_is_there_and_counts_its_tests() -> None:
    assert SCRIPT.VECTORS.read_text(encoding="utf-8") == SCRIPT.render()
    assert CONTENT["numberOfTests"] == sum(len(group["tests"]) for group in GROUPS.values())


@pytest.mark.parametrize("test", CONTRIBUTIONS, ids=lambda test: str(test["client"]))
def test_a_client_seals_and_describes_its_vector_to_the_byte(
    test: Test, manifest: Signed[Manifest], spec: Signed[Spec]
) -> None:
    client = test["client"]
    public = {one.name: one.agreement_key for one in manifest.body.clients}
    agreements = Agreements(client, AgreementKey(bytes.fromhex(test["agreementKey"])), public)
    seeds = CustodySeeds({int(part): bytes.fromhex(seed) for part, seed in test["seeds"].items()})
    seal = MaskingClientSeal(masking_round(spec, manifest.body), agreements)
    stream = DigestStream(domains.PAYLOAD)

    made = seal.seal(np.array(test["values"], np.int64), client, seeds, SeededRandomness(b""))
    signed = signed_from_bytes(Contribution, bytes.fromhex(test["contribution"]))
    stream.update(made.payload)

    check_core_header(signed, spec, manifest.body)
    assert signed.digest.hex() == test["digest"]
    assert made.payload.hex() == test["payload"]
    assert made.pair_table.hex() == test["pairTable"]
    core = signed.body.core
    assert core.self_commitment == made.self_commitment
    assert core.payload_digest == stream.digest()
    assert core.pair_table_digest == pair_table_digest(made.pair_table)


@pytest.mark.parametrize("test", CONTRIBUTIONS, ids=lambda test: str(test["client"]))
def test_every_custodian_finds_the_committed_seeds_in_its_wrap(
    test: Test, manifest: Signed[Manifest], spec: Signed[Spec]
) -> None:
    signed = signed_from_bytes(Contribution, bytes.fromhex(test["contribution"]))
    core, committee = signed.body.core, manifest.body.committee
    bound_to = core_digest(signed.body.core_bytes)
    committed = dict(zip(committee.parts, core.seed_commitments, strict=True))

    assert signed.body.core_bytes.hex() == test["coreHeader"]
    for index, custodian in enumerate(manifest.body.custodians):
        wrap = bytes.fromhex(test["wraps"][index])
        info = wrap_info(core.study, spec.body.epoch, custodian.name, bound_to)
        private = bytes.fromhex(GROUPS["contribution"]["wrapKeys"][custodian.name])
        seeds = decode_seeds(committee.parts_of(index), hpke_unwrap("x25519", private, info, wrap))

        assert wrap_digest(wrap) == signed.body.wrap_digests[index]
        assert {str(part) for part in seeds} <= set(test["seeds"])
        for part, seed in seeds.items():
            check_seed(spec.digest, core.client, part, seed, committed[part])
            assert seed.hex() == test["seeds"][str(part)]


@pytest.mark.parametrize("test", GROUPS["header"]["tests"], ids=lambda test: str(test["comment"]))
def test_a_header_that_does_not_fit_is_turned_away_by_its_rule(
    test: Test, manifest: Signed[Manifest], spec: Signed[Spec]
) -> None:
    signed = signed_from_bytes(Contribution, bytes.fromhex(test["contribution"]))

    with pytest.raises(BlindsumError) as caught:
        check_core_header(signed, spec, manifest.body)

    assert caught.value.rule == test["rule"]


def test_page_admissions_and_freeze_have_one_root_each_over_the_digests(
    manifest: Signed[Manifest], spec: Signed[Spec]
) -> None:
    (test,) = GROUPS["maskedRound"]["tests"]
    aggregator, custodians = manifest.body.aggregator_key, manifest.body.custodian_keys
    page = signed_from_bytes(HeaderPage, bytes.fromhex(test["page"]), aggregator)
    freeze = signed_from_bytes(Freeze, bytes.fromhex(test["freeze"]), aggregator)

    check_freeze(freeze, spec, manifest.body)
    assert freeze.digest.hex() == test["freezeDigest"]
    assert [one.hex() for one in page.body.contribution_digests] == [
        one["digest"] for one in CONTRIBUTIONS
    ]
    for admission in test["admissions"]:
        body = signed_from_bytes(Admission, bytes.fromhex(admission), custodians).body
        assert body.root == root(page.body.contribution_digests)
        assert [one.client for one in body.denials] == ["berlin"]


def test_any_two_custodians_open_the_very_sum(
    manifest: Signed[Manifest], spec: Signed[Spec]
) -> None:
    (test,) = GROUPS["maskedRound"]["tests"]
    committee, names = manifest.body.committee, [one.name for one in manifest.body.custodians]
    seal = MaskingAggregatorSeal(masking_round(spec, manifest.body))
    freeze = signed_from_bytes(Freeze, bytes.fromhex(test["freeze"]))
    sealed = {one["client"]: one for one in CONTRIBUTIONS}
    members = [
        SealedMember(
            name,
            bytes.fromhex(sealed[name]["selfCommitment"]),
            bytes.fromhex(sealed[name]["pairTable"]),
        )
        for name in sorted(freeze.body.clients)
    ]
    accumulator = seal.zero()
    for member in members:
        seal.add(accumulator, 0, bytes.fromhex(sealed[member.client]["payload"]))
    released: dict[str, Release] = {}
    for one in test["releases"]:
        release = signed_from_bytes(Release, bytes.fromhex(one), manifest.body.custodian_keys).body
        held = committee.parts_of(names.index(release.custodian))
        check_page(release, tuple(held), seal.part_bytes(len(members)))
        released[release.custodian] = release

    assert b"".join(seal.sealed_chunks(accumulator)).hex() == test["sum"]
    assert root(seal.sealed_chunks(accumulator)).hex() == test["sealedSumRoot"]
    for two in combinations(names, 2):
        parts = {part: share for one in two for part, share in joined([released[one]]).items()}
        opened = seal.open(accumulator, members, parts)
        assert opened.tolist() == test["values"]
        aggregate = Aggregate(bytes.fromhex(test["salt"]), opened)
        assert aggregate.commitment.hex() == test["aggregateCommitment"]


def test_a_custodian_releases_these_very_shares(spec: Signed[Spec]) -> None:
    (test,) = GROUPS["maskedRound"]["tests"]
    freeze = signed_from_bytes(Freeze, bytes.fromhex(test["freeze"])).body
    absent = sorted(set(spec.body.cohort) - freeze.clients)
    seeds = {one["client"]: one["seeds"] for one in CONTRIBUTIONS}
    custodian = MaskingCustodianSeal(spec.digest)

    for one in test["releases"]:
        for part in signed_from_bytes(Release, bytes.fromhex(one)).body.parts:
            held = [
                (name, bytes.fromhex(seeds[name][str(part.part)]))
                for name in sorted(freeze.clients)
            ]
            assert custodian.release(part.part, held, absent) == part.share
