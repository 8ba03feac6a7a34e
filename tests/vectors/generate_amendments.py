"""Known answers for amendments: chains that hold, with what they make of a study, and others.

Run `python -m tests.vectors.generate_amendments`; it writes amendments.json beside itself. Nothing
of the product is imported: bodies, signatures and the folded study are those of tests/independent,
a second implementation from docs/specification.md.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.independent.amending import Study, amended, study_of
from tests.independent.hpke import X25519, wrap_public, x25519_public
from tests.independent.notation import Message, identity_of, message, sign
from tests.vectors.amendment_chains import (
    K0,
    K1,
    K2,
    K3,
    K4,
    K5,
    Chain,
    Changes,
    Fields,
    committee,
    given,
    in_groups,
    signed_manifests,
    with_officer,
    without_officer,
)
from tests.vectors.plain_study import BOTH, by_hands, client, custodian, invalid, secret

VECTORS: Final = Path(__file__).with_name("amendments.json")


def made_of(study: Study) -> dict[str, Any]:
    """What everybody must hold when the chain is in force."""
    return {
        "amendmentDigest": study.amendment_digest.hex(),
        "number": study.number,
        "epoch": study.epoch,
        "clients": {
            name: {"agreementKey": one[2].hex(), "group": int.from_bytes(one[3], "big")}
            for name, one in sorted(study.clients.items())
        },
        "custodians": {name: one[2].hex() for name, one in study.custodians.items()},
        "threshold": study.threshold,
        "quorum": study.quorum,
        "revoked": sorted(study.revoked),
    }


def valid_tests() -> list[dict[str, Any]]:
    """Chains of one, two and three, of every kind of change."""
    found = []

    def add(comment: str, chain: Chain, *changes: Changes) -> None:
        amendments = [chain.next(**one) for one in changes]
        study = amended(study_of(chain.manifest), amendments)
        expected = made_of(study)
        found.append(
            {"comment": comment, **given(chain, amendments), **expected, "result": "valid"}
        )

    joins: Changes = {"joined": [client("essen")]}
    rotates: Changes = {"rotated": [client("berlin", "second")]}
    seats: Changes = {"committee": committee(K0, K1, K4, K5)}
    add("nothing", with_officer())
    add("one joins: an epoch", with_officer(), joins)
    add("one leaves: no epoch", with_officer(), {"left": ["delhi"]})
    add("a client is revoked: no epoch", with_officer(), {"revoked": ["delhi"]})
    add("an agreement key is rotated: an epoch", with_officer(), rotates)
    add("another committee: an epoch", with_officer(), seats)
    rotated: Changes = {"committee": committee(K0, K1, K2, custodian("k3", "second"))}
    add("a custodian's wrap key is rotated", with_officer(), rotated)
    revoked: Changes = {"revoked": ["k3"], "committee": committee(K0, K1, K2, K4)}
    add("a custodian is revoked, with the committee after it", with_officer(), revoked)
    smaller: Changes = {"committee": committee(K0, threshold=1, quorum=1)}
    add("another committee of another threshold", with_officer(), smaller)
    add("two in a row, the second without an epoch", with_officer(), joins, {"left": ["delhi"]})
    third: Changes = {"revoked": ["athens"]}
    add("three in a row: joins, committee, revoked", with_officer(), joins, seats, third)
    everything: Changes = {**joins, **rotates, "left": ["cairo"], "revoked": ["delhi"], **seats}
    add("all at once", with_officer(), everything)
    add("of a study without an officer", without_officer(), joins, seats)
    moved: Changes = {"joined": [client("essen", group=1)], "left": ["delhi"]}
    add("of a study in groups", in_groups(), moved)
    return found


def one_hand_tests() -> list[dict[str, Any]]:
    """Amendments by the wrong hands."""
    chain, alone = with_officer(), without_officer()
    body = message(chain.fields(left=["delhi"]))
    other = message(chain.fields(left=["cairo"]))
    operator, officer = (sign("amendment", body, name, secret(name)) for name in BOTH.values())
    cases = [
        ("by the operator alone", message({1: operator}), "officer-approval"),
        (
            "the officer signed other words",
            message({1: operator, 2: sign("amendment", other, "officer", secret("officer"))}),
            "officer-approval",
        ),
        (
            "the operator's hand twice",
            message({1: operator, 2: operator}),
            "officer-approval",
        ),
        (
            "one bit of the officer's signature flipped",
            message({1: operator, 2: _flipped(officer)}),
            "officer-approval",
        ),
        ("one bit of the operator's flipped", message({1: _flipped(operator), 2: officer}), ""),
        (
            "signed by the aggregator",
            by_hands("amendment", body, {1: "aggregator", 2: "officer"}),
            "unknown-signer",
        ),
        ("signed as an approval", by_hands("approval", body, BOTH), "bad-signature"),
    ]
    tests = [
        invalid(comment, given(chain, [one]), rule or "bad-signature")
        for comment, one, rule in cases
    ]
    unnamed = message(alone.fields(left=["delhi"]))
    both = by_hands("amendment", unnamed, BOTH)
    comment = "an officer signed where none is named"
    return [*tests, invalid(comment, given(alone, [both]), "officer-approval")]


def _flipped(signed: Message) -> Message:
    return Message(signed[:-1] + bytes([signed[-1] ^ 1]))


def place_tests() -> list[dict[str, Any]]:
    """Amendments that stand at another place of the chain, or in another study's."""
    chain = with_officer()
    first = chain.next(left=["delhi"])
    second = chain.next(joined=[client("essen")])
    fresh = with_officer()
    changes: list[tuple[str, Fields, str]] = [
        ("of another study", {1: "lungs"}, "amendment-study"),
        ("number 2 is the first", {2: 2}, "amendment-number"),
        ("names another manifest", {3: secret("another manifest")}, "amendment-chain"),
    ]
    tests = [
        invalid(
            comment,
            given(
                fresh, [by_hands("amendment", message(fresh.fields(left=["delhi"]) | one), BOTH)]
            ),
            rule,
        )
        for comment, one, rule in changes
    ]
    gap = message(with_officer().fields(left=["cairo"]) | {2: 3, 3: chain.last})
    rewritten = message(chain.fields(left=["cairo"]) | {2: 2, 3: secret("another amendment")})
    sequences = [
        ("a gap: 1, then 3", [first, by_hands("amendment", gap, BOTH)], "amendment-number"),
        ("the first one is missing", [second], "amendment-number"),
        ("the other way round", [second, first], "amendment-number"),
        ("the first one twice", [first, first], "amendment-number"),
        (
            "the second names another first",
            [first, by_hands("amendment", rewritten, BOTH)],
            "amendment-chain",
        ),
    ]
    return tests + [
        invalid(comment, given(fresh, sequence), rule) for comment, sequence, rule in sequences
    ]


