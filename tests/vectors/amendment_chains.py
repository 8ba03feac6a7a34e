"""Chains of amendments that known answers build, one amendment behind the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.independent.notation import Field, Message, digest, message, sign
from tests.vectors.plain_study import (
    BOTH,
    CLIENTS,
    STUDY,
    by_hands,
    client,
    custodian,
    manifest,
    secret,
)

FIELDS: Final = {"joined": 5, "rotated": 6, "left": 7, "revoked": 8, "committee": 9}
ALONE: Final = {1: "operator"}
SPLIT: Final = {"athens": 0, "berlin": 0, "cairo": 1, "delhi": 1}
Changes = Mapping[str, Field]
Fields = dict[int, Field]
K0, K1, K2, K3, K4, K5 = (custodian(f"k{number}") for number in range(6))


def committee(*custodians: Message, threshold: int = 2, quorum: int = 3) -> Message:
    """NewCommittee."""
    return message({1: custodians, 2: threshold, 3: quorum})


@dataclass
class Chain:
    """Amendments of a study, each behind the one before."""

    name: str
    manifest: Message
    hands: dict[int, str]
    number: int = 0
    last: bytes = b""

    def fields(self, **changes: Field) -> Fields:
        """The next body's fields."""
        previous = self.last or digest("manifest", self.manifest)
        begun: Fields = {1: STUDY, 2: self.number + 1, 3: previous, 4: "As the board decided"}
        return {**begun, **{FIELDS[what]: value for what, value in changes.items()}}

    def next(self, **changes: Field) -> Message:
        """The next one, signed by its hands."""
        body = message(self.fields(**changes))
        self.number, self.last = self.number + 1, digest("amendment", body)
        return by_hands("amendment", body, self.hands)


MANIFESTS: Final = {
    "with an officer": manifest([client(name) for name in CLIENTS]),
    "without an officer": manifest([client(name) for name in CLIENTS], officer=False),
    "in two groups": manifest([client(name, group=group) for name, group in SPLIT.items()]),
}


def with_officer() -> Chain:
    """A chain behind the manifest that names one."""
    return Chain("with an officer", MANIFESTS["with an officer"], BOTH)


def without_officer() -> Chain:
    """A chain behind the manifest that names none."""
    return Chain("without an officer", MANIFESTS["without an officer"], ALONE)


def in_groups() -> Chain:
    """A chain behind the manifest in two groups."""
    return Chain("in two groups", MANIFESTS["in two groups"], BOTH)


def signed_manifests() -> dict[str, str]:
    """Each manifest by its name, signed by its operator."""
    return {
        name: sign("manifest", body, "operator", secret("operator")).hex()
        for name, body in MANIFESTS.items()
    }


def given(chain: Chain, amendments: Sequence[bytes]) -> dict[str, Any]:
    """What a reader has: a manifest by its name, and the amendments."""
    return {"manifest": chain.name, "amendments": [one.hex() for one in amendments]}
