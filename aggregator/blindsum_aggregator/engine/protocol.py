"""The engine: adds sealed vectors, wherever the processors are; sums commute.

The aggregator's other parts know this door only. Today one engine stands behind it, in this
process; one over several machines folds where the bytes land and ships partial sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from blindsum_crypto.seal import Accumulator, AggregatorSeal


@dataclass(frozen=True, slots=True)
class Upload:
    """One receipted payload.

    Attributes:
        client: Whose it is.
        path: Where its bytes lie.
        payload_digest: The digest that they must have, 32 bytes.
    """

    client: str
    path: Path
    payload_digest: bytes


class Engine(Protocol):
    """Adds the payloads of one study's rounds. Every call may be repeated after a crash."""

    def open(self, number: int, seal: AggregatorSeal) -> None:
        """Make a round ready, with an empty sum unless it has one already."""
        ...

    def fold(self, number: int, uploads: Sequence[Upload]) -> tuple[str, ...]:
        """Add payloads to the round's partial sum, each once, however often it is asked to.

        Returns:
            The clients whose bytes no longer fit their digest; they were not added.
        """
        ...

    def subtract(self, number: int, uploads: Sequence[Upload]) -> tuple[str, ...]:
        """Take payloads out of the partial sum again; those that are not in it stay out.

        Returns:
            The clients whose bytes no longer fit their digest; they are still in the sum.
        """
        ...

    def close(self, number: int, members: Sequence[Upload]) -> Accumulator:
        """The sum of exactly the members, as the seal's accumulator.

        Raises:
            Aborted: `spool-damaged`, when a payload that is needed is damaged.
        """
        ...

    def discard(self, number: int) -> None:
        """Forget a round's sum."""
        ...
