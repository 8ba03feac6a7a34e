"""Section 11 of docs/specification.md from the page alone: sealing, releasing, opening."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.independent.custody import Seeds, joined, leaf, xor
from tests.independent.hpke import agree
from tests.independent.notation import Unaccepted, digest, kdf, keystream, stream_digest

Member = tuple[bytes, bytes]
"""h_i and the pair table."""


@dataclass(frozen=True)
class Round:
    """A masked round: its id, its cohort ascending, b, and the largest value of one client."""

    round_id: bytes
    cohort: Sequence[str]
    bits: int
    bound: int

    @property
    def zeros(self) -> int:
        return -(-128 // self.bits)

    def peers(self, client: str) -> list[str]:
        return [peer for peer in self.cohort if peer != client]


def value_bits(clients: int, levels: int) -> int:
    """b."""
    return max(8, (2 * clients * (levels + 1)).bit_length())


def mask(key: bytes, count: int, bits: int) -> list[int]:
    """The first words of mask(k)."""
    size = next(word for word in (16, 32, 64) if word >= bits) // 8
    stream = keystream(key, count * size)
    return [int.from_bytes(stream[at : at + size], "little") for at in range(0, len(stream), size)]


def pack(words: Sequence[int], bits: int) -> bytes:
    """Words end to end."""
    whole = 0
    for word in reversed(words):
        whole = whole << bits | word
    return whole.to_bytes(-(-len(words) * bits // 8), "little")


def unpack(data: bytes, bits: int, count: int) -> list[int]:
    if len(data) != -(-count * bits // 8):
        raise Unaccepted("payload-length")
    whole = int.from_bytes(data, "little")
    if whole >> count * bits:
        raise Unaccepted("padding-bits")
    return [whole >> bits * place & (1 << bits) - 1 for place in range(count)]


def pair_secret(round_id: bytes, client: str, peer: str, private: bytes, public: bytes) -> bytes:
    """k_ij."""
    return kdf(agree(private, public), "pair-secret", round_id, *sorted((client, peer)))


def self_commitment(round_id: bytes, client: str, key: bytes) -> bytes:
    """h_i."""
    return digest("self-commitment", round_id, client, key)


def pair_commitment(round_id: bytes, key: bytes) -> bytes:
    """h_ij."""
    return digest("pair-commitment", round_id, key)


def seal(
    here: Round, client: str, values: Sequence[int], pairs: Mapping[str, bytes], seeds: Seeds
) -> tuple[bytes, Member]:
    """The payload, h_i and the pair table; pairs: k_ij of every peer."""
    own = joined(seeds, here.round_id, client, "self")
    words = [*values, *[0] * here.zeros]
    _add(words, own, here.bits, 1)
    for peer, key in pairs.items():
        _add(words, key, here.bits, 1 if client < peer else -1)
    entries = [
        xor(pairs[peer], joined(seeds, here.round_id, client, f"pair/{peer}"))
        + pair_commitment(here.round_id, pairs[peer])
        for peer in here.peers(client)
    ]
    payload = pack([word % (1 << here.bits) for word in words], here.bits)
    return payload, (self_commitment(here.round_id, client, own), b"".join(entries))


def header_digests(payload: bytes, member: Member) -> tuple[tuple[bytes, int], bytes, bytes]:
    """What a CoreHeader says of a sealed vector."""
    length = stream_digest("payload", payload), len(payload)
    return length, member[0], digest("pair-table", member[1])


def release(here: Round, seeds: Mapping[str, bytes]) -> bytes:
    """The share of one part; seeds: of that part, of every member."""
    absent = [client for client in here.cohort if client not in seeds]
    labels = ["self", *(f"pair/{peer}" for peer in absent)]
    return b"".join(
        leaf(seeds[client], here.round_id, client, label)
        for client in sorted(seeds)
        for label in labels
    )


def pages(shares: Sequence[bytes]) -> list[list[bytes]]:
    """The pages of one custodian: of every share that it holds the same slice."""
    size = (1 << 20) // len(shares) // 32 * 32
    starts = range(0, max(len(shares[0]), 1), size)
    return [[share[start : start + size] for share in shares] for start in starts]


def unmask(
    here: Round, members: Mapping[str, Member], total: Sequence[int], shares: Mapping[int, bytes]
) -> list[int]:
    """The sum of the members' vectors; total: of their payloads, word by word."""
    absent = [client for client in here.cohort if client not in members]
    row = 32 * (1 + len(absent))
    if any(len(share) != row * len(members) for share in shares.values()):
        raise Unaccepted("part-length")
    joint = xor(*shares.values())
    words = list(total)
    for place, client in enumerate(sorted(members)):
        leaves = joint[row * place : row * (place + 1)]
        committed, table = members[client]
        if self_commitment(here.round_id, client, leaves[:32]) != committed:
            raise Unaccepted("self-commitment")
        _add(words, leaves[:32], here.bits, -1)
        for number, peer in enumerate(absent, start=1):
            entry = table[64 * here.peers(client).index(peer) :][:64]
            key = xor(entry[:32], leaves[32 * number :][:32])
            if pair_commitment(here.round_id, key) != entry[32:]:
                raise Unaccepted("pair-commitment")
            _add(words, key, here.bits, -1 if client < peer else 1)
    return _through_the_gates(here, [word % (1 << here.bits) for word in words], len(members))


def _add(words: list[int], key: bytes, bits: int, sign: int) -> None:
    words[:] = [
        word + sign * other for word, other in zip(words, mask(key, len(words), bits), strict=True)
    ]


def _through_the_gates(here: Round, words: Sequence[int], members: int) -> list[int]:
    if any(words[-here.zeros :]):
        raise Unaccepted("padding-gate")
    values = [word - (word >> here.bits - 1 << here.bits) for word in words[: -here.zeros]]
    if any(abs(value) > members * here.bound for value in values):
        raise Unaccepted("range-gate")
    return values
