"""Known answers for the CKKS seal: keys, references, sealed bytes and openings.

Run `python tests/vectors/generate_ckks.py`; it writes ckks.json beside itself. Nothing of the
product is imported and no numpy: plain Python integers, hashlib, hmac, and AES and HKDF of
pycryptodome (the product's keystream is OpenSSL's, its transform TenSEAL's).
"""

import base64
import hashlib
import hmac
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF

VECTORS: Final = Path(__file__).with_name("ckks.json")
DEGREE: Final = 4096
SETS: Final = {
    "A": ((0xFFFFFFFFFFFC001,), 60),
    "B": ((0xFFFFFFFFC4001, 0xFFFFFFFFCA001), 52),
}
ROUND_ID: Final = hashlib.sha256(b"round").digest()
VALUES: Final = ([5, -7, 100, -100, 0, 1, -1, 42, 99, -98], [1, 7, -100, -100, 3, 0, -1, 2, 1, 3])
SEEDS: Final = tuple(hashlib.sha256(b"seed %d" % k).digest() for k in range(2))
ERROR_KEYS: Final = tuple(hashlib.sha256(b"errors %d" % k).digest() for k in range(2))


def prefixed(*parts: bytes) -> bytes:
    """Each part behind its length as 8 bytes big-endian."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def u64(number: int) -> bytes:
    """8 bytes big-endian."""
    return number.to_bytes(8, "big")


def keystream_words(key: bytes, count: int) -> list[int]:
    """Little-endian uint64 words of the AES-256-CTR keystream under the zero IV."""
    stream = AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=0).encrypt(bytes(8 * count))
    return [int.from_bytes(stream[at : at + 8], "little") for at in range(0, len(stream), 8)]


def uniform(key: bytes, prime: int, count: int) -> list[int]:
    """Rejection sampling, word by word."""
    mask = (1 << prime.bit_length()) - 1
    masked = (word & mask for word in keystream_words(key, 4 * count + 64))
    return [word for word in masked if word < prime][:count]


def expand(leaf: bytes, prime: int) -> list[int]:
    """One leaf as a ring key modulo one prime."""
    key = hmac.digest(leaf, prefixed(b"blindsum/v1/ckks-key", u64(prime)), "sha256")
    return uniform(key, prime, DEGREE)


def reference(round_id: bytes, chunk: int, prime: int) -> list[int]:
    """a_j modulo one prime."""
    info = prefixed(b"blindsum/v1/ckks-reference", u64(chunk), u64(prime))
    return uniform(bytes(HKDF(round_id, 32, b"", SHA256, 1, info)), prime, DEGREE)


def pack(words: list[int], bits: int) -> bytes:
    """Words end to end, in little-endian bit order."""
    whole = 0
    for word in reversed(words):
        whole = whole << bits | word
    return whole.to_bytes(-(-len(words) * bits // 8), "little")


def bit_reversed(number: int) -> int:
    """The 12 bits of a number, backwards."""
    return int(f"{number:012b}"[::-1], 2)


@cache
def root_powers(prime: int) -> list[int]:
    """Powers of the smallest primitive 2N-th root of unity, in bit-reversed order."""
    exponent = (prime - 1) // (2 * DEGREE)
    root = next(
        found
        for found in (pow(base, exponent, prime) for base in range(2, 100))
        if pow(found, DEGREE, prime) == prime - 1
    )
    smallest, square, power = root, root * root % prime, root
    for _ in range(DEGREE):
        smallest, power = min(smallest, power), power * square % prime
    return [pow(smallest, bit_reversed(place), prime) for place in range(DEGREE)]


def transform(polynomial: list[int], prime: int) -> list[int]:
    """The negacyclic transform (Cooley and Tukey, with the root's powers merged in)."""
    words, powers, half, groups = list(polynomial), root_powers(prime), DEGREE // 2, 1
    while groups < DEGREE:
        for group in range(groups):
            power, start = powers[groups + group], 2 * group * half
            for place in range(start, start + half):
                upper, lower = words[place], words[place + half] * power % prime
                words[place], words[place + half] = (upper + lower) % prime, (upper - lower) % prime
        half, groups = half // 2, 2 * groups
    return words


def seal(
    client: int, set_name: str, scale_bits: int, field_bits: int, fields: int
) -> list[list[list[int]]]:
    """One client's sealed words: chunk, prime, word."""
    primes, _ = SETS[set_name]
    errors = [
        bin(word & (1 << 42) - 1).count("1") - 21
        for word in keystream_words(ERROR_KEYS[client], 2 * DEGREE)
    ]
    block = VALUES[client] + [0] * (2 * fields * DEGREE - len(VALUES[client]))
    chunks = []
    for chunk in range(2):
        start = chunk * fields * DEGREE
        plain = [
            (
                sum(
                    block[start + field * DEGREE + place] << field_bits * field
                    for field in range(fields)
                )
                << scale_bits
            )
            + errors[chunk * DEGREE + place]
            for place in range(DEGREE)
        ]
        residues = []
        for prime in primes:
            transformed = transform([value % prime for value in plain], prime)
            key, a = expand(leaf_of(client), prime), reference(ROUND_ID, chunk, prime)
            triples = zip(transformed, a, key, strict=True)
            residues.append([(word - x * s) % prime for word, x, s in triples])
        chunks.append(residues)
    return chunks


def leaf_of(client: int) -> bytes:
    """The leaf of client-0 or client-1 of a committee (1, 1)."""
    name = f"client-{client}".encode()
    content = prefixed(b"blindsum/v1/custody-leaf", ROUND_ID, name, b"ckks-key")
    return hmac.digest(SEEDS[client], content, "sha256")


def packed(chunks: list[list[list[int]]], bits: int) -> bytes:
    """A payload: chunks, in each the residues prime after prime."""
    return b"".join(pack([word for row in chunk for word in row], bits) for chunk in chunks)


def summary(words: list[int], prime: int) -> dict[str, Any]:
    """A whole residue row by its first words and its digest (little-endian uint64)."""
    stored = b"".join(word.to_bytes(8, "little") for word in words)
    return {
        "prime": prime,
        "firstWords": words[:4],
        "sha256": hashlib.sha256(stored).hexdigest(),
        "result": "valid",
    }


def invalid(comment: str, given: dict[str, Any], rule: str) -> dict[str, Any]:
    """A test that the product must turn away by this rule."""
    return {"comment": comment, **given, "result": "invalid", "rule": rule}


def seal_tests() -> list[dict[str, Any]]:
    """A client's sealed bytes, by digest."""
    tests = []
    for set_name, shape in (("A", (10, 16, 3)), ("B", (10, 30, 3))):
        for client in range(2):
            payload = packed(seal(client, set_name, *shape), SETS[set_name][1])
            tests.append(
                {
                    "comment": f"client-{client}, set {set_name}",
                    "parameters": [*shape, set_name],
                    "client": f"client-{client}",
                    "seed": SEEDS[client].hex(),
                    "errorKey": ERROR_KEYS[client].hex(),
                    "values": VALUES[client],
                    "sha256": hashlib.sha256(payload).hexdigest(),
                    "result": "valid",
                }
            )
    return tests


def opening_group() -> dict[str, Any]:
    """The sum of both clients with its released part, and what must not open."""
    (prime,), bits = SETS["A"]
    both = [seal(client, "A", 10, 16, 3) for client in range(2)]
    total = [
        [[(x + y) % prime for x, y in zip(*rows, strict=True)] for rows in zip(*pair, strict=True)]
        for pair in zip(*both, strict=True)
    ]
    keys = [expand(leaf_of(client), prime) for client in range(2)]
    part = pack([(x + y) % prime for x, y in zip(*keys, strict=True)], bits)
    values = [x + y for x, y in zip(*VALUES, strict=True)]
    right = {"members": 2, "bound": 100, "length": 10}
    tests: list[dict[str, Any]] = [
        {"comment": "the exact sum", **right, "values": values, "result": "valid"},
        invalid("one value behind the vector's end", {**right, "length": 9}, "padding-gate"),
        invalid("a bound that the sum exceeds", {**right, "bound": 99}, "range-gate"),
        invalid("one member stated", {**right, "members": 1}, "range-gate"),
        invalid(
            "80 members, whose errors the scale cannot carry",
            {**right, "members": 80},
            "scale-too-small",
        ),
        invalid("a round id with one flipped bit", {**right, "flipRoundId": 255}, "residual-gate"),
        invalid("a sum with one flipped bit", {**right, "flipSum": 300_000}, "residual-gate"),
        invalid("a part with one flipped bit", {**right, "flipPart": 7}, "residual-gate"),
        invalid("a part cut off", {**right, "cutPart": 30_719}, "part-length"),
        invalid("no part", {**right, "cutPart": None}, "missing-part"),
        invalid(
            "a word of the sum not below the prime", {**right, "onesSum": 0}, "word-out-of-range"
        ),
        invalid(
            "a word of the part not below the prime", {**right, "onesPart": 0}, "word-out-of-range"
        ),
    ]
    return {
        "type": "opening",
        "parameters": [10, 16, 3, "A"],
        "committee": [1, 1],
        "roundId": ROUND_ID.hex(),
        "sum": base64.b64encode(packed(total, bits)).decode(),
        "part": base64.b64encode(part).decode(),
        "tests": tests,
    }


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    primes = [prime for members, _ in SETS.values() for prime in members]
    leaf = hashlib.sha256(b"leaf").digest()
    expansions = [
        {"comment": f"prime {p:#x}", "leaf": leaf.hex(), **summary(expand(leaf, p), p)}
        for p in primes
    ]
    drawn = [
        {
            "comment": f"chunk {chunk}, prime {p:#x}",
            "roundId": ROUND_ID.hex(),
            "chunk": chunk,
            **summary(reference(ROUND_ID, chunk, p), p),
        }
        for p in primes
        for chunk in (0, 1, 2**40)
    ]
    groups: list[dict[str, Any]] = [
        {"type": "expansion", "tests": expansions},
        {"type": "reference", "tests": drawn},
        {"type": "seal", "committee": [1, 1], "roundId": ROUND_ID.hex(), "tests": seal_tests()},
        opening_group(),
    ]
    tests = [test for group in groups for test in group["tests"]]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum CKKS seal, version 1",
        "provenance": "tests/vectors/generate_ckks.py, from the words of the design in plain "
        "Python integers, with hashlib, hmac and pycryptodome",
        "numberOfTests": len(tests),
        "testGroups": groups,
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