def change_tests() -> list[dict[str, Any]]:
    """Changes that no study allows, behind others that it does."""
    gone: Changes = {"left": ["delhi"]}
    essen = client("essen")
    rotation: Changes = {"rotated": [client("berlin", "second")]}
    seats: Changes = {"committee": committee(K0, K1, K2, K4)}
    old_key = x25519_public(secret("berlin agreement "))
    old_wrap = wrap_public(X25519, secret("k3 wrap "))
    delhis = identity_of(secret("delhi"))
    known, rotated = "amendment-known-party", "amendment-rotation"
    cases: list[tuple[str, Sequence[Changes], str]] = [
        ("changes nothing", [{}], "amendment-empty"),
        ("who left comes back", [gone, {"joined": [client("delhi", "second")]}], known),
        (
            "who left comes back under another id",
            [gone, {"joined": [client("essen", identity=identity_of(secret("delhi")))]}],
            known,
        ),
        (
            "an old agreement key is given to somebody new",
            [rotation, {"joined": [client("essen", agreement_key=old_key)]}],
            known,
        ),
        ("an old agreement key again", [rotation, {"rotated": [client("berlin")]}], rotated),
        ("a rotation that rotates nothing", [{"rotated": [client("berlin")]}], rotated),
        (
            "a rotation into another organisation",
            [{"rotated": [client("berlin", "second", organisation="org-athens")]}],
            rotated,
        ),
        (
            "a rotation of an identity key",
            [{"rotated": [client("berlin", "second", identity=identity_of(secret("x")))]}],
            rotated,
        ),
        ("a rotation into another group", [{"rotated": [client("berlin", "2nd", 1)]}], rotated),
        ("who is not enrolled leaves", [{"left": ["essen"]}], "unknown-party"),
        ("who is not enrolled rotates", [{"rotated": [essen]}], "unknown-party"),
        ("who is not enrolled is revoked", [{"revoked": ["essen"]}], "unknown-party"),
        ("one leaves and is revoked", [{**gone, "revoked": ["delhi"]}], "amendment-twice"),
        ("the key of one who is enrolled", [{"joined": [_double("athens")]}], known),
        ("the key of who leaves with it", [{**gone, "joined": [_double("delhi")]}], known),
        ("the key of who is seated", [{"joined": [_double("k0")]}], known),
        (
            "an agreement key that another has",
            [
                {
                    "rotated": [
                        client("berlin", agreement_key=x25519_public(secret("delhi agreement ")))
                    ]
                }
            ],
            rotated,
        ),
        (
            "a wrap key of who gives up the seat with it",
            [{"committee": committee(K0, K1, K2, custodian("k4", wrap_key=old_wrap))}],
            known,
        ),
        (
            "the identity of who leaves with it, on a seat",
            [{**gone, "committee": committee(K0, K1, K2, custodian("k4", identity=delhis))}],
            known,
        ),
        (
            "fewer than the floor",
            [{"left": ["athens", "berlin", "cairo"]}],
            "min-cohort",
        ),
        ("the same committee", [{"committee": committee(K0, K1, K2, K3)}], "amendment-committee"),
        ("a revoked custodian stays", [{"revoked": ["k3"]}], "amendment-committee"),
        (
            "a custodian under another identity",
            [{"committee": committee(K0, K1, K2, custodian("k3", identity=b"\x09" * 32))}],
            "amendment-committee",
        ),
        ("a custodian comes back", [seats, {"committee": committee(K0, K1, K2, K3)}], known),
        (
            "an old wrap key comes back",
            [seats, {"committee": committee(K0, K1, K2, custodian("k5", wrap_key=old_wrap))}],
            known,
        ),
        (
            "a quorum that two halves could have",
            [{"committee": committee(K0, K1, K2, K4, quorum=2)}],
            "quorum-rule",
        ),
        ("alone in another group", [{"joined": [client("essen", group=1)]}], "groups-floors"),
    ]
    tests = []
    for comment, changes, rule in cases:
        chain = with_officer()
        tests.append(invalid(comment, given(chain, [chain.next(**one) for one in changes]), rule))
    split = in_groups()
    third = split.next(joined=[client("essen", group=2), client("fes", group=2)])
    comment = "a third group"
    return [*tests, invalid(comment, given(split, [third]), "amendment-groups")]


def _double(name: str) -> Message:
    return client("essen", identity=identity_of(secret(name)))


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    tests = [*valid_tests(), *one_hand_tests(), *place_tests(), *change_tests()]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum amendments, version 1: a study folded over what changes it",
        "provenance": "tests/vectors/generate_amendments.py, by tests/independent: a second "
        "implementation from docs/specification.md, with hashlib, hmac and pycryptodome",
        "numberOfTests": len(tests),
        "testGroups": [{"type": "amendmentChain", "manifests": signed_manifests(), "tests": tests}],
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
