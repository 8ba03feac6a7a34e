"""Known answers for the coordinates that travel: drawn from a round id, or a model's largest.

Run `python tests/vectors/generate_sparsity.py`; it writes sparsity.json beside itself. Nothing of
the product is imported: HMAC and SHA-256 of Python, AES of pycryptodome one block at a time, and a
sort of whole numbers and fractions.
"""

import hashlib
import hmac
import json
import struct
from fractions import Fraction
from math import isinf, isnan
from pathlib import Path
from typing import Any, Final

from Crypto.Cipher import AES

VECTORS: Final = Path(__file__).with_name("sparsity.json")
DOMAIN: Final = b"blindsum/v1/random-k"


def hkdf(secret: bytes, domain: bytes) -> bytes:
    """RFC 5869 with SHA-256, no salt, 32 bytes; info is the domain behind its length."""
    pseudorandom_key = hmac.digest(bytes(32), secret, "sha256")
    info = len(domain).to_bytes(8, "big") + domain
    return hmac.digest(pseudorandom_key, info + b"\x01", "sha256")


def words(key: bytes, count: int) -> list[int]:
    """The first 64-bit words, little-endian, of AES-256 in counter mode from counter 0."""
    block = AES.new(key, AES.MODE_ECB).encrypt
    stream = b"".join(block(number.to_bytes(16, "big")) for number in range(-(-count // 2)))
    return [int.from_bytes(stream[8 * place : 8 * place + 8], "little") for place in range(count)]


def drawn(round_id: bytes, size: int, kept: int) -> list[int]:
    """Coordinates with the smallest words; of equal ones the lower."""
    keys = words(hkdf(round_id, DOMAIN), size)
    return sorted(sorted(range(size), key=lambda place: (keys[place], place))[:kept])


def largest(model: list[float], kept: int) -> list[int]:
    """Coordinates with the largest absolute values; of equal ones the lower; NaN behind all."""
    return sorted(sorted(range(len(model)), key=lambda place: (_rank(model[place]), place))[:kept])


def _rank(value: float) -> tuple[int, Fraction]:
    if isnan(value):
        return 2, Fraction(0)
    return (0, Fraction(0)) if isinf(value) else (1, -abs(Fraction(value)))


def random_k_tests() -> list[dict[str, Any]]:
    """By round id; and what cannot be drawn."""
    tests: list[dict[str, Any]] = []
    for number, (size, kept) in enumerate([(2, 1), (10, 3), (64, 63), (1000, 100), (4097, 410)]):
        round_id = hashlib.sha256(b"a round of known answers %d" % number).digest()
        shape = {"roundId": round_id.hex(), "size": size, "kept": kept}
        found = drawn(round_id, size, kept)
        tests.append(
            {"comment": f"{kept} of {size}", **shape, "positions": found, "result": "valid"}
        )
    for comment, size, kept in (("all of them", 10, 10), ("more than there are", 10, 11)):
        shape = {"roundId": bytes(32).hex(), "size": size, "kept": kept}
        tests.append({"comment": comment, **shape, "result": "invalid", "rule": "sparsity"})
    none = {"roundId": bytes(32).hex(), "size": 10, "kept": 0}
    tests.append({"comment": "none", **none, "result": "invalid", "rule": "sparsity"})
    return tests


def prune_tests() -> list[dict[str, Any]]:
    """By model, as float32 in hexadecimal, little-endian."""
    models: dict[str, list[float]] = {
        "signs do not count": [0.5, -2.0, 1.0, -0.25, 3.0, -4.0],
        "equal ones: the lower coordinates": [1.0, -1.0, 1.0, -1.0, 1.0, 2.0],
        "zeros of both signs are equal": [0.0, -0.0, 0.0, -0.0, 0.0, 1e-45],
        "NaN behind zero, infinity first": [
            float("nan"),
            0.0,
            float("inf"),
            1.0,
            float("nan"),
            2.0,
        ],
    }
    tests: list[dict[str, Any]] = []
    for comment, model in models.items():
        packed = struct.pack(f"<{len(model)}f", *model)
        exact = list(struct.unpack(f"<{len(model)}f", packed))
        shape = {"model": packed.hex(), "kept": 4}
        found = largest(exact, 4)
        tests.append({"comment": comment, **shape, "positions": found, "result": "valid"})
    shape = {"model": bytes(16).hex(), "kept": 4}
    tests.append({"comment": "all of them", **shape, "result": "invalid", "rule": "sparsity"})
    return tests


def render() -> str:
    """The file's text."""
    groups: list[dict[str, Any]] = [
        {"type": "randomK", "tests": random_k_tests()},
        {"type": "prune", "tests": prune_tests()},
    ]
    number = 0
    for group in groups:
        for test in group["tests"]:
            number += 1
            test["tcId"] = number
    content = {
        "algorithm": "Blindsum sparsity, version 1",
        "provenance": "tests/vectors/generate_sparsity.py, in plain Python integers and fractions",
        "numberOfTests": number,
        "testGroups": groups,
    }
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
