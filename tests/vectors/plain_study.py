"""The study that known answers of whole rounds speak of, by field numbers and keys alone.

Nothing of the product is imported: messages are written by tests/independent, from the tables of
docs/specification.md. Every secret is the SHA-256 of a fixed text.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tests.independent.hpke import X25519, wrap_public, x25519_public
from tests.independent.masking import value_bits
from tests.independent.notation import Field, Message, digest, identity_of, message, sign

STUDY: Final = "heart"
OPENED: Final = 1_780_000_000
LEVELS: Final = 100
VALUES: Final = 5
CLIENTS: Final = ("athens", "berlin", "cairo", "delhi")
CUSTODIANS: Final = ("k0", "k1", "k2", "k3")
CODEC: Final = message({1: 1.5, 2: LEVELS, 3: 300, 4: 0.75})


def secret(label: str) -> bytes:
    """The private key, seed or whatever has this name."""
    return hashlib.sha256(f"blindsum known answers: {label}".encode()).digest()


def invalid(comment: str, given: Mapping[str, Any], rule: str) -> dict[str, Any]:
    """A test that the product must turn away by this rule."""
    return {"comment": comment, **given, "result": "invalid", "rule": rule}


def in_order(fields: Mapping[str, Field]) -> dict[int, Field]:
    """Fields by number: 1, 2, 3, ... in the order of their names."""
    return dict(enumerate(fields.values(), start=1))


def party(name: str) -> Message:
    """Party."""
    return message({1: name, 2: identity_of(secret(name))})


def client(name: str, key: str = "", group: int = 0, **changed: bytes | str) -> Message:
    """EnrolledClient; key: a word for another agreement key than the first."""
    fields: dict[int, Field] = {
        1: name,
        2: changed.get("organisation", f"org-{name}"),
        3: changed.get("identity", identity_of(secret(name))),
        4: changed.get("agreement_key", x25519_public(secret(f"{name} agreement {key}"))),
        5: group,
    }
    return message(fields)


def custodian(name: str, key: str = "", **changed: bytes) -> Message:
    """EnrolledCustodian; key: a word for another wrap key than the first."""
    public = wrap_public(X25519, secret(f"{name} wrap {key}"))
    identity = changed.get("identity", identity_of(secret(name)))
    return message({1: name, 2: identity, 3: X25519, 4: changed.get("wrap_key", public)})


def manifest(clients: Sequence[Message], *, officer: bool = True, seal: str = "masking") -> Message:
    """ManifestBody: (4, 2) with a quorum of 3, two clients of two organisations at least."""
    array = message({1: "fc.weight", 2: [VALUES - 1]})
    schedule = message({1: 40, 2: 60, 3: 600, 4: 300})
    return message(
        {
            1: STUDY,
            2: "Predict disease.",
            3: "Ethics vote 2026-114",
            4: "model",
            5: [seal],
            6: party("operator"),
            7: party("officer") if officer else None,
            8: party("aggregator"),
            9: clients,
            10: [custodian(one) for one in CUSTODIANS],
            11: 2,
            12: 3,
            13: 2,
            14: 2,
            15: CODEC,
            16: [array],
            17: secret("model"),
            18: "fedavg",
            19: 1.0,
            20: schedule,
            21: "version",
            22: OPENED - 86_400,
            23: OPENED + 86_400,
        }
    )


def by_hands(domain: str, body: bytes, hands: Mapping[int, str]) -> Message:
    """SignedAmendment or SignedException: the same body, signed by each hand."""
    return message(
        {number: sign(domain, body, name, secret(name)) for number, name in hands.items()}
    )


BOTH: Final = {1: "operator", 2: "officer"}


def wrap_key_digests(keys: Iterable[bytes]) -> list[bytes]:
    """H(wrap-key, suite, key) by index."""
    return [digest("wrap-key", X25519, key) for key in keys]


def spec(manifest_digest: bytes, **changed: Field) -> dict[int, Field]:
    """The fields of a first masked SpecBody; `changed` by name."""
    cohort = list(CLIENTS)
    fields: dict[str, Field] = {
        "study": STUDY,
        "kind": "round",
        "number": 0,
        "amendment_digest": manifest_digest,
        "epoch": 0,
        "version": 0,
        "model": secret("model"),
        "previous": message({1: manifest_digest}),
        "closes": None,
        "endorsements": None,
        "length": VALUES,
        "seal": "masking",
        "ckks": None,
        "codec": CODEC,
        "cohort": cohort,
        "min_cohort": 2,
        "wrap_keys": wrap_key_digests(
            wrap_public(X25519, secret(f"{one} wrap ")) for one in CUSTODIANS
        ),
        "contribute": OPENED + 600,
        "release": OPENED + 900,
        "masking": message({1: value_bits(len(cohort), LEVELS)}),
        "amendments": None,
        "group": 0,
    }
    return in_order({**fields, **changed})
