"""Known answers for the seal masking: pair secrets, masked vectors with their tables, openings.

Run `python tests/vectors/generate_masking.py`; it writes masking.json beside itself. Nothing of the
product is imported and no numpy: plain Python integers, hashlib, hmac, and X25519, HKDF and AES of
pycryptodome (the product's are OpenSSL's).
"""

import hashlib
import hmac
import json
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.DH import import_x25519_private_key, import_x25519_public_key, key_agreement
from Crypto.Protocol.KDF import HKDF

VECTORS: Final = Path(__file__).with_name("masking.json")
COHORT: Final = ("athens", "berlin", "cairo", "delhi")
MEMBERS: Final = ("athens", "cairo", "delhi")  # berlin sent nothing in time
COMMITTEE: Final = (3, 2)  # parts: the custodians 0, 1 and 2 alone, as bitmasks 1, 2 and 4
PARTS: Final = tuple(
    sorted(sum(1 << one for one in subset) for subset in combinations(range(3), 1))
)
ROUND_ID: Final = hashlib.sha256(b"round").digest()
VALUES: Final = {
    "athens": [5, -7, 100, -100, 0],
    "berlin": [1, 1, 1, 1, 1],
    "cairo": [1, 7, -100, -100, 3],
    "delhi": [-1, 0, 42, 99, -98],
}
BOUND: Final = 100
BITS: Final = (8, 11, 16, 29, 64)


def prefixed(*parts: bytes) -> bytes:
    """Each part behind its length as 8 bytes big-endian."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def digest(domain: str, *parts: bytes) -> bytes:
    """SHA-256 over the length-prefixed domain and parts."""
    return hashlib.sha256(prefixed(f"blindsum/v1/{domain}".encode(), *parts)).digest()


def private_key(client: str) -> bytes:
    """A client's agreement key."""
    return hashlib.sha256(f"agreement key of {client}".encode()).digest()


def public_key(client: str) -> bytes:
    """The public half."""
    key = import_x25519_private_key(private_key(client)).public_key()
    return bytes(key.export_key(format="raw"))


def seed(client: str, part: int) -> bytes:
    """A client's custody seed of one part."""
    return hashlib.sha256(f"seed {part} of {client}".encode()).digest()


def leaf(client: str, part: int, label: str) -> bytes:
    """leaf_T(label)."""
    content = prefixed(b"blindsum/v1/custody-leaf", ROUND_ID, client.encode(), label.encode())
    return hmac.digest(seed(client, part), content, "sha256")


def xor(*words: bytes) -> bytes:
    """The XOR of 32-byte strings."""
    total = 0
    for word in words:
        total ^= int.from_bytes(word, "big")
    return total.to_bytes(32, "big")


def secret(client: str, label: str) -> bytes:
    """K_i(label): the XOR of the leaves of all parts."""
    return xor(*(leaf(client, part, label) for part in PARTS))


def pair_secret(client: str, peer: str) -> bytes:
    """k_ij."""
    agreed = key_agreement(
        static_priv=import_x25519_private_key(private_key(client)),
        static_pub=import_x25519_public_key(public_key(peer)),
        kdf=lambda shared: shared,
    )
    ends = [name.encode() for name in sorted((client, peer))]
    info = prefixed(b"blindsum/v1/pair-secret", ROUND_ID, *ends)
    return bytes(HKDF(agreed, 32, b"", SHA256, 1, info))


def mask(key: bytes, count: int, word_bytes: int) -> list[int]:
    """The AES-256-CTR keystream under the zero IV, as little-endian words."""
    aes = AES.new(key, AES.MODE_CTR, nonce=b"", initial_value=0)
    stream = aes.encrypt(bytes(count * word_bytes))
    return [
        int.from_bytes(stream[at : at + word_bytes], "little")
        for at in range(0, len(stream), word_bytes)
    ]


