"""Known answers for wraps: HPKE under known private keys and known randomness, both suites.

Run `python -m tests.vectors.generate_wraps`; it writes wraps.json beside itself. Nothing of the
product is imported, nor its HPKE: tests/independent/hpke.py follows RFC 9180 over pycryptodome's
ML-KEM and X25519, while the product's is OpenSSL's.
"""

import json
from pathlib import Path
from typing import Any, Final

from tests.independent.custody import parts, parts_of, wrap_info, wrapped
from tests.independent.hpke import ENCAPSULATIONS, HYBRID, X25519, wrap, wrap_public
from tests.independent.notation import digest
from tests.vectors.plain_study import STUDY, invalid, secret

VECTORS: Final = Path(__file__).with_name("wraps.json")
CORE: Final = b"the bytes of a core header"
COMMITTEES: Final = ((1, 1, 0), (4, 2, 0), (4, 2, 3), (7, 3, 2))
Test = dict[str, Any]


def private(suite: str, name: str) -> bytes:
    """A private wrap key: the seed of ML-KEM where it is in the suite, then that of X25519."""
    words = ("ML-KEM d", "ML-KEM z", "X25519")[0 if suite == HYBRID else 2 :]
    return b"".join(secret(f"{name} {word}") for word in words)


def opened(suite: str, committee: tuple[int, int, int], number: int) -> Test:
    """A wrap for one custodian of a committee, and what is in it."""
    custodians, threshold, index = committee
    seeds = {part: secret(f"seed {part}") for part in parts(custodians, threshold)}
    info = wrap_info(STUDY, number, f"k{index}", CORE)
    plain, key = wrapped(seeds, index), private(suite, f"k{index}")
    randomness = secret(f"ML-KEM coins {number}") + secret(f"X25519 ephemeral {number}")
    made = wrap(suite, wrap_public(suite, key), info, plain, randomness)
    return {
        "comment": f"custodian {index} of ({custodians}, {threshold})",
        "suite": suite,
        "private": key.hex(),
        "public": wrap_public(suite, key).hex(),
        "study": STUDY,
        "epoch": number,
        "custodian": f"k{index}",
        "core": CORE.hex(),
        "coreDigest": digest("core-header", CORE).hex(),
        "info": info.hex(),
        "parts": parts_of(index, sorted(seeds)),
        "seeds": {str(part): seeds[part].hex() for part in parts_of(index, sorted(seeds))},
        "wrap": made.hex(),
        "wrapDigest": digest("wrap", made).hex(),
        "result": "valid",
    }


def flipped(wrap_hex: str, byte: int) -> str:
    """The wrap with the lowest bit of one byte flipped."""
    changed = bytearray.fromhex(wrap_hex)
    changed[byte] ^= 1
    return changed.hex()


def refused(right: Test) -> list[Test]:
    """The same wrap for somebody else, in another place, or damaged."""
    suite, made = right["suite"], right["wrap"]
    keys = ("suite", "private", "study", "epoch", "custodian", "core", "parts", "wrap")
    base = {key: right[key] for key in keys}
    length = ENCAPSULATIONS[suite]
    zero_point = made[: 2 * length - 64] + "00" * 32 + made[2 * length :]
    cases: list[tuple[str, Test, str]] = [
        ("of another epoch", {"epoch": right["epoch"] + 1}, "bad-wrap"),
        ("of another study", {"study": "hear"}, "bad-wrap"),
        ("of another custodian", {"custodian": "k1"}, "bad-wrap"),
        ("of another core header", {"core": (CORE + b".").hex()}, "bad-wrap"),
        ("for another key", {"private": private(suite, "somebody else").hex()}, "bad-wrap"),
        ("a bit of the encapsulation flipped", {"wrap": flipped(made, 0)}, "bad-wrap"),
        ("a bit of the point flipped", {"wrap": flipped(made, length - 32)}, "bad-wrap"),
        ("a bit of the ciphertext flipped", {"wrap": flipped(made, length)}, "bad-wrap"),
        ("a bit of the tag flipped", {"wrap": flipped(made, -1)}, "bad-wrap"),
        ("one byte less", {"wrap": made[:-2]}, "bad-wrap"),
        ("one byte more", {"wrap": made + "00"}, "bad-wrap"),
        ("the encapsulation alone", {"wrap": made[: 2 * length]}, "bad-wrap"),
        ("a point of small order", {"wrap": zero_point}, "bad-wrap"),
        ("fewer seeds than parts", {"parts": [*right["parts"], 16]}, "seeds-length"),
        ("more seeds than parts", {"parts": right["parts"][:-1]}, "seeds-length"),
    ]
    return [invalid(comment, {**base, **change}, rule) for comment, change, rule in cases]


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    tests: list[Test] = []
    for suite in (HYBRID, X25519):
        valid = [opened(suite, one, number) for number, one in enumerate(COMMITTEES)]
        tests += [*valid, *refused(valid[1])]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum wraps, version 1: HPKE base mode, HKDF-SHA256, AES-256-GCM",
        "provenance": "tests/vectors/generate_wraps.py, by tests/independent/hpke.py over "
        "pycryptodome, with known ephemeral keys; its DHKEM gives the shared secret of RFC 9180, "
        "A.1.1",
        "numberOfTests": len(tests),
        "testGroups": [{"type": "wrap", "tests": tests}],
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
