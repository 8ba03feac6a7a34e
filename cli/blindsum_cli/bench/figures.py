"""What one measured round gives: seconds by phase, bytes by message, memory by role, exactness."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Final

PHASES: Final = {
    "keys": "client, once: its identity and agreement key",
    "agreements": "client, once an epoch: agreements with all peers",
    "codec": "client: floats to integers",
    "seal": "client: integers to sealed bytes",
    "check": "client: opens its own seal before it sends it",
    "header": "client: digests, wraps for the custodians, signature",
    "add": "aggregator, a client: digest and addition",
    "admit": "custodian, a round: signatures, wraps, commitments of all clients",
    "release": "custodian, a round: its parts for the frozen set",
    "open": "aggregator, a round: sealed sum to integers",
}
"""Phase to who does what, in seconds of one core."""

MESSAGES: Final = {
    "spec": "aggregator to everybody: the round",
    "payload": "client to aggregator: the sealed vector",
    "header": "client to aggregator: the signed header",
    "wraps": "client to aggregator: seeds, wrapped to each custodian",
    "pair table": "client to aggregator: what recovers its pairs",
    "page": "aggregator to one custodian: all headers, its own wraps",
    "release": "one custodian to aggregator: its parts",
    "aggregate": "aggregator to each client: the opened sum",
}
"""Message to who sends it to whom; bytes as they stand in the protocol buffers."""

CLIENT_PHASES: Final = ("codec", "seal", "check", "header")
UPLOAD: Final = ("payload", "header", "wraps", "pair table")


@dataclass(frozen=True, slots=True)
class Figures:
    """One round, sealed or in plaintext.

    Attributes:
        way: `ckks`, `masking` or `plaintext`.
        seconds: Phase to seconds of one core: the median over those who do it.
        sizes: Message to bytes of one of it.
        memory: Role to the most bytes that it allocates.
        is_exact: Whether what was opened is, value for value, the sum of the survivors' integers.
    """

    way: str
    seconds: Mapping[str, float]
    sizes: Mapping[str, int]
    memory: Mapping[str, int]
    is_exact: bool

    @property
    def client_seconds(self) -> float:
        """What one client computes in a round."""
        return sum(self.seconds.get(phase, 0.0) for phase in CLIENT_PHASES)

    @property
    def custodian_seconds(self) -> float:
        """What one custodian computes in a round."""
        return self.seconds.get("admit", 0.0) + self.seconds.get("release", 0.0)

    @property
    def upload_bytes(self) -> int:
        """What one client sends in a round."""
        return sum(self.sizes.get(message, 0) for message in UPLOAD)


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Times of computation by phase.

    It counts what the process computes: threads may share the work of a long vector.

    Attributes:
        taken: Phase to the seconds of each time that it was done.
    """

    taken: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the block as one time of this phase."""
        began = time.process_time()
        yield
        self.taken.setdefault(name, []).append(time.process_time() - began)

    def medians(self) -> dict[str, float]:
        """The median seconds of every phase over those who do it."""
        return {name: median(seconds) for name, seconds in self.taken.items()}
