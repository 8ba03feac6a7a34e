"""Known answers for rounds: round ids of first specs, and specs that follow one another.

Run `python -m tests.vectors.generate_rounds`; it writes rounds.json beside itself. Nothing of the
product is imported: messages, digests and signatures are those of tests/independent.
"""

import json
from pathlib import Path
from typing import Any, Final

from tests.independent.amending import amended, next_group, study_of
from tests.independent.hpke import X25519, wrap_public
from tests.independent.masking import value_bits
from tests.independent.notation import Field, Message, digest, message, sign
from tests.vectors.amendment_chains import (
    K0,
    K1,
    K4,
    K5,
    MANIFESTS,
    committee,
    signed_manifests,
    with_officer,
)
from tests.vectors.plain_study import (
    CLIENTS,
    LEVELS,
    OPENED,
    STUDY,
    client,
    in_order,
    invalid,
    manifest,
    secret,
    spec,
    wrap_key_digests,
)

VECTORS: Final = Path(__file__).with_name("rounds.json")
OFFICER: Final = "with an officer"
CKKS: Final = "under the seal ckks"
CKKS_MANIFEST: Final = manifest([client(name) for name in CLIENTS], seal="ckks")
DIGESTS: Final = {name: digest("manifest", body) for name, body in MANIFESTS.items()}
Test = dict[str, Any]
Changes = dict[str, Field]


def by_aggregator(domain: str, fields: dict[int, Field]) -> Message:
    """A body, signed by the aggregator."""
    return sign(domain, message(fields), "aggregator", secret("aggregator"))


def spec_of(name: str = OFFICER, /, **changed: Field) -> dict[int, Field]:
    """The fields of the first spec of one of the studies."""
    return spec(DIGESTS.get(name, digest("manifest", CKKS_MANIFEST)), **changed)


def first(comment: str, name: str, fields: dict[int, Field]) -> Test:
    """A first spec and its round id."""
    return {
        "comment": comment,
        "manifest": name,
        "spec": by_aggregator("spec", fields).hex(),
        "roundId": digest("spec", message(fields)).hex(),
        "result": "valid",
    }


def amended_spec() -> dict[int, Field]:
    """A first spec that puts two amendments in force."""
    chain = with_officer()
    amendments = [chain.next(joined=[client("essen")]), chain.next(left=["delhi"])]
    study = amended(study_of(chain.manifest), amendments)
    return spec_of(
        amendment_digest=study.amendment_digest,
        epoch=study.epoch,
        cohort=sorted(study.clients),
        amendments=amendments,
    )


def spec_tests() -> list[Test]:
    """First specs that a study allows, and others."""
    ckks: Changes = {"seal": "ckks", "masking": None, "ckks": message({1: "A", 2: 8, 3: 10, 4: 5})}
    two = message({1: value_bits(2, LEVELS)})
    group: Changes = {"cohort": ["athens", "berlin"], "masking": two}
    valid = [
        first("masking, no amendments", OFFICER, spec_of()),
        first("ckks, no amendments", CKKS, spec_of(CKKS, **ckks)),
        first("masking, behind two amendments", OFFICER, amended_spec()),
        first("three of four, a higher floor", OFFICER, _three()),
        first("of a study in groups", "in two groups", spec_of("in two groups", **group)),
        first("of a study without an officer", "without an officer", spec_of("without an officer")),
    ]
    right = amended_spec()
    bits = message({1: value_bits(4, LEVELS) + 1})
    other = [digest("wrap-key", X25519, bytes(32))] * 4
    cases: list[tuple[str, dict[int, Field], str]] = [
        ("of another study", spec_of(study="lungs"), "spec-study"),
        ("names another manifest", spec_of(amendment_digest=secret("x")), "spec-amendment"),
        ("carries no amendment but names one", {**right, 21: None}, "spec-amendment"),
        ("carries amendments but names the manifest", _named(right, 4), "spec-amendment"),
        ("an epoch behind", {**right, 5: 0}, "spec-epoch"),
        ("an epoch ahead", {**right, 5: 2}, "spec-epoch"),
        ("invites who left", {**right, 15: sorted((*CLIENTS, "essen"))}, "spec-cohort"),
        ("invites who has not joined", spec_of(cohort=["athens", "essen"]), "spec-cohort"),
        ("invites one alone", spec_of(cohort=["athens"]), "spec-cohort"),
        ("a floor below the study's", spec_of(min_cohort=1), "spec-min-cohort"),
        ("another seal", spec_of(seal="ckks", masking=None, ckks=ckks["ckks"]), "spec-seal"),
        ("no parameters", spec_of(masking=None), "malformed-message"),
        ("a bit more for each value", spec_of(masking=bits), "spec-parameters"),
        ("another custodian's wrap key", spec_of(wrap_keys=other), "spec-wrap-keys"),
        ("a group that there is not", spec_of(group=1), "spec-group"),
        ("a value more", spec_of(length=6), "spec-vector-length"),
        ("begins at version 1", spec_of(version=1), "spec-version"),
        ("another first model", spec_of(model=secret("x")), "model-version"),
        ("begins at round 1", spec_of(number=1), "round-number"),
        ("a record that is not the manifest", spec_of(previous=_elsewhere()), "previous-round"),
        ("another committee than the manifest's", spec_of(**_new_committee()), "first-round"),
    ]
    return valid + [
        invalid(
            comment,
            {"manifest": OFFICER, "spec": by_aggregator("spec", fields).hex()},
            rule,
        )
        for comment, fields, rule in cases
    ]


def _three() -> dict[int, Field]:
    bits = message({1: value_bits(3, LEVELS)})
    return spec_of(cohort=["athens", "berlin", "delhi"], min_cohort=3, masking=bits)


