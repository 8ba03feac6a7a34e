"""What the measured aggregator's process is told when it begins, and what it says at its end."""

from dataclasses import dataclass
from pathlib import Path

from blindsum_crypto.identity import Identity
from blindsum_rules.manifest import Manifest
from blindsum_rules.signed import Signed


@dataclass(frozen=True, slots=True)
class Begin:
    """What the aggregator is started with."""

    manifest: Signed[Manifest]
    identity: Identity
    custodians: tuple[str, ...]
    folder: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the round ended at the aggregator.

    Attributes:
        is_published: Whether the sum was opened and published.
        aggregate: Where its bytes lie; None when it was not.
        peak_bytes: The most that this process was resident with, libraries included.
        started_bytes: The same before the round began: Python, libraries, the study.
        frozen_bytes: The same when the set was frozen and nothing opened yet.
        seconds: Process time by step: `upload` (all payloads), `open` (from the last release to
            the published sum), `process` (everything).
        wall_seconds: Of `open`, by the clock on the wall.
    """

    is_published: bool
    aggregate: Path | None
    peak_bytes: int
    started_bytes: int
    frozen_bytes: int
    seconds: dict[str, float]
    wall_seconds: float
