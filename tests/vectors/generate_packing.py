"""Known answers for packing: words of b bits in bytes, fields of w bits in words.

Run `python tests/vectors/generate_packing.py`; it writes packing.json beside itself. Nothing of the
product is imported: plain Python integers.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

VECTORS: Final = Path(__file__).with_name("packing.json")


def pack(words: list[int], bits: int) -> bytes:
    """Words end to end, in little-endian bit order."""
    whole = 0
    for word in reversed(words):
        whole = whole << bits | word
    return whole.to_bytes(-(-len(words) * bits // 8), "little")


def word_tests() -> list[dict[str, Any]]:
    """Words in bytes; bits behind the last word and wrong lengths are invalid."""
    tests: list[dict[str, Any]] = []
    for bits in (8, 13, 32, 52, 60, 63, 64):
        words = [hash_number(bits, place) % (1 << bits) for place in range(5)] + [(1 << bits) - 1]
        shape = {"bits": bits, "words": words, "count": len(words)}
        right = pack(words, bits)
        tests.append({"comment": "packed", **shape, "packed": right.hex(), "result": "valid"})
        for comment, wrong in (("one byte less", right[:-1]), ("one byte more", right + b"\0")):
            tests.append(invalid(comment, {**shape, "packed": wrong.hex()}, "packed-length"))
        if len(words) * bits % 8:
            spare = right[:-1] + bytes([right[-1] | 0x80])
            tests.append(
                invalid("a spare bit set", {**shape, "packed": spare.hex()}, "padding-bits")
            )
    return tests


def hash_number(*numbers: int) -> int:
    """A number that looks arbitrary."""
    return int.from_bytes(hashlib.sha256(repr(numbers).encode()).digest(), "big")


def invalid(comment: str, given: dict[str, Any], rule: str) -> dict[str, Any]:
    """A test that the product must turn away by this rule."""
    return {"comment": comment, **given, "result": "invalid", "rule": rule}


def field_tests() -> list[dict[str, Any]]:
    """Fields in one word; -2^(w-1) does not exist."""
    cases = [(16, [1, -1, 32_767]), (16, [-32_767] * 3), (8, [0, 127, -127, 5, -5, 1]), (30, [-3])]
    tests: list[dict[str, Any]] = [
        {
            "comment": f"{len(fields)} of {bits} bits",
            "bits": bits,
            "fields": fields,
            "word": sum(field << bits * place for place, field in enumerate(fields)),
            "result": "valid",
        }
        for bits, fields in cases
    ]
    tests += [
        invalid("outside the symmetric range", {"bits": 16, "fields": [0, field]}, "field-range")
        for field in (-32_768, 32_768)
    ]
    return tests


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    groups = {"packedWords": word_tests(), "packedFields": field_tests()}
    tests = [test for group in groups.values() for test in group]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum packing, version 1",
        "provenance": "tests/vectors/generate_packing.py, in plain Python integers",
        "numberOfTests": len(tests),
        "testGroups": [{"type": name, "tests": group} for name, group in groups.items()],
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