def _named(fields: dict[int, Field], number: int) -> dict[int, Field]:
    return {**fields, number: DIGESTS[OFFICER]}


def close(custodian: str, freeze: bytes = b"", **changed: Field) -> Message:
    """A signed CloseBody of round 0."""
    said: Changes = {"study": STUDY, "number": 0, "freeze": freeze, "custodian": custodian}
    body = message(in_order({**said, "manifest": DIGESTS[OFFICER], **changed}))
    return sign("close", body, custodian, secret(custodian))


def succession_tests() -> list[Test]:
    """Second specs: closed by the committee of the round before, and not by it."""
    before = spec_of()
    here = digest("spec", message(before))
    frozen = secret("a freeze")
    old = [close(name) for name in ("k0", "k1", "k2")]
    naming = [close("k0", frozen), *old[1:]]
    other = _new_committee()
    to = other["amendment_digest"]
    handed = [close(name, handed_to=to) for name in ("k0", "k1", "k2")]
    new = [close(name, handed_to=to) for name in ("k0", "k1", "k4")]
    astray = [close(name, handed_to=secret("x")) for name in ("k0", "k1", "k2")]
    plain: Changes = {"number": 1, "previous": message({1: here}), "closes": old}
    seated = {**plain, **other, "closes": handed}
    record = message({1: here, 2: frozen})
    stranger = [*old[:2], close("k2", manifest=secret("x"))]
    late = [*old[:2], close("k2", number=1)]
    grown = {**plain, "version": 1, "model": secret("second")}
    nothing: Changes = {"cohort": None, "wrap_keys": None, "masking": None}
    end: Changes = {**plain, "kind": "end", **nothing, "release": OPENED + 600}
    cases: list[tuple[str, Changes, str]] = [
        ("closed by a quorum", plain, ""),
        ("the end", end, ""),
        ("an end with a deadline", {**end, "release": OPENED + 900}, "end-spec"),
        ("an end that invites", {**end, "cohort": list(CLIENTS)}, "malformed-message"),
        ("a close names the record's freeze", {**plain, "closes": naming, "previous": record}, ""),
        ("a record of a freeze that no close names", {**plain, "previous": record}, ""),
        ("another committee, to which the old one left the round", seated, ""),
        (
            "another committee, the round left to this one",
            {**seated, "closes": old},
            "handed-to",
        ),
        ("left to both", {**seated, "closes": [*handed[:2], old[2]]}, "handed-to"),
        ("the old committee, the round left to another", {**plain, "closes": handed}, "handed-to"),
        ("left to an amendment that is not there", {**seated, "closes": astray}, "handed-to"),
        ("another committee, closed by the new one", {**seated, "closes": new}, "unknown-signer"),
        ("closed by two", {**plain, "closes": old[:2]}, "quorum-of-closes"),
        ("a close of another round", {**plain, "closes": late}, "wrong-round"),
        ("a close under another manifest", {**plain, "closes": stranger}, "wrong-manifest"),
        ("a close names another freeze", {**plain, "closes": naming}, "freeze-in-closes"),
        ("behind another round", {**plain, "previous": _elsewhere()}, "previous-round"),
        ("a round left out", {**plain, "number": 2}, "round-number"),
        ("the same model under another version", {**plain, "version": 1}, "model-version"),
        ("another model under the same version", {**plain, "model": secret("x")}, "model-version"),
        ("another model without a sum", grown, "model-version-without-aggregate"),
    ]
    tests = []
    for comment, changes, rule in cases:
        fields = spec_of(**changes)
        given = {"manifest": OFFICER, "before": by_aggregator("spec", before).hex()}
        given["spec"] = by_aggregator("spec", fields).hex()
        round_id = digest("spec", message(fields)).hex()
        valid = {"comment": comment, **given, "roundId": round_id, "result": "valid"}
        tests.append(invalid(comment, given, rule) if rule else valid)
    return tests


def _new_committee() -> Changes:
    chain = with_officer()
    seats = [chain.next(committee=committee(K0, K1, K4, K5))]
    study = amended(study_of(chain.manifest), seats)
    keys = wrap_key_digests(wrap_public(X25519, secret(f"{one} wrap ")) for one in study.custodians)
    stand: Changes = {"amendment_digest": study.amendment_digest, "epoch": study.epoch}
    return {**stand, "wrap_keys": keys, "amendments": seats}


def _elsewhere() -> Message:
    return message({1: secret("another round")})


def group_tests() -> list[Test]:
    """Which group's round comes next."""
    return [
        {
            "comment": f"behind group {group} of {groups}, {'a sum' if published else 'no sum'}",
            "groups": groups,
            "group": group,
            "published": published,
            "next": next_group(group, groups, published=published),
            "result": "valid",
        }
        for groups in (1, 2, 3)
        for group in range(groups)
        for published in (True, False)
    ]


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    manifests = signed_manifests()
    manifests[CKKS] = sign("manifest", CKKS_MANIFEST, "operator", secret("operator")).hex()
    groups: list[dict[str, Any]] = [
        {"type": "firstSpec", "manifests": manifests, "tests": spec_tests()},
        {"type": "secondSpec", "manifests": manifests, "tests": succession_tests()},
        {"type": "nextGroup", "tests": group_tests()},
    ]
    tests = [test for group in groups for test in group["tests"]]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum rounds, version 1: round ids, and specs that follow one another",
        "provenance": "tests/vectors/generate_rounds.py, by tests/independent: a second "
        "implementation from docs/specification.md, with hashlib and pycryptodome",
        "numberOfTests": len(tests),
        "testGroups": groups,
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
