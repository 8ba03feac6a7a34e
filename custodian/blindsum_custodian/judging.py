"""Step 4, one header at a time: what a custodian finds at it, apart from all others of its page.

Nothing is read from the store here and nothing is kept, so that threads may judge a page together:
the curve and the decapsulation, which are most of the work, let other threads run.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

from blindsum_crypto.custody import check_seed
from blindsum_crypto.errors import BlindsumError, Refused
from blindsum_custodian.seat import Seat
from blindsum_custodian.seeds import open_wrap
from blindsum_rules.header import Contribution, CoreHeader, core_digest
from blindsum_rules.header_checks import check_core_header
from blindsum_rules.signed import Signed
from blindsum_rules.spec import Spec

NOTHING_WRONG = ""


Entry = tuple[Signed[Contribution], bytes]
"""One client's signed contribution header, and this custodian's own wrap of its seeds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found at one header.

    Attributes:
        core_digest: Digest of its core header, 32 bytes.
        header_rule: The rule that what the client signed breaks, or empty.
        seeds_rule: The rule that the custodian's own seeds break, or empty; they are not looked at
            behind a header that breaks one.
    """

    core_digest: bytes
    header_rule: str = NOTHING_WRONG
    seeds_rule: str = NOTHING_WRONG


@dataclass(frozen=True, slots=True)
class Judge:
    """What every header of a page is held against, looked up once.

    Attributes:
        seat: The custodian's seat in the round.
        spec: The round's spec that it accepted.
        revoked: Everybody whose keys count no longer.
        parts: Every part of the committee, ascending: the order of the commitments.
    """

    seat: Seat
    spec: Signed[Spec]
    revoked: frozenset[str] = field(repr=False)
    parts: tuple[int, ...] = field(repr=False)

    @classmethod
    def of(cls, seat: Seat, spec: Signed[Spec]) -> Self:
        """The judge of a round's headers at one custodian."""
        return cls(seat, spec, seat.known.revoked, seat.manifest.body.committee.parts)

    def find_all(self, entries: Sequence[Entry], threads: int) -> list[Finding]:
        """The findings at all entries of a page, in its order, whoever of the threads made them.

        Args:
            entries: The page's entries.
            threads: How many share the work, 1 or more.
        """
        size = -(-len(entries) // threads)
        if threads == 1 or size < 1:
            return self._find_each(entries)
        slices = [entries[start : start + size] for start in range(0, len(entries), size)]
        with ThreadPoolExecutor(threads, thread_name_prefix="judge") as pool:
            return [one for found in pool.map(self._find_each, slices) for one in found]

    def find(self, contribution: Signed[Contribution], wrap: bytes) -> Finding:
        """What is wrong with one entry, taken by itself."""
        bound_to = core_digest(contribution.body.core_bytes)
        try:
            self._check_header(contribution)
        except BlindsumError as error:
            return Finding(bound_to, header_rule=error.rule)
        try:
            self._check_seeds(contribution.body.core, bound_to, wrap)
        except BlindsumError as error:
            return Finding(bound_to, seeds_rule=error.rule)
        return Finding(bound_to)

    def _find_each(self, entries: Sequence[Entry]) -> list[Finding]:
        return [self.find(contribution, wrap) for contribution, wrap in entries]

    def _check_header(self, contribution: Signed[Contribution]) -> None:
        check_core_header(contribution, self.spec, self.seat.manifest.body)
        client = contribution.body.core.client
        if client in self.revoked:
            raise Refused("revoked", f"expected nobody who was revoked, got {client!r}")

    def _check_seeds(self, core: CoreHeader, bound_to: bytes, wrap: bytes) -> None:
        seeds = open_wrap(self.seat, self.spec.body.epoch, bound_to, wrap)
        committed = dict(zip(self.parts, core.seed_commitments, strict=True))
        for part, seed in seeds.items():
            check_seed(core.round_id, core.client, part, seed, committed[part])
