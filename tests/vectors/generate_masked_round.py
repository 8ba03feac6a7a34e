"""Known answers for one whole masked round: four contribute, three are summed, four release.

Run `python -m tests.vectors.generate_masked_round`; it writes masked_round.json beside itself.
Nothing of the product is imported: spec, headers, wraps, payloads, freeze, releases and the sum are
those of tests/independent.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.independent import custody, masking
from tests.independent.hpke import X25519, wrap, wrap_public, x25519_public
from tests.independent.masking import Member, Round
from tests.independent.notation import Field, Message, digest, message, root, sign
from tests.vectors.plain_study import (
    CLIENTS,
    CUSTODIANS,
    LEVELS,
    STUDY,
    client,
    invalid,
    manifest,
    secret,
    spec,
)

VECTORS: Final = Path(__file__).with_name("masked_round.json")
MANIFEST: Final = manifest([client(name) for name in CLIENTS])
SPEC: Final = message(spec(digest("manifest", MANIFEST)))
HERE: Final = Round(
    digest("spec", SPEC), CLIENTS, masking.value_bits(len(CLIENTS), LEVELS), LEVELS + 1
)
WHERE: Final = (STUDY, 0, HERE.round_id)
PLACE: Final[dict[int, Field]] = dict(enumerate(WHERE, start=1))
PARTS: Final = custody.parts(4, 2)
MEMBERS: Final = ("athens", "cairo", "delhi")  # berlin's contribution was not admitted
VALUES: Final = {
    "athens": [5, -7, 101, -101, 75],
    "berlin": [1, 1, 1, 1, 1],
    "cairo": [1, 7, -101, -101, 3],
    "delhi": [-1, 0, 42, 99, 101],
}
SALT: Final = secret("salt of the aggregate")
Test = dict[str, Any]


@cache
def sealed(name: str) -> tuple[bytes, Member]:
    """A client's payload, h_i and pair table."""
    private = secret(f"{name} agreement ")
    pairs = {
        peer: masking.pair_secret(
            HERE.round_id, name, peer, private, x25519_public(secret(f"{peer} agreement "))
        )
        for peer in HERE.peers(name)
    }
    return masking.seal(HERE, name, VALUES[name], pairs, seeds_of(name))


def seeds_of(name: str) -> dict[int, bytes]:
    """A client's custody seeds."""
    return {part: secret(f"seed {part} of {name}") for part in PARTS}


def wraps_of(name: str, core: bytes) -> list[bytes]:
    """A client's wraps by index."""
    found = []
    for index, custodian in enumerate(CUSTODIANS):
        public = wrap_public(X25519, secret(f"{custodian} wrap "))
        info = custody.wrap_info(STUDY, 0, custodian, core)
        plain = custody.wrapped(seeds_of(name), index)
        found.append(wrap(X25519, public, info, plain, secret(f"ephemeral {name} {index}")))
    return found


def contribution(name: str) -> tuple[bytes, list[bytes]]:
    """A client's core header and wraps."""
    payload, member = sealed(name)
    described = masking.header_digests(payload, member)
    core = custody.core_header(WHERE, name, described, seeds_of(name))
    return core, wraps_of(name, core)


def contribution_tests() -> list[Test]:
    """What each of the four sends."""
    tests = []
    for name in CLIENTS:
        core, wraps = contribution(name)
        body = custody.contribution_body(core, wraps)
        payload, (own, table) = sealed(name)
        tests.append(
            {
                "comment": f"{name} contributes",
                "client": name,
                "values": VALUES[name],
                "agreementKey": secret(f"{name} agreement ").hex(),
                "seeds": {str(part): seed.hex() for part, seed in seeds_of(name).items()},
                "payload": payload.hex(),
                "selfCommitment": own.hex(),
                "pairTable": table.hex(),
                "coreHeader": core.hex(),
                "wraps": [one.hex() for one in wraps],
                "contribution": sign("contribution", body, name, secret(name)).hex(),
                "digest": digest("contribution", body).hex(),
                "result": "valid",
            }
        )
    return tests


