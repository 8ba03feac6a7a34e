"""Custody: replicated seeds, so that any t custodians hold every part and t-1 miss at least one.

Replicated secret sharing after Cramer, Damgard and Ishai (TCC 2005). A *part* is a (t-1)-subset of
the custodians, named by the bitmask of their manifest indices; a custodian holds the parts that do
not contain it. Both seals stand on this file.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import Final

from blindsum_crypto import domains
from blindsum_crypto.errors import Refused, Rejected
from blindsum_crypto.primitives import digest, hmac_sha256_each, length_prefixed
from blindsum_crypto.randomness import Randomness

SEED_BYTES: Final = 32
PART_BYTES: Final = 8
MAX_PARTS: Final = 35  # (7, 4); beyond it a client's wraps grow past what a header should carry
MAX_CUSTODIANS: Final = 35


@dataclass(frozen=True, slots=True)
class Committee:
    """How many custodians there are and how many of them open.

    Attributes:
        custodians: m, 1 to 35; a custodian's index is its place in the manifest, from 0.
        threshold: t, 1 to m; t - 1 of them together learn nothing.

    Raises:
        Refused: `committee-size`, `committee-threshold`, or `too-many-parts` above 35 parts.
    """

    custodians: int
    threshold: int

    def __post_init__(self) -> None:
        if not 1 <= self.custodians <= MAX_CUSTODIANS:
            raise Refused(
                "committee-size",
                f"expected 1 to {MAX_CUSTODIANS} custodians, got {self.custodians}",
            )
        if not 1 <= self.threshold <= self.custodians:
            raise Refused(
                "committee-threshold",
                f"expected 1 to {self.custodians} custodians to open, got {self.threshold}",
            )
        part_count = comb(self.custodians, self.threshold - 1)
        if part_count > MAX_PARTS:
            raise Refused("too-many-parts", f"expected at most {MAX_PARTS}, got {part_count}")

    @property
    def parts(self) -> tuple[int, ...]:
        """The bitmasks of all (t-1)-subsets of the custodians, ascending."""
        return _subsets(self.custodians, self.threshold - 1)

    def parts_of(self, index: int) -> tuple[int, ...]:
        """The parts that the custodian holds: those that do not contain it, ascending.

        Raises:
            Refused: `custodian-index` outside 0..m-1.
        """
        if not 0 <= index < self.custodians:
            raise Refused("custodian-index", f"expected 0 to {self.custodians - 1}, got {index}")
        return tuple(part for part in self.parts if not part >> index & 1)

    def missing(self, indices: Iterable[int]) -> tuple[int, ...]:
        """The parts that none of these custodians holds, ascending; () when they can open."""
        held = {part for index in indices for part in self.parts_of(index)}
        return tuple(part for part in self.parts if part not in held)

    def covers(self, indices: Iterable[int]) -> bool:
        """Whether these custodians hold every part: exactly when t of them are distinct."""
        return not self.missing(indices)

    def check_parts(self, released: Iterable[int]) -> None:
        """Check that something was released for every part, and for nothing else.

        Raises:
            Refused: `missing-part`, `unknown-part`.
        """
        given = set(released)
        missing = [part for part in self.parts if part not in given]
        if missing:
            raise Refused("missing-part", f"expected a release of the parts {missing}")
        unknown = sorted(given.difference(self.parts))
        if unknown:
            raise Refused("unknown-part", f"expected parts of the committee, got {unknown}")


@lru_cache(maxsize=64)
def _subsets(of: int, size: int) -> tuple[int, ...]:
    # Asked for with every header of a round.
    subsets = combinations(range(of), size)
    return tuple(sorted(sum(1 << index for index in subset) for subset in subsets))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CustodySeeds(Mapping[int, bytes]):
    """One client's custody seeds of one round: part -> 32 secret bytes, parts ascending.

    The repr names the parts and no seed.

    Raises:
        Rejected: `seed-length` when a seed has not 32 bytes.
    """

    by_part: Mapping[int, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        if any(len(seed) != SEED_BYTES for seed in self.by_part.values()):
            raise Rejected("seed-length", f"expected {SEED_BYTES} bytes for every part")
        object.__setattr__(self, "by_part", dict(sorted(self.by_part.items())))

    def __getitem__(self, part: int) -> bytes:
        return self.by_part[part]

    def __iter__(self) -> Iterator[int]:
        return iter(self.by_part)

    def __len__(self) -> int:
        return len(self.by_part)

    def __repr__(self) -> str:
        return f"CustodySeeds(parts={list(self.by_part)})"

    def of(self, parts: Iterable[int]) -> "CustodySeeds":
        """The seeds of these parts alone (what one custodian gets).

        Raises:
            Refused: `missing-seed` when one of the parts is not here.
        """
        wanted = tuple(parts)
        lacking = [part for part in wanted if part not in self.by_part]
        if lacking:
            raise Refused("missing-seed", f"expected seeds of the parts {lacking}")
        return CustodySeeds({part: self.by_part[part] for part in wanted})


class UsedSeeds:
    """Remembers which seeds sealed a vector: a second one would give the difference away."""

    def __init__(self) -> None:
        self._marks: set[bytes] = set()

    def use(self, round_id: bytes, client: str, seeds: CustodySeeds) -> None:
        """Mark these seeds as used.

        Raises:
            Refused: `seeds-used-twice`.
        """
        # By their commitments, which the header publishes, so that no seed is kept.
        mark = b"".join(commitment(round_id, client, part, seed) for part, seed in seeds.items())
        if mark in self._marks:
            raise Refused("seeds-used-twice", "expected fresh seeds for every sealed vector")
        self._marks.add(mark)


def deal(committee: Committee, randomness: Randomness) -> CustodySeeds:
    """Draw a fresh seed for every part, in ascending order of parts."""
    return CustodySeeds({part: randomness.bytes(SEED_BYTES) for part in committee.parts})


def commitment(round_id: bytes, client: str, part: int, seed: bytes) -> bytes:
    """com_T, what the header says about one seed; 32 bytes. Hiding, since a seed has 256 bits."""
    return digest(
        domains.CUSTODY_COMMITMENT,
        round_id,
        client.encode(),
        part.to_bytes(PART_BYTES, "big"),
        seed,
    )


def check_seed(round_id: bytes, client: str, part: int, seed: bytes, committed: bytes) -> None:
    """Check one seed against the header, so that all custodians of a part hold the same.

    Raises:
        Rejected: `seed-commitment-mismatch`.
    """
    if not hmac.compare_digest(commitment(round_id, client, part, seed), committed):
        raise Rejected(
            "seed-commitment-mismatch", f"expected the committed seed of part {part} of {client!r}"
        )


def leaf(seed: bytes, round_id: bytes, client: str, label: str) -> bytes:
    """leaf_T(label) = HMAC-SHA256(r_T, domain, round id, client, label); 32 secret bytes."""
    return leaves(seed, round_id, client, [label])


def leaves(seed: bytes, round_id: bytes, client: str, labels: Iterable[str]) -> bytes:
    """leaf_T(label) of one seed for every label, end to end: 32 secret bytes each."""
    return hmac_sha256_each(seed, _leaf_texts(round_id, client, labels))


def combined_leaf(seeds: CustodySeeds, round_id: bytes, client: str, label: str) -> bytes:
    """K(label), the XOR of leaf_T(label) over all parts given; 32 secret bytes, 0 if none are."""
    return combined_leaves(seeds, round_id, client, [label])


def combined_leaves(
    seeds: CustodySeeds, round_id: bytes, client: str, labels: Sequence[str]
) -> bytes:
    """K(label) for every label, end to end: 32 secret bytes each."""
    texts = _leaf_texts(round_id, client, labels)
    total = 0
    for seed in seeds.values():
        total ^= int.from_bytes(hmac_sha256_each(seed, texts), "little")
    return total.to_bytes(SEED_BYTES * len(labels), "little")


def _leaf_texts(round_id: bytes, client: str, labels: Iterable[str]) -> list[bytes]:
    """What is authenticated for every label: what they have in common is joined once."""
    common = length_prefixed(domains.CUSTODY_LEAF.encode(), round_id, client.encode())
    return [common + length_prefixed(label.encode()) for label in labels]


def wrap_info(study: str, epoch: int, custodian: str, core_digest: bytes) -> bytes:
    """The HPKE info of a wrap of seeds: a wrap opens for this custodian and core header alone."""
    return length_prefixed(
        domains.CUSTODY_WRAP.encode(),
        study.encode(),
        epoch.to_bytes(8, "big"),
        custodian.encode(),
        core_digest,
    )


def encode_seeds(seeds: CustodySeeds, parts: Iterable[int]) -> bytes:
    """The seeds of these parts end to end, in ascending order of parts: what a wrap carries.

    Raises:
        Refused: `missing-seed`.
    """
    return b"".join(seeds.of(parts).values())


def decode_seeds(parts: Iterable[int], encoded: bytes) -> CustodySeeds:
    """Read what `encode_seeds` wrote for the same parts.

    Raises:
        Rejected: `seeds-length` when the bytes are not exactly 32 for every part.
    """
    ordered = sorted(set(parts))
    if len(encoded) != SEED_BYTES * len(ordered):
        raise Rejected(
            "seeds-length", f"expected {SEED_BYTES * len(ordered)} bytes, got {len(encoded)}"
        )
    return CustodySeeds(
        {
            part: encoded[position * SEED_BYTES : (position + 1) * SEED_BYTES]
            for position, part in enumerate(ordered)
        }
    )