def pack(words: list[int], bits: int) -> bytes:
    """Words end to end, in little-endian bit order."""
    whole = 0
    for word in reversed(words):
        whole = whole << bits | word
    return whole.to_bytes(-(-len(words) * bits // 8), "little")


def masked(client: str, bits: int) -> list[int]:
    """y_i modulo 2^b, with the zeros behind the vector."""
    zeros = -(-128 // bits)
    word_bytes = 2 if bits <= 16 else 4 if bits <= 32 else 8
    values = VALUES[client] + [0] * zeros
    total = [
        value + own
        for value, own in zip(
            values, mask(secret(client, "self"), len(values), word_bytes), strict=True
        )
    ]
    for peer in COHORT:
        if peer != client:
            sign = 1 if client < peer else -1
            stream = mask(pair_secret(client, peer), len(values), word_bytes)
            total = [word + sign * other for word, other in zip(total, stream, strict=True)]
    return [word % (1 << bits) for word in total]


def self_commitment(client: str) -> bytes:
    """h_i."""
    return digest("self-commitment", ROUND_ID, client.encode(), secret(client, "self"))


def pair_table(client: str) -> bytes:
    """ct_ij and h_ij for every peer, ascending."""
    entries = []
    for peer in COHORT:
        if peer != client:
            key = pair_secret(client, peer)
            entries.append(xor(key, secret(client, f"pair/{peer}")))
            entries.append(digest("pair-commitment", ROUND_ID, key))
    return b"".join(entries)


def released(part: int) -> bytes:
    """What one part releases for the members: self leaves, and their pairs with berlin."""
    return b"".join(
        leaf(client, part, label) for client in MEMBERS for label in ("self", "pair/berlin")
    )


def invalid(comment: str, given: dict[str, Any], rule: str) -> dict[str, Any]:
    """A test that the product must turn away by this rule."""
    return {"comment": comment, **given, "result": "invalid", "rule": rule}


def pair_tests() -> list[dict[str, Any]]:
    """Pair secrets from both ends, and keys that give none."""
    tests: list[dict[str, Any]] = [
        {
            "comment": f"{client} with {peer}",
            "client": client,
            "peer": peer,
            "private": private_key(client).hex(),
            "public": public_key(peer).hex(),
            "pairSecret": pair_secret(client, peer).hex(),
            "pairCommitment": digest("pair-commitment", ROUND_ID, pair_secret(client, peer)).hex(),
            "result": "valid",
        }
        for client in COHORT
        for peer in COHORT
        if client != peer
    ]
    right = {**tests[0]}
    for public in ("00" * 32, "01" + "00" * 31, "ec" + "ff" * 30 + "7f"):
        wrong = {**right, "public": public}
        tests.append(invalid(f"a point of small order, {public[:4]}...", wrong, "small-order-key"))
    short = {**right, "public": right["public"][2:]}
    tests.append(invalid("a public key of 31 bytes", short, "public-key-length"))
    return tests


def seal_tests() -> list[dict[str, Any]]:
    """Every client's sealed vector at several widths."""
    return [
        {
            "comment": f"{client}, {bits} bits",
            "valueBits": bits,
            "client": client,
            "values": VALUES[client],
            "bound": BOUND if bits > 8 else 31,
            "payload": pack(masked(client, bits), bits).hex(),
            "selfCommitment": self_commitment(client).hex(),
            "pairTable": pair_table(client).hex(),
            "result": "valid",
        }
        for bits in BITS
        for client in COHORT
        if bits > 8 or max(map(abs, VALUES[client])) <= 31
    ] + [
        invalid(
            "a value beyond the bound",
            {"valueBits": 16, "client": "athens", "values": VALUES["athens"], "bound": 99},
            "coordinate-bound",
        ),
        invalid(
            "a vector of another length",
            {"valueBits": 16, "client": "athens", "values": [1], "length": 2, "bound": 99},
            "vector-shape",
        ),
    ]


def opening_group() -> dict[str, Any]:
    """The sum of three members of a cohort of four, and what must not open."""
    bits = 16
    sealed = [masked(client, bits) for client in MEMBERS]
    total = [sum(words) % (1 << bits) for words in zip(*sealed, strict=True)]
    values = [sum(words) for words in zip(*(VALUES[client] for client in MEMBERS), strict=True)]
    right: dict[str, Any] = {"bound": BOUND, "length": 5}
    tests: list[dict[str, Any]] = [
        {"comment": "the exact sum", **right, "values": values, "result": "valid"},
        invalid("a bound that the sum exceeds", {**right, "bound": 33}, "range-gate"),
        invalid("a value behind the vector's end", {**right, "length": 4}, "payload-length"),
        invalid(
            "a sum with one flipped bit in its zeros", {**right, "flipSum": 81}, "padding-gate"
        ),
        invalid("a self leaf with one flipped bit", {**right, "flipPart": 7}, "self-commitment"),
        invalid("a pair leaf with one flipped bit", {**right, "flipPart": 263}, "pair-commitment"),
        invalid("a round id with one flipped bit", {**right, "flipRoundId": 9}, "self-commitment"),
        invalid("a false h_i", {**right, "flipSelfCommitment": 0}, "self-commitment"),
        invalid("a false ct_ij", {**right, "flipPairTable": 0}, "pair-commitment"),
        invalid("a false h_ij", {**right, "flipPairTable": 256}, "pair-commitment"),
        invalid("a part cut off", {**right, "cutPart": 191}, "part-length"),
        invalid("no part", {**right, "cutPart": None}, "missing-part"),
    ]
    return {
        "type": "maskedOpening",
        "valueBits": bits,
        "committee": list(COMMITTEE),
        "roundId": ROUND_ID.hex(),
        "cohort": list(COHORT),
        "members": [
            {
                "client": client,
                "selfCommitment": self_commitment(client).hex(),
                "pairTable": pair_table(client).hex(),
            }
            for client in MEMBERS
        ],
        "sum": pack(total, bits).hex(),
        "parts": {str(part): released(part).hex() for part in PARTS},
        "tests": tests,
    }


def document() -> dict[str, Any]:
    """The whole file, in Wycheproof's shape."""
    keys = {client: private_key(client).hex() for client in COHORT}
    seeds = {client: {str(part): seed(client, part).hex() for part in PARTS} for client in COHORT}
    shared = {"committee": list(COMMITTEE), "roundId": ROUND_ID.hex(), "cohort": list(COHORT)}
    groups: list[dict[str, Any]] = [
        {"type": "pairSecret", "roundId": ROUND_ID.hex(), "tests": pair_tests()},
        {"type": "maskedVector", **shared, "keys": keys, "seeds": seeds, "tests": seal_tests()},
        opening_group(),
    ]
    tests = [test for group in groups for test in group["tests"]]
    for number, test in enumerate(tests, start=1):
        test["tcId"] = number
    return {
        "algorithm": "Blindsum masking seal, version 1",
        "provenance": "tests/vectors/generate_masking.py, from the words of the design in plain "
        "Python integers, with hashlib, hmac and pycryptodome",
        "numberOfTests": len(tests),
        "testGroups": groups,
    }


def render() -> str:
    """The file's text."""
    return json.dumps(document(), indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(render(), encoding="utf-8")
