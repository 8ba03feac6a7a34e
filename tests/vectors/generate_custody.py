"""Known answers for custody: parts, commitments, leaves and the infos of wraps.

Run `python tests/vectors/generate_custody.py`; it writes custody.json beside itself. Nothing of the
product is imported: everything is computed from docs/specification.md, 5, with hashlib and hmac, so
that the file and the product are two implementations.
"""

import hashlib
import hmac
import json
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any, Final

VECTORS: Final = Path(__file__).with_name("custody.json")
COMMITTEES: Final = ((1, 1), (2, 2), (3, 2), (4, 1), (4, 2), (4, 3), (5, 5), (7, 3), (7, 4))
ROUND_ID: Final = hashlib.sha256(b"round").digest()
OTHER_ROUND_ID: Final = hashlib.sha256(b"another round").digest()
SEED: Final = hashlib.sha256(b"custody seed").digest()
CORE_DIGEST: Final = hashlib.sha256(b"core header").digest()


def prefixed(*parts: bytes) -> bytes:
    """Each part behind its length as 8 bytes big-endian."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def commitment(round_id: bytes, client: str, part: int, seed: bytes) -> bytes:
    """com_T of docs/specification.md, section 5."""
    domain, number = b"blindsum/v1/custody-commitment", part.to_bytes(8, "big")
    return hashlib.sha256(prefixed(domain, round_id, client.encode(), number, seed)).digest()


def leaf(round_id: bytes, client: str, label: str, seed: bytes) -> bytes:
    """leaf_T(label) of docs/specification.md, section 5."""
    content = prefixed(b"blindsum/v1/custody-leaf", round_id, client.encode(), label.encode())
    return hmac.digest(seed, content, "sha256")


def committee_tests() -> list[dict[str, Any]]:
    """Parts of a committee and of each custodian; what t - 1 of them miss."""
    tests: list[dict[str, Any]] = []
    for custodians, threshold in COMMITTEES:
        subsets = list(combinations(range(custodians), threshold - 1))
        masks = {sum(1 << index for index in subset): subset for subset in subsets}
        tests.append(
            {
                "comment": f"({custodians}, {threshold})",
                "custodians": custodians,
                "threshold": threshold,
                "parts": sorted(masks),
                "partsOf": [
                    [mask for mask in sorted(masks) if index not in masks[mask]]
                    for index in range(custodians)
                ],
                "missingWithout": [
                    {"indices": list(subset), "missing": [mask]} for mask, subset in masks.items()
                ],
                "result": "valid",
            }
        )
    bad = {(0, 0): "committee-size", (36, 1): "committee-size", (4, 0): "committee-threshold"}
    bad |= {(4, 5): "committee-threshold", (8, 4): "too-many-parts", (9, 3): "too-many-parts"}
    for (custodians, threshold), rule in bad.items():
        shape = {"custodians": custodians, "threshold": threshold}
        tests.append({"comment": "refused", **shape, "result": "invalid", "rule": rule})
    return tests


def part_tests() -> list[dict[str, Any]]:
    """The parts of every committee that a study may have, and what its last custodian holds."""
    tests = []
    for custodians in range(1, 36):
        for threshold in range(1, custodians + 1):
            if comb(custodians, threshold - 1) > 35:
                continue
            subsets = combinations(range(custodians), threshold - 1)
            parts = sorted(sum(1 << index for index in subset) for subset in subsets)
            last = custodians - 1
            tests.append(
                {
                    "comment": f"({custodians}, {threshold})",
                    "custodians": custodians,
                    "threshold": threshold,
                    "parts": parts,
                    "partsOfTheLast": [part for part in parts if part < 1 << last],
                    "result": "valid",
                }
            )
    for custodians in range(8, 36):
        threshold = min(t for t in range(2, custodians) if comb(custodians, t - 1) > 35)
        shape = {"custodians": custodians, "threshold": threshold}
        refused = {"result": "invalid", "rule": "too-many-parts"}
        tests.append({"comment": "too many parts", **shape, **refused})
    return tests


def commitment_tests() -> list[dict[str, Any]]:
    """Commitments that fit, and one for each input that does not."""
    right: dict[str, Any] = {"client": "cleveland", "part": 2, "seed": SEED, "roundId": ROUND_ID}
    cases: list[tuple[str, dict[str, Any], bool]] = [
        ("as committed", right, True),
        ("the one part of a committee of threshold 1", {**right, "part": 0}, True),
        ("the largest part of (7, 4)", {**right, "part": 0b1110000}, True),
        ("an id beyond ASCII", {**right, "client": "zürich"}, True),
        ("another seed", {**right, "seed": hashlib.sha256(SEED).digest()}, False),
        ("another part", {**right, "part": 4}, False),
        ("another client", {**right, "client": "clevelanf"}, False),
        ("another round", {**right, "roundId": OTHER_ROUND_ID}, False),
    ]
    tests = []
    for comment, given, valid in cases:
        committed = given if valid else right
        tests.append(
            {
                "comment": comment,
                "roundId": given["roundId"].hex(),
                "client": given["client"],
                "part": given["part"],
                "seed": given["seed"].hex(),
                "commitment": commitment(
                    committed["roundId"], committed["client"], committed["part"], committed["seed"]
                ).hex(),
                "result": "valid" if valid else "invalid",
                **({} if valid else {"rule": "seed-commitment-mismatch"}),
            }
        )
    return tests


def leaf_tests() -> list[dict[str, Any]]:
    """Leaves: another round, client or label is another leaf."""
    cases = [
        (ROUND_ID, "cleveland", "ckks-key"),
        (OTHER_ROUND_ID, "cleveland", "ckks-key"),
        (ROUND_ID, "zürich", "ckks-key"),
        (ROUND_ID, "cleveland", "self"),
        (ROUND_ID, "cleveland", "pair/hungary"),
    ]
    return [
        {
            "comment": f"{client}, {label}",
            "roundId": round_id.hex(),
            "client": client,
            "label": label,
            "seed": SEED.hex(),
            "leaf": leaf(round_id, client, label, SEED).hex(),
            "result": "valid",
        }
        for round_id, client, label in cases
    ]


def info_tests() -> list[dict[str, Any]]:
    """HPKE infos of wraps."""
    tests = []
    for study, epoch, custodian in (("heart", 0, "alpha"), ("heart", 2**40, "alpha"), ("", 1, "β")):
        parts = (study.encode(), epoch.to_bytes(8, "big"), custodian.encode(), CORE_DIGEST)
        tests.append(
            {
                "comment": f"{study}, epoch {epoch}, {custodian}",
                "study": study,
                "epoch": epoch,
                "custodian": custodian,
                "coreDigest": CORE_DIGEST.hex(),
                "info": prefixed(b"blindsum/v1/custody-wrap", *parts).hex(),
                "result": "valid",
            }
        )
    return tests


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    groups = {
        "committee": committee_tests(),
        "commitment": commitment_tests(),
        "leaf": leaf_tests(),
        "wrapInfo": info_tests(),
        "parts": part_tests(),
    }
    tests = [test for group in groups.values() for test in group]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum custody, version 1",
        "provenance": "tests/vectors/generate_custody.py, from the words of the design with "
        "hashlib and hmac alone",
        "numberOfTests": len(tests),
        "testGroups": [{"type": name, "tests": group} for name, group in groups.items()],
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
