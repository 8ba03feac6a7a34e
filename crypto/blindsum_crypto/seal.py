"""The door that both seals stand behind: what a seal promises to client, aggregator and custodian.

One protocol per role, so that no role holds more than its own half. A *payload* is one client's
sealed vector, cut into chunks of one length, the last of which may be shorter; an *accumulator* is
the running sum of payloads; a *part* is what the custodians of one part release for the frozen
set. A seal without pairs (`ckks`) has empty self commitments and pair tables. This file imports
neither seal.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.errors import Aborted
from blindsum_crypto.execution import ALONE, Execution
from blindsum_crypto.randomness import Randomness

Integers = npt.NDArray[np.int64]
Accumulator = npt.NDArray[np.unsignedinteger[Any]]


def sum_bound(clients: int, coordinate_bound: int, round_bound: int | None = None) -> int:
    """The largest |sum| of so many clients: what a field must hold, and what the range gate allows.

    Args:
        clients: How many are summed.
        coordinate_bound: The largest |value| of one of them, its noise included.
        round_bound: The largest |sum| of the whole round where that is less, or None: independent
            shares of noise do not add up to as many times their largest.
    """
    most = clients * coordinate_bound
    return most if round_bound is None else min(most, round_bound)


@dataclass(frozen=True, slots=True)
class SealedVector:
    """One client's vector, sealed.

    Attributes:
        payload: The sealed bytes.
        self_commitment: h_i, 32 bytes; empty under a seal without pairs.
        pair_table: Per peer, ascending: ct_ij and h_ij; empty under a seal without pairs.
    """

    payload: bytes = field(repr=False)
    self_commitment: bytes = b""
    pair_table: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class SealedMember:
    """What an opening needs of one member of the frozen set beside its payload.

    Attributes:
        client: The client's id.
        self_commitment: From its header.
        pair_table: As it sent it; or what `AggregatorSeal.needed` left of it, for an opening.
    """

    client: str
    self_commitment: bytes = b""
    pair_table: bytes = field(repr=False, default=b"")


class FalseCommitments(Aborted):
    """Released leaves do not give what these clients committed to.

    Either a client lied or a released part is wrong: one opening cannot tell, and whoever tries the
    parts of several custodians can.

    Args:
        rule: `self-commitment` or `pair-commitment`.
        clients: Whose commitments did not hold.
    """

    def __init__(self, rule: str, clients: Iterable[str]) -> None:
        super().__init__(rule, "expected the secrets that every member committed to")
        self.clients = frozenset(clients)


class ClientSeal(Protocol):
    """The client's half: seal one vector of one round."""

    @property
    def payload_bytes(self) -> int:
        """The exact length of every payload of the round."""
        ...

    def seal(
        self, values: Integers, client: str, seeds: CustodySeeds, randomness: Randomness
    ) -> SealedVector:
        """Seal the vector.

        Args:
            values: int64, shape (vector_length,), every |value| at most the coordinate bound.
            client: The client's permanent id.
            seeds: Fresh seeds of every part; they seal one vector and no second one.
            randomness: Where the seal's own noise comes from.

        Raises:
            Refused: `vector-shape`, `coordinate-bound`, `missing-seed`, `seeds-used-twice`.
        """
        ...

    def open_own(self, sealed: SealedVector, client: str, seeds: CustodySeeds) -> Integers:
        """Open one's own sealed vector, before it is sent: int64, shape (vector_length,).

        Raises:
            Rejected: `payload-length`, `word-out-of-range`.
            Aborted: `residual-gate`, `range-gate`, `padding-gate`, `self-commitment`,
                `pair-commitment`.
        """
        ...


