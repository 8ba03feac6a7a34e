"""Known answers for freezes: roots, freezes of a round, which of them count, pages of releases.

Run `python -m tests.vectors.generate_freezes`; it writes freezes.json beside itself. Nothing of the
product is imported: messages, roots and counts are those of tests/independent.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.independent.amending import counts_as_released, study_of
from tests.independent.custody import parts, parts_of
from tests.independent.masking import pages
from tests.independent.notation import Field, Message, digest, message, root, sign
from tests.vectors.plain_study import (
    CLIENTS,
    STUDY,
    client,
    in_order,
    invalid,
    manifest,
    secret,
    spec,
)

VECTORS: Final = Path(__file__).with_name("freezes.json")
SAME: Final = "org-athens"
MANIFEST: Final = manifest(
    [client(name, organisation=SAME if name == "berlin" else f"org-{name}") for name in CLIENTS]
)
SPEC: Final = message(spec(digest("manifest", MANIFEST)))
COMMITTEES: Final = ((1, 1), (4, 2), (7, 3))
Test = dict[str, Any]


def root_tests() -> list[Test]:
    """The tree of pages, admissions, freezes and sealed sums."""
    leaves = [secret(f"contribution {number}") for number in range(9)]
    return [
        {
            "comment": f"of {count}",
            "leaves": [leaf.hex() for leaf in leaves[:count]],
            "root": root(leaves[:count]).hex(),
            "result": "valid",
        }
        for count in range(len(leaves) + 1)
    ]


def entry(name: str, rule: str = "") -> Message:
    """Member, or LeftOut with its rule."""
    return message({1: name, 2: secret(f"contribution of {name}"), 3: rule})


def freeze(members: Sequence[str], out: Sequence[str] = (), **changed: Field) -> dict[int, Field]:
    """FreezeBody."""
    left_out = [entry(name, "pair-dispute") for name in out]
    fields: dict[str, Field] = {
        "study": STUDY,
        "number": 0,
        "round_id": digest("spec", SPEC),
        "members": [entry(name) for name in members],
        "root": root([secret(f"contribution of {name}") for name in members]),
        "left_out": left_out,
    }
    return in_order({**fields, **changed})


def freeze_tests() -> list[Test]:
    """Freezes of one round that may be endorsed, and others."""
    three = ("athens", "berlin", "cairo")
    reordered = root([secret(f"contribution of {name}") for name in reversed(three)])
    cases: list[tuple[str, dict[int, Field], str, str]] = [
        ("everybody", freeze(CLIENTS), "aggregator", ""),
        ("three of four, one left out", freeze(three, ["delhi"]), "aggregator", ""),
        ("at the floors", freeze(("athens", "delhi")), "aggregator", ""),
        ("signed by the operator", freeze(CLIENTS), "operator", "unknown-signer"),
        ("of another study", freeze(three, study="lungs"), "aggregator", "wrong-study"),
        ("of another number", freeze(three, number=1), "aggregator", "wrong-round"),
        ("of another id", freeze(three, round_id=secret("x")), "aggregator", "wrong-round"),
        ("a root of another order", freeze(three, root=reordered), "aggregator", "freeze-root"),
        ("a root of none", freeze(three, root=root([])), "aggregator", "freeze-root"),
        ("one who is not invited", freeze((*three, "essen")), "aggregator", "unknown-client"),
        ("one alone", freeze(("athens",)), "aggregator", "min-cohort"),
        ("two of one organisation", freeze(three[:2]), "aggregator", "min-organisations"),
        ("a member left out", freeze(three, ["cairo"]), "aggregator", "left-out"),
        ("a stranger left out", freeze(three, ["essen"]), "aggregator", "unknown-client"),
    ]
    tests = []
    for comment, fields, signer, rule in cases:
        body = message(fields)
        given = {"freeze": sign("freeze", body, signer, secret(signer)).hex()}
        valid = {"comment": comment, **given, "digest": digest("freeze", body).hex()}
        tests.append(invalid(comment, given, rule) if rule else {**valid, "result": "valid"})
    return tests


def counting_tests() -> list[Test]:
    """Whether a freeze counts as released, by who closed its round and what they named."""
    study = study_of(MANIFEST)
    here, other = secret("a freeze"), secret("another freeze")
    cases: list[tuple[str, int, list[tuple[str, bytes]]]] = [
        ("nobody closed", 3, []),
        ("two of a quorum of three named none", 3, [("k0", b""), ("k1", b"")]),
        ("three named none", 3, [("k0", b""), ("k1", b""), ("k2", b"")]),
        ("three named another", 3, [("k0", other), ("k1", other), ("k2", other)]),
        ("one of four named it", 3, [("k0", here), ("k1", b""), ("k2", b""), ("k3", b"")]),
        ("two of four named it", 3, [("k0", here), ("k1", here), ("k2", b""), ("k3", b"")]),
        ("one closed three times", 3, [("k0", b"")] * 3),
        ("who named it once named it", 3, [("k0", here), ("k0", b""), ("k1", b""), ("k2", b"")]),
        ("a committee of one, silent", 1, [("k0", b"")]),
        ("a committee of one, naming it", 1, [("k0", here)]),
    ]
    return [
        {
            "comment": comment,
            "freeze": here.hex(),
            "quorum": quorum,
            "closes": [{"custodian": name, "freeze": named.hex()} for name, named in closes],
            "counts": counts_as_released(here, closes, replace(study, quorum=quorum)),
            "result": "valid",
        }
        for comment, quorum, closes in cases
    ]


def page_tests() -> list[Test]:
    """Where the pages of a custodian end, given how long its shares are."""
    tests = []
    for custodians, threshold in COMMITTEES:
        held = parts_of(0, parts(custodians, threshold))
        for length in (32, 1 << 20, (1 << 20) + 32, 3_000_000 // 32 * 32):
            cut = pages([bytes(length)] * len(held))
            tests.append(
                {
                    "comment": f"{len(held)} shares of {length} bytes",
                    "parts": held,
                    "shareBytes": length,
                    "pages": [len(page[0]) for page in cut],
                    "result": "valid",
                }
            )
    return tests


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    signed = sign("manifest", MANIFEST, "operator", secret("operator")).hex()
    opened = sign("spec", SPEC, "aggregator", secret("aggregator")).hex()
    groups: list[dict[str, Any]] = [
        {"type": "root", "tests": root_tests()},
        {"type": "freeze", "manifest": signed, "spec": opened, "tests": freeze_tests()},
        {"type": "countsAsReleased", "tests": counting_tests()},
        {"type": "releasePages", "tests": page_tests()},
    ]
    tests = [test for group in groups for test in group["tests"]]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum freezes, version 1",
        "provenance": "tests/vectors/generate_freezes.py, by tests/independent: a second "
        "implementation from docs/specification.md, with hashlib and pycryptodome",
        "numberOfTests": len(tests),
        "testGroups": groups,
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
