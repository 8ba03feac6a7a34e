"""Known answers for masks word by word, and for what custodians release.

Run `python -m tests.vectors.generate_masks`; it writes masks.json beside itself. Nothing of the
product is imported: keystreams, leaves and their order are those of tests/independent.
"""

import json
from pathlib import Path
from typing import Any, Final

from tests.independent.custody import parts
from tests.independent.masking import Round, mask, release
from tests.vectors.plain_study import CLIENTS, invalid, secret

VECTORS: Final = Path(__file__).with_name("masks.json")
BITS: Final = {8: 16, 11: 16, 16: 16, 17: 32, 29: 32, 32: 32, 33: 64, 47: 64, 64: 64}
FIRST: Final = (0, 1, 7, 8, 9, 65_535, 65_536)
COMMITTEES: Final = ((1, 1), (4, 2), (7, 3))
Test = dict[str, Any]


def mask_tests() -> list[Test]:
    """Words of every size, from even and odd places, across blocks and chunks."""
    key = secret("mask key")
    tests = []
    for bits, word_bits in BITS.items():
        words = mask(key, FIRST[-1] + 4, bits)
        tests += [
            {
                "comment": f"b = {bits}: words of {word_bits} bits from word {first}",
                "key": key.hex(),
                "valueBits": bits,
                "wordBits": word_bits,
                "first": first,
                "words": words[first : first + 4],
                "result": "valid",
            }
            for first in FIRST
        ]
    few = {"key": key.hex(), "first": 0}
    return tests + [
        invalid(f"b = {bits}", {**few, "valueBits": bits}, "value-bits") for bits in (7, 65)
    ]


def released(committee: tuple[int, int], members: tuple[str, ...]) -> Test:
    """The share of every part, and the pages of every custodian."""
    here = Round(secret("round"), CLIENTS, 16, 100)
    every = parts(*committee)
    seeds = {name: {part: secret(f"{name} {part}") for part in every} for name in members}
    shares = {part: release(here, {name: seeds[name][part] for name in members}) for part in every}
    return {
        "comment": f"{committee}: {', '.join(members)} of {len(CLIENTS)}",
        "committee": list(committee),
        "roundId": here.round_id.hex(),
        "cohort": list(CLIENTS),
        "members": list(members),
        "seeds": {
            name: {str(part): seed.hex() for part, seed in own.items()}
            for name, own in seeds.items()
        },
        "shares": {str(part): share.hex() for part, share in shares.items()},
        "result": "valid",
    }


def release_tests() -> list[Test]:
    """Everybody, all but one, one alone; and sets that no custodian answers for."""
    valid = [
        released(committee, members)
        for committee in COMMITTEES
        for members in (CLIENTS, ("athens", "cairo", "delhi"), ("berlin", "delhi"), ("cairo",))
        if committee != (7, 3) or len(members) == 3
    ]
    right = {key: valid[1][key] for key in ("committee", "roundId", "cohort", "seeds", "members")}
    short = {name: {"0": seeds["0"][:-2]} for name, seeds in right["seeds"].items()}
    cases: list[tuple[str, Test, str]] = [
        ("of nobody", {"members": []}, "no-members"),
        ("descending", {"members": ["delhi", "cairo"]}, "members-order"),
        ("one twice", {"members": ["cairo", "cairo"]}, "members-order"),
        ("a member who is absent", {"absent": ["berlin", "cairo"]}, "absent-member"),
        ("seeds of 31 bytes", {"seeds": short}, "seed-length"),
    ]
    return valid + [invalid(comment, {**right, **change}, rule) for comment, change, rule in cases]


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    groups = {"mask": mask_tests(), "release": release_tests()}
    tests = [test for group in groups.values() for test in group]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum masks and releases, version 1",
        "provenance": "tests/vectors/generate_masks.py, by tests/independent: a second "
        "implementation from docs/specification.md, with hmac and pycryptodome",
        "numberOfTests": len(tests),
        "testGroups": [{"type": name, "tests": group} for name, group in groups.items()],
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
