"""Section 5 of docs/specification.md from the page alone: parts, leaves, commitments, wraps."""

from collections.abc import Mapping, Sequence
from itertools import combinations

from tests.independent.hpke import unwrap
from tests.independent.notation import Unaccepted, digest, lp, mac, message, u64be

Seeds = Mapping[int, bytes]
"""Of one client in one round: its seed of every part."""


def parts(custodians: int, threshold: int) -> list[int]:
    """The names of all parts, ascending."""
    subsets = combinations(range(custodians), threshold - 1)
    return sorted(sum(1 << index for index in subset) for subset in subsets)


def parts_of(custodian: int, every: Sequence[int]) -> list[int]:
    """The parts that the custodian of an index holds, ascending."""
    return [part for part in every if not part >> custodian & 1]


def commitment(round_id: bytes, client: str, part: int, seed: bytes) -> bytes:
    """com_T."""
    return digest("custody-commitment", round_id, client, u64be(part), seed)


def leaf(seed: bytes, round_id: bytes, client: str, label: str) -> bytes:
    """leaf_T(label)."""
    return mac(seed, "custody-leaf", round_id, client, label)


def joined(seeds: Seeds, round_id: bytes, client: str, label: str) -> bytes:
    """K(label)."""
    return xor(*(leaf(seed, round_id, client, label) for seed in seeds.values()))


def xor(*words: bytes) -> bytes:
    total = 0
    for word in words:
        total ^= int.from_bytes(word, "big")
    return total.to_bytes(len(words[0]), "big")


def wrap_info(study: str, epoch: int, custodian: str, core: bytes) -> bytes:
    """info_c."""
    return lp(
        "blindsum/v1/custody-wrap", study, u64be(epoch), custodian, digest("core-header", core)
    )


def wrapped(seeds: Seeds, custodian: int) -> bytes:
    """What the wrap of the custodian of an index holds."""
    return b"".join(seeds[part] for part in parts_of(custodian, sorted(seeds)))


def unwrapped(
    suite_and_key: tuple[str, bytes], info: bytes, wrap: bytes, held: Sequence[int]
) -> dict[int, bytes]:
    """The seeds of a custodian's parts, out of its wrap."""
    try:
        plain = unwrap(*suite_and_key, info, wrap)
    except ValueError:
        raise Unaccepted("bad-wrap") from None
    if len(plain) != 32 * len(held):
        raise Unaccepted("seeds-length")
    return {part: plain[32 * place :][:32] for place, part in enumerate(held)}


def core_header(
    where: tuple[str, int, bytes], client: str, sealed: "Sealed", seeds: Seeds
) -> bytes:
    """The bytes of a masked CoreHeader; `where` is study, round number and round id."""
    payload, own_commitment, table_digest = sealed
    committed = [commitment(where[2], client, part, seeds[part]) for part in sorted(seeds)]
    return message(
        {
            **dict(enumerate(where, start=1)),
            4: client,
            5: "masking",
            6: payload[0],
            7: payload[1],
            8: committed,
            9: own_commitment,
            10: table_digest,
        }
    )


Sealed = tuple[tuple[bytes, int], bytes, bytes]
"""Digest and length of the payload, h_i, digest of the pair table."""


def contribution_body(core: bytes, wraps: Sequence[bytes]) -> bytes:
    """ContributionBody."""
    return message({1: core, 2: [digest("wrap", wrap) for wrap in wraps]})