def header_tests() -> list[Test]:
    """Signed headers that an aggregator does not take and a custodian denies."""
    payload, member = sealed("athens")
    fields: dict[int, Field] = {
        **PLACE,
        4: "athens",
        5: "masking",
        6: masking.header_digests(payload, member)[0][0],
        7: len(payload),
        8: [secret(f"com {part}") for part in PARTS],
        9: member[0],
        10: digest("pair-table", member[1]),
    }
    cases: list[tuple[str, dict[int, Field], int, str, str]] = [
        ("of another study", {1: "lungs"}, 4, "athens", "wrong-study"),
        ("of another number", {2: 1}, 4, "athens", "wrong-round"),
        ("of another id", {3: secret("x")}, 4, "athens", "wrong-round"),
        ("of a client that is not enrolled", {4: "essen"}, 4, "essen", "stranger"),
        ("in another's name", {4: "berlin"}, 4, "athens", "unknown-signer"),
        ("of another seal", {5: "ckks"}, 4, "athens", "wrong-seal"),
        ("a byte more", {7: len(payload) + 1}, 4, "athens", "payload-length"),
        ("a part less", {8: [secret("com")] * 3}, 4, "athens", "seed-commitments"),
        ("no self commitment", {9: b""}, 4, "athens", "self-commitment"),
        ("no pair table", {10: b""}, 4, "athens", "pair-table-digest"),
        ("a wrap less", {}, 3, "athens", "wraps"),
    ]
    tests = []
    for comment, changed, wraps, signer, rule in cases:
        core = message({**fields, **changed})
        body = message({1: core, 2: [secret(f"wrap {index}") for index in range(wraps)]})
        given = {"contribution": sign("contribution", body, signer, secret(signer)).hex()}
        tests.append(invalid(comment, given, rule))
    return tests


def digests_of(names: Sequence[str]) -> dict[str, bytes]:
    """The digests of contributions."""
    return {
        name: digest("contribution", custody.contribution_body(*contribution(name)))
        for name in names
    }


def round_test() -> Test:
    """From the page of headers to the sum."""
    every = digests_of(CLIENTS)
    listed = [every[name] for name in CLIENTS]
    denial = message({1: "berlin", 2: every["berlin"], 3: "bad-wrap"})
    page = message({**PLACE, 5: listed})
    admissions = [_admission(listed, denial, custodian) for custodian in CUSTODIANS]
    members = [message({1: name, 2: every[name]}) for name in MEMBERS]
    freeze = message(
        {
            **PLACE,
            4: members,
            5: root([every[name] for name in MEMBERS]),
            6: [denial],
        }
    )
    count = len(VALUES["athens"]) + HERE.zeros
    payloads = [masking.unpack(sealed(name)[0], HERE.bits, count) for name in MEMBERS]
    total = [sum(words) for words in zip(*payloads, strict=True)]
    shares = {
        part: masking.release(HERE, {name: seeds_of(name)[part] for name in MEMBERS})
        for part in PARTS
    }
    values = masking.unmask(HERE, {name: sealed(name)[1] for name in MEMBERS}, total, shares)
    aggregate = b"".join(value.to_bytes(8, "little", signed=True) for value in values)
    packed = masking.pack([word % (1 << HERE.bits) for word in total], HERE.bits)
    return {
        "comment": "three of four, by any two custodians",
        "page": sign("header-page", page, "aggregator", secret("aggregator")).hex(),
        "admissions": [one.hex() for one in admissions],
        "freeze": sign("freeze", freeze, "aggregator", secret("aggregator")).hex(),
        "freezeDigest": digest("freeze", freeze).hex(),
        "releases": [
            _release(digest("freeze", freeze), shares, index).hex()
            for index in range(len(CUSTODIANS))
        ],
        "sum": packed.hex(),
        "sealedSumRoot": root([packed]).hex(),
        "values": values,
        "salt": SALT.hex(),
        "aggregateCommitment": digest("aggregate-commitment", SALT, aggregate).hex(),
        "result": "valid",
    }


def _admission(listed: Sequence[bytes], denial: bytes, custodian: str) -> Message:
    body = message({**PLACE, 5: root(listed), 6: [denial], 7: custodian})
    return sign("admission", body, custodian, secret(custodian))


def _release(freeze: bytes, shares: dict[int, bytes], index: int) -> Message:
    held = custody.parts_of(index, PARTS)
    (page,) = masking.pages([shares[part] for part in held])
    released = [message({1: part, 2: share}) for part, share in zip(held, page, strict=True)]
    body = message({**PLACE, 4: freeze, 5: released, 6: CUSTODIANS[index]})
    return sign("release", body, CUSTODIANS[index], secret(CUSTODIANS[index]))


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    study = {
        "manifest": sign("manifest", MANIFEST, "operator", secret("operator")).hex(),
        "spec": sign("spec", SPEC, "aggregator", secret("aggregator")).hex(),
        "roundId": HERE.round_id.hex(),
        "valueBits": HERE.bits,
        "wrapKeys": {name: secret(f"{name} wrap ").hex() for name in CUSTODIANS},
    }
    contributions = contribution_tests()
    groups: list[dict[str, Any]] = [
        {"type": "contribution", **study, "tests": contributions},
        {"type": "header", **study, "tests": header_tests()},
        {"type": "maskedRound", **study, "tests": [round_test()]},
    ]
    tests = [test for group in groups for test in group["tests"]]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum, one masked round, version 1",
        "provenance": "tests/vectors/generate_masked_round.py, by tests/independent: a second "
        "implementation from docs/specification.md, with hashlib, hmac and pycryptodome",
        "numberOfTests": len(tests),
        "testGroups": groups,
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
