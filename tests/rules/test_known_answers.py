"""Known answers of amendments, rounds, freezes and exceptions: the product agrees with the page.

The files are written by tests/independent, a second implementation from docs/specification.md, and
each file is the one that its script writes.
"""

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blindsum_crypto.errors import BlindsumError
from blindsum_crypto.identity import Identity
from blindsum_crypto.log.merkle import root
from blindsum_protos.convert.amendment import amendments_from_messages
from blindsum_protos.convert.exception import exception_file_from_bytes
from blindsum_protos.convert.signed import sign, signed_from_bytes
from blindsum_protos.convert.strict import parse_strict
from blindsum_protos.v1 import manifest_pb2
from blindsum_rules.amended_manifest import AmendedManifest
from blindsum_rules.close import Close
from blindsum_rules.differencing import check_exception, check_exception_fits, counts_as_released
from blindsum_rules.freeze import Freeze
from blindsum_rules.freeze_checks import check_freeze
from blindsum_rules.groups import following_group
from blindsum_rules.manifest import Manifest
from blindsum_rules.manifest_checks import check_manifest
from blindsum_rules.release import cut, release_pages
from blindsum_rules.signed import Signed
from blindsum_rules.spec import PreviousRound, Spec, SpecKind
from blindsum_rules.spec_checks import check_spec, in_force
from blindsum_rules.succession import check_first, check_succession

Test = dict[str, Any]
VECTORS = Path(__file__).parents[1] / "vectors"
FILES = ("amendments", "rounds", "freezes", "exceptions")


def manifest_of(test: Test) -> Signed[Manifest]:
    named = test["manifests"][test["manifest"]] if "manifests" in test else test["manifest"]
    signed = signed_from_bytes(Manifest, bytes.fromhex(named))
    check_manifest(signed.body)
    return signed


def amendment_chain(test: Test) -> None:
    messages = [
        parse_strict(manifest_pb2.SignedAmendment, bytes.fromhex(one)) for one in test["amendments"]
    ]
    study = AmendedManifest(manifest_of(test)).amended(amendments_from_messages(messages))
    assert study.amendment_digest.hex() == test["amendmentDigest"]
    assert (study.number, study.epoch) == (test["number"], test["epoch"])
    assert sorted(study.revoked) == test["revoked"]
    assert (study.body.threshold, study.body.quorum) == (test["threshold"], test["quorum"])
    assert {one.name: one.wrap_key.hex() for one in study.body.custodians} == test["custodians"]
    assert {
        one.name: {"agreementKey": one.agreement_key.hex(), "group": one.group}
        for one in study.body.clients
    } == test["clients"]


def first_spec(test: Test) -> None:
    spec = signed_from_bytes(Spec, bytes.fromhex(test["spec"]))
    study = in_force(spec, AmendedManifest(manifest_of(test)))
    check_spec(spec, study, None)
    check_first(spec, study)
    assert spec.digest.hex() == test["roundId"]


def second_spec(test: Test) -> None:
    before, spec = (signed_from_bytes(Spec, bytes.fromhex(test[one])) for one in ("before", "spec"))
    study = in_force(before, AmendedManifest(manifest_of(test)))
    check_spec(spec, in_force(spec, study), None)
    check_succession(spec, before, study)
    assert spec.digest.hex() == test["roundId"]


def next_group(test: Test) -> None:
    before = Spec(
        study="heart",
        kind=SpecKind.ROUND,
        round_number=0,
        amendment_digest=bytes(32),
        epoch=0,
        model_version=0,
        model_digest=bytes(32),
        previous=PreviousRound(bytes(32)),
        closes=(),
        endorsements=(),
        vector_length=1,
        seal="masking",
        parameters=None,
        codec=None,
        cohort=("a",),
        min_cohort=1,
        wrap_key_digests=(bytes(32),),
        contribute_deadline_unix=1,
        release_deadline_unix=2,
        group=test["group"],
    )
    assert following_group(before, test["groups"], is_published=test["published"]) == test["next"]


def tree(test: Test) -> None:
    assert root(bytes.fromhex(leaf) for leaf in test["leaves"]).hex() == test["root"]


def freeze(test: Test) -> None:
    signed = signed_from_bytes(Freeze, bytes.fromhex(test["freeze"]))
    spec = signed_from_bytes(Spec, bytes.fromhex(test["spec"]))
    check_freeze(signed, spec, manifest_of(test).body)
    assert signed.digest.hex() == test["digest"]


def counting(test: Test) -> None:
    closes = [
        sign(
            Close("heart", 0, bytes.fromhex(one["freeze"]), one["custodian"], bytes(32)),
            one["custodian"],
            Identity(bytes(32)),
        )
        for one in test["closes"]
    ]
    frozen = bytes.fromhex(test["freeze"])
    assert counts_as_released(frozen, closes, test["quorum"]) == test["counts"]


def release_on_pages(test: Test) -> None:
    pages = cut({part: bytes(test["shareBytes"]) for part in test["parts"]})
    assert [len(page[0].share) for page in pages] == test["pages"]
    assert all(len({len(one.share) for one in page}) == 1 for page in pages)
    assert release_pages(len(test["parts"]), test["shareBytes"]) == len(test["pages"])


def exception(test: Test) -> None:
    hands = exception_file_from_bytes(bytes.fromhex(test["exception"]))
    study = manifest_of(test)
    said = check_exception(*hands, study.body, study.digest)
    check_exception_fits(said, test["round"], test["version"], frozenset(test["members"]))
    assert hands[0].digest.hex() == test["digest"]


CHECKS: dict[str, Callable[[Test], None]] = {
    "amendmentChain": amendment_chain,
    "firstSpec": first_spec,
    "secondSpec": second_spec,
    "nextGroup": next_group,
    "root": tree,
    "freeze": freeze,
    "countsAsReleased": counting,
    "releasePages": release_on_pages,
    "exception": exception,
}


def every_test() -> Iterator[Any]:
    for name in FILES:
        content = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
        for group in content["testGroups"]:
            shared = {key: value for key, value in group.items() if key != "tests"}
            for test in group["tests"]:
                yield pytest.param({**shared, **test}, id=f"{name}-{group['type']}-{test['tcId']}")


@pytest.mark.parametrize("test", list(every_test()))
def test_every_known_answer_holds_and_every_wrong_one_is_turned_away_by_its_rule(
    test: Test,
) -> None:
    check = CHECKS[test["type"]]
    if test["result"] == "valid":
        check(test)
        return

    with pytest.raises(BlindsumError) as caught:
        check(test)

    assert caught.value.rule == test["rule"]


@pytest.mark.parametrize("name", FILES)
def test_the_script_writes_the_file_that_is_there(name: str) -> None:
    script = importlib.import_module(f"tests.vectors.generate_{name}")

    assert (VECTORS / f"{name}.json").read_text(encoding="utf-8") == script.render()


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_negatives_and_counts_its_tests(name: str) -> None:
    content = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    tests = [test for group in content["testGroups"] for test in group["tests"]]

    assert content["numberOfTests"] == len(tests)
    assert [test["tcId"] for test in tests] == list(range(1, len(tests) + 1))
    assert {test["result"] for test in tests} == {"valid", "invalid"}