class SumSeal(Protocol):
    """What needs no secret: sums of sealed chunks, as aggregator and auditor make them."""

    @property
    def payload_bytes(self) -> int:
        """The exact length of every payload of the round."""
        ...

    @property
    def chunk_bytes(self) -> int:
        """The exact length of every chunk of a payload but the last, which may be shorter."""
        ...

    def zero(self) -> Accumulator:
        """An empty accumulator; shape and word type are the seal's own."""
        ...

    def check_chunk(self, chunk_index: int, chunk: bytes | memoryview) -> None:
        """Check length and range of one packed chunk, before anything of it is added.

        Raises:
            Rejected: `payload-length`, `word-out-of-range`.
            Refused: `chunk-index`.
        """
        ...

    def add(self, accumulator: Accumulator, chunk_index: int, chunk: bytes | memoryview) -> None:
        """Check one packed chunk and add it in place.

        Raises:
            Rejected: `payload-length`, `word-out-of-range`; the accumulator is then unchanged.
            Refused: `chunk-index`.
        """
        ...

    def subtract(
        self, accumulator: Accumulator, chunk_index: int, chunk: bytes | memoryview
    ) -> None:
        """Take one packed chunk out again, in place; refuses as `add` does."""
        ...

    def sealed_chunks(self, accumulator: Accumulator) -> Iterator[bytes]:
        """The packed chunks of the sealed sum, in order: the leaves of its Merkle tree."""
        ...

    def load_sum(self, packed: bytes) -> Accumulator:
        """The accumulator whose `sealed_chunks`, end to end, are these bytes.

        Raises:
            Rejected: `payload-length`, `word-out-of-range`.
        """
        ...

    @property
    def pair_table_bytes(self) -> int:
        """The exact length of every pair table of the round; 0 under a seal without pairs."""
        ...

    def disputing(self, members: Iterable[SealedMember]) -> frozenset[str]:
        """Whose pair tables contradict the others' most: they are left out before the freeze.

        Args:
            members: Whose payloads are here, each with its whole pair table; read one by one.

        Raises:
            Refused: `not-invited`.
            Rejected: `pair-table-length`.
        """
        ...


class AggregatorSeal(SumSeal, Protocol):
    """The aggregator's half: add what it cannot open, and open the sum with every part."""

    def part_bytes(self, members: int) -> int:
        """The exact length of what one part releases for so many members."""
        ...

    def needed(
        self, members: Iterable[SealedMember], frozen: Collection[str]
    ) -> list[SealedMember]:
        """What an opening needs of each member, so that whole pair tables need no memory.

        Args:
            members: Some of the frozen set, each with its whole pair table; read one by one.
            frozen: The clients of the frozen set.

        Raises:
            Refused: `not-invited`.
            Rejected: `pair-table-length`.
        """
        ...

    def open(
        self,
        accumulator: Accumulator,
        members: Sequence[SealedMember],
        parts: Mapping[int, bytes],
        execution: Execution = ALONE,
    ) -> Integers:
        """Open the sum.

        Args:
            accumulator: The sum of exactly the frozen members' payloads.
            members: The frozen set, 1 or more, ascending by client; pair tables whole, or as
                `needed` cuts them.
            parts: The released bytes of every part of the committee.
            execution: How it is carried out: chunk by chunk, and ended between two of them.

        Returns:
            The integer sum, int64, shape (vector_length,), and nothing but integers.

        Raises:
            Refused: `missing-part`, `unknown-part`, `client-count`.
            Rejected: `part-length`, `word-out-of-range`.
            Aborted: `residual-gate`, `range-gate`, `padding-gate`; `FalseCommitments`.
            Cancelled: when it was ended before its time.
        """
        ...


class CustodianSeal(Protocol):
    """The custodian's half: what one part releases for a frozen set, and never for one client."""

    def release(
        self, part: int, members: Iterable[tuple[str, bytes]], absent: Sequence[str]
    ) -> bytes:
        """The released bytes of one part; the same for every custodian that holds it.

        Args:
            part: The part's bitmask.
            members: Client id and custody seed of that part, for every member of the frozen set;
                read once, ascending by client.
            absent: Who was invited and is not in the frozen set, ascending.

        Raises:
            Refused: `no-members`, `absent-member`, `members-order`.
            Rejected: `seed-length`.
        """
        ...
