"""The door that both seals stand behind: what a seal promises to client, aggregator and custodian.

One protocol per role, so that no role holds more than its own half. A *payload* is one client's
sealed vector, cut into equal chunks; an *accumulator* is the running sum of payloads; a *part* is
what the custodians of one part release for the frozen set. This file imports neither seal.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from blindsum_crypto.custody import CustodySeeds
from blindsum_crypto.randomness import Randomness


class ClientSeal(Protocol):
    """The client's half: seal one vector of one round."""

    @property
    def payload_bytes(self) -> int:
        """The exact length of every payload of the round."""
        ...

    def seal(
        self,
        values: npt.NDArray[np.int64],
        client: str,
        seeds: CustodySeeds,
        randomness: Randomness,
    ) -> bytes:
        """Seal the vector.

        Args:
            values: int64, shape (vector_length,), every |value| at most the coordinate bound.
            client: The client's permanent id.
            seeds: Fresh seeds of every part; they seal one vector and no second one.
            randomness: Where the seal's own noise comes from.

        Returns:
            The payload, `payload_bytes` long.

        Raises:
            Refused: `vector-shape`, `coordinate-bound`, `missing-seed`, `seeds-used-twice`.
        """
        ...

    def open_own(self, payload: bytes, client: str, seeds: CustodySeeds) -> npt.NDArray[np.int64]:
        """Open one's own payload, before it is sent: int64, shape (vector_length,).

        Raises:
            Rejected: `payload-length`, `word-out-of-range`.
            Aborted: `residual-gate`, `range-gate`, `padding-gate`.
        """
        ...


class AggregatorSeal(Protocol):
    """The aggregator's half: add what it cannot open, and open the sum with every part."""

    @property
    def payload_bytes(self) -> int:
        """The exact length of every payload of the round."""
        ...

    @property
    def chunk_bytes(self) -> int:
        """The exact length of every chunk of a payload."""
        ...

    def zero(self) -> npt.NDArray[np.uint64]:
        """An empty accumulator: uint64, shape (chunks, words of a chunk)."""
        ...

    def check_chunk(self, chunk: bytes | memoryview) -> None:
        """Check length and range of one packed chunk, before anything of it is added.

        Raises:
            Rejected: `payload-length`, `word-out-of-range`.
        """
        ...

    def add(
        self, accumulator: npt.NDArray[np.uint64], chunk_index: int, chunk: bytes | memoryview
    ) -> None:
        """Check one packed chunk and add it in place.

        Raises:
            Rejected: `payload-length`, `word-out-of-range`; the accumulator is then unchanged.
            Refused: `chunk-index`.
        """
        ...

    def subtract(
        self, accumulator: npt.NDArray[np.uint64], chunk_index: int, chunk: bytes | memoryview
    ) -> None:
        """Take one packed chunk out again, in place; refuses as `add` does."""
        ...

    def sealed_chunks(self, accumulator: npt.NDArray[np.uint64]) -> Iterator[bytes]:
        """The packed chunks of the sealed sum, in order: the leaves of its Merkle tree."""
        ...

    def load_sum(self, packed: bytes) -> npt.NDArray[np.uint64]:
        """The accumulator whose `sealed_chunks`, end to end, are these bytes.

        Raises:
            Rejected: `payload-length`, `word-out-of-range`.
        """
        ...

    def open(
        self, accumulator: npt.NDArray[np.uint64], members: int, parts: Mapping[int, bytes]
    ) -> npt.NDArray[np.int64]:
        """Open the sum.

        Args:
            accumulator: The sum of exactly the frozen members' payloads.
            members: How many members the frozen set has, 1 or more.
            parts: The released part of every part of the committee.

        Returns:
            The integer sum, int64, shape (vector_length,), and nothing but integers.

        Raises:
            Refused: `missing-part`, `unknown-part`, `member-count`.
            Rejected: `part-length`, `word-out-of-range`.
            Aborted: `residual-gate`, `range-gate`, `padding-gate`.
        """
        ...


class CustodianSeal(Protocol):
    """The custodian's half: what one part releases for a frozen set, and never for one client."""

    def release(self, part: int, members: Iterable[tuple[str, bytes]]) -> bytes:
        """The released bytes of one part; the same for every custodian that holds it.

        Args:
            part: The part's bitmask.
            members: Client id and custody seed of that part, for every member of the frozen set;
                read once, in any order.

        Raises:
            Refused: `no-members`.
            Rejected: `seed-length`.
        """
        ...
