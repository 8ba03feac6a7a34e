"""Known answers for shares of noise: laws by their definitions, alias tables, draws.

Run `python tests/vectors/generate_noise.py`; it writes noise.json beside itself. Nothing of the
product is imported and no numpy: Skellam is the difference of two Poissons, term by term, and the
discrete Gaussian a decimal exponential (the product runs recurrences); AES is pycryptodome's (the
product's is OpenSSL's), and every draw compares all 127 bits at once.
"""

import hashlib
import json
from collections.abc import Sequence
from decimal import Context, Decimal
from itertools import pairwise
from math import isqrt
from operator import mul
from pathlib import Path
from typing import Any, Final

from Crypto.Cipher import AES

VECTORS: Final = Path(__file__).with_name("noise.json")
POINT_BITS: Final = 320
TOTAL_BITS: Final = 127
FURTHER_OFFSET: Final = 1 << 60
KEYS: Final = tuple(hashlib.sha256(f"noise key {number}".encode()).digest() for number in range(2))
VARIANCES: Final = (1, 2, 3, 100, 2500)
DRAWS: Final = 1000
SHOWN: Final = 24
DECIMALS: Final = Context(prec=100)


def skellam_law(variance: int) -> list[int]:
    """P(0), P(1), ... of the difference of two Poissons of mean variance/2, unnormalised."""
    mode = variance // 2
    rising, falling = [1 << POINT_BITS], [1 << POINT_BITS]
    while rising[-1]:
        rising.append(rising[-1] * variance // (2 * (mode + len(rising))))
    while falling[-1] and len(falling) <= mode:
        falling.append(falling[-1] * 2 * (mode + 1 - len(falling)) // variance)
    poisson = falling[:0:-1] + rising
    return [sum(map(mul, poisson, poisson[apart:])) for apart in range(len(poisson))]


def gaussian_law(variance: int) -> list[int]:
    """exp(-k^2 / 2 variance) for k = 0, 1, ..., at 320 bits behind the point."""
    one = Decimal(1 << POINT_BITS)
    last = isqrt(416 * variance) + 1  # behind it less than exp(-208) = 2^-300
    exponents = (
        DECIMALS.divide(Decimal(-entry * entry), Decimal(2 * variance)) for entry in range(last)
    )
    return [int(DECIMALS.multiply(one, DECIMALS.exp(exponent))) for exponent in exponents]


LAWS: Final = {"skellam": skellam_law, "discrete-gaussian": gaussian_law}


def weights(law: Sequence[int]) -> list[int]:
    """Units of 2^-127 that each |X| gets: differences of the rounded cumulative shares."""
    total = law[0] + 2 * sum(law[1:])
    cumulated, bounds = 0, [0]
    for entry, term in enumerate(law):
        cumulated += term if entry == 0 else 2 * term
        bounds.append((2 * (cumulated << TOTAL_BITS) + total) // (2 * total))
    units = [upper - lower for lower, upper in pairwise(bounds)]
    while units[-1] == 0:
        del units[-1]
    return units


def alias_columns(units: Sequence[int]) -> list[tuple[int, int]]:
    """Every column's threshold and alias, by Vose's method with two stacks in ascending order."""
    bits = (len(units) - 1).bit_length()
    capacity = 2 ** (TOTAL_BITS - bits)
    left = dict(enumerate([*units, *[0] * (2**bits - len(units))]))
    columns = {column: (0, column) for column in left}
    small = [column for column in left if left[column] < capacity]
    large = [column for column in left if left[column] >= capacity]
    while small:
        column = small.pop()
        columns[column] = (left[column], large[-1])
        left[large[-1]] -= capacity - left[column]
        if left[large[-1]] < capacity:
            small.append(large.pop())
    return [columns[column] for column in sorted(columns)]


def stream_words(key: bytes, byte_offset: int, count: int) -> list[int]:
    """Words of the AES-256-CTR keystream under the zero nonce, from an offset on."""
    aes = AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=byte_offset // 16)
    stream = aes.encrypt(bytes(8 * count))
    return [int.from_bytes(stream[at : at + 8], "little") for at in range(0, len(stream), 8)]


def draws(columns: Sequence[tuple[int, int]], key: bytes, count: int) -> list[int]:
    """Draw number i: column, 127 - c bits against the threshold, sign."""
    bits = (len(columns) - 1).bit_length()
    drawn = []
    firsts = stream_words(key, 0, count)
    for first, further in zip(firsts, stream_words(key, FURTHER_OFFSET, count), strict=True):
        column, compared, sign = first % 2**bits, first % 2**63 >> bits, first >> 63
        threshold, alias = columns[column]
        magnitude = column if compared * 2**64 + further < threshold else alias
        drawn.append(-magnitude if sign else magnitude)
    return drawn


def stored(values: Sequence[int]) -> bytes:
    """Signed values, 8 bytes little-endian each."""
    return b"".join(value.to_bytes(8, "little", signed=True) for value in values)


def table_words(columns: Sequence[tuple[int, int]]) -> list[bytes]:
    """The table as it lies in memory: threshold's high bits over the alias; its low bits."""
    bits = (len(columns) - 1).bit_length()
    words = [(threshold >> 64 << bits) + alias for threshold, alias in columns]
    low = [threshold % 2**64 for threshold, _ in columns]
    return [b"".join(one.to_bytes(8, "little") for one in part) for part in (words, low)]


def invalid(comment: str, given: dict[str, Any], rule: str) -> dict[str, Any]:
    """A test that the product must turn away by this rule."""
    return {"comment": comment, **given, "result": "invalid", "rule": rule}


def share_test(mechanism: str, variance: int, key: bytes) -> dict[str, Any]:
    """A table and a share of one law."""
    units = weights(LAWS[mechanism](variance))
    columns = alias_columns(units)
    words, low = table_words(columns)
    drawn = draws(columns, key, DRAWS)
    return {
        "comment": f"{mechanism} of variance {variance}",
        "mechanism": mechanism,
        "variance": variance,
        "entries": len(units),
        "wordsSha256": hashlib.sha256(words).hexdigest(),
        "lowThresholdsSha256": hashlib.sha256(low).hexdigest(),
        "key": key.hex(),
        "count": DRAWS,
        "first": drawn[:SHOWN],
        "sha256": hashlib.sha256(stored(drawn)).hexdigest(),
        "result": "valid",
    }


def share_tests() -> list[dict[str, Any]]:
    """Shares of both mechanisms, and what is refused."""
    tests = [
        share_test(mechanism, variance, KEYS[place % 2])
        for mechanism in LAWS
        for place, variance in enumerate(VARIANCES)
    ]
    right = {"mechanism": "skellam", "variance": 100, "key": KEYS[0].hex(), "count": 1}
    return [
        *tests,
        invalid("no noise", {**right, "variance": 0}, "noise-variance"),
        invalid("a negative variance", {**right, "variance": -100}, "noise-variance"),
        invalid("a variance above 2^32", {**right, "variance": 2**32 + 1}, "noise-variance"),
        invalid("a variance that is no integer", {**right, "variance": 100.5}, "noise-variance"),
        invalid("a negative count", {**right, "count": -1}, "noise-count"),
        invalid("a count above 2^40", {**right, "count": 2**40 + 1}, "noise-count"),
        invalid("a key of 31 bytes", {**right, "key": right["key"][2:]}, "keystream-key-length"),  # type: ignore[index]
    ]


def tie_test(comment: str, above: int) -> dict[str, Any]:
    """A table of four columns whose thresholds tie with what the key draws, as often as can be."""
    key, count = KEYS[0], 12
    columns = [(0, 3 - column) for column in range(4)]
    tied = {}
    firsts = stream_words(key, 0, count)
    for first, further in zip(firsts, stream_words(key, FURTHER_OFFSET, count), strict=True):
        tied[first % 4] = (first % 2**63 >> 2) * 2**64 + further + above
    for column, threshold in tied.items():
        columns[column] = (threshold, columns[column][1])
    return {
        "comment": comment,
        "thresholds": [f"{threshold:032x}" for threshold, _ in columns],
        "aliases": [alias for _, alias in columns],
        "key": key.hex(),
        "values": draws(columns, key, count),
        "result": "valid",
    }


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    ties = [
        tie_test("all 127 bits at the threshold: the alias", 0),
        tie_test("all 127 bits one below the threshold: the column", 1),
    ]
    groups: list[dict[str, Any]] = [
        {"type": "noiseShare", "tests": share_tests()},
        {"type": "tiedDraws", "tests": ties},
    ]
    tests = [test for group in groups for test in group["tests"]]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum noise share, version 1",
        "provenance": "tests/vectors/generate_noise.py, from the laws' definitions in plain Python "
        "integers and decimals, with hashlib and pycryptodome",
        "numberOfTests": len(tests),
        "testGroups": groups,
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
