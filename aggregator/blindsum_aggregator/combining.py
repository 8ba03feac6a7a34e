"""Step 8, the combination: which custodians' parts open the sum, and whose differ.

Every part has m - t + 1 twins, and a release is a fixed function of U, so honest twins are equal
byte for byte. What t custodians released alike for one part is true, since one of them is honest:
where every part has such a share, these shares alone are tried, and they say who lied (threats T13,
T30). As long as some part has none, the t-subsets of those who answered are tried until one passes
the gates of the seal.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import Aborted, BlindsumError, Refused
from blindsum_crypto.execution import ALONE, Cancelled, Execution
from blindsum_crypto.primitives import length_prefixed
from blindsum_crypto.seal import (
    Accumulator,
    AggregatorSeal,
    FalseCommitments,
    Integers,
    SealedMember,
)

Parts = Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened sum.

    Attributes:
        values: int64, shape (vector_length,).
        opened_by: Manifest indices of all custodians whose parts are those that opened it.
        disagreeing: Indices of those who released another byte somewhere.
        is_certain: Whether t custodians stand behind every part, so that it is the others who lied.
        parts: What opened it.
    """

    values: Integers
    opened_by: tuple[int, ...]
    disagreeing: tuple[int, ...]
    is_certain: bool
    parts: Parts

    def __repr__(self) -> str:
        """Show who, never a value."""
        return f"Opened(opened_by={self.opened_by}, disagreeing={self.disagreeing})"


class NotOpened(Aborted):
    """No attempt opened the sum.

    Args:
        rule: The gate, `self-commitment`, `pair-commitment` or `twins-disagree`.
        expected: One sentence.
        clients: Whose own commitments are false beyond doubt.
        custodians: Manifest indices of those whose parts are false beyond doubt.
    """

    def __init__(
        self,
        rule: str,
        expected: str,
        clients: Sequence[str] = (),
        custodians: Sequence[int] = (),
    ) -> None:
        super().__init__(rule, expected)
        self.clients = tuple(clients)
        self.custodians = tuple(custodians)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed sum, and how it is opened.

    Attributes:
        seal: The round's seal.
        accumulator: The sum over exactly the frozen set.
        members: U, ascending by client.
        execution: How an opening is carried out.
        before: What an earlier attempt opened; its parts are not tried again.
    """

    seal: AggregatorSeal
    accumulator: Accumulator = field(repr=False)
    members: Sequence[SealedMember] = field(repr=False)
    execution: Execution = ALONE
    before: Opened | None = None

    def open(self, parts: Parts) -> Integers:
        """Open it with one set of parts; errors as `AggregatorSeal.open`.

        Commitments, where the seal has them, are checked before a mask is taken off, so that an
        attempt with false parts costs milliseconds.
        """
        if self.before is not None and _are_same(self.before.parts, parts):
            return self.before.values
        return self.seal.open(self.accumulator, self.members, parts, self.execution)


def open_sum(sealed: Sealed, committee: Committee, released: Mapping[int, Parts]) -> Opened:
    """Open a sum with the parts of those who answered.

    Args:
        sealed: The sum.
        committee: Who holds what.
        released: By manifest index, the parts that each custodian released.

    Raises:
        Cancelled: when the opening was ended before its time; it says nothing about any part.
        Refused: `missing-part`, when those who answered do not hold every part.
        NotOpened: the gate at which an attempt failed; `twins-disagree`, when no t-subset agrees
            within itself; `self-commitment` or `pair-commitment`, with the clients whose it is as
            soon as that is beyond doubt.
    """
    if not committee.covers(released):
        raise Refused("missing-part", f"expected releases of {committee.threshold} custodians")
    certain = _certain(committee, released)
    if certain is not None:
        agreeing, lying = _sides(released, certain)
        try:
            return Opened(sealed.open(certain), agreeing, lying, is_certain=True, parts=certain)
        except Cancelled:
            raise
        except BlindsumError as error:
            raise _told_by(error, lying) from error
    failures: list[BlindsumError] = []
    for parts in _attempts(committee, released):
        try:
            values = sealed.open(parts)
        except Cancelled:
            raise
        except BlindsumError as error:
            failures.append(error)
            continue
        return Opened(values, *_sides(released, parts), is_certain=False, parts=parts)
    raise _failure(failures, committee, len(released))


def _told_by(failure: BlindsumError, lying: Sequence[int]) -> NotOpened:
    """What the true parts say: a commitment that does not hold under them is its client's own."""
    if not isinstance(failure, FalseCommitments):
        return NotOpened(failure.rule, failure.expected, custodians=lying)
    clients = sorted(failure.clients)
    expected = f"expected true commitments of {clients}"
    return NotOpened(failure.rule, expected, clients, lying)


def _failure(failures: Sequence[BlindsumError], committee: Committee, answered: int) -> NotOpened:
    """Why no attempt opened the sum, while it is not known which parts are true."""
    if not failures:
        return NotOpened(
            "twins-disagree", f"expected {committee.threshold} custodians whose parts agree"
        )
    for failure in failures:
        # An attempt that came past every commitment came furthest.
        if not isinstance(failure, FalseCommitments):
            return NotOpened(failure.rule, failure.expected)
    false = [failure for failure in failures if isinstance(failure, FalseCommitments)]
    rule = min(false, key=lambda failure: len(failure.clients)).rule
    # With 2t - 1 answers some t are honest: what failed for every subset failed for these too.
    blamed = sorted(frozenset.intersection(*(failure.clients for failure in false)))
    if answered < 2 * committee.threshold - 1 or not blamed:
        return NotOpened(rule, "expected the secrets that every member committed to")
    return NotOpened(rule, f"expected true commitments of {blamed}", blamed)


def _certain(committee: Committee, released: Mapping[int, Parts]) -> dict[int, bytes] | None:
    """For every part what t custodians released alike, or None while some part has no such share.

    Nothing either unless t custodians stand behind all of it: with fewer than t liars they do.
    """
    certain: dict[int, bytes] = {}
    for part in committee.parts:
        shares = Counter(parts[part] for parts in released.values() if part in parts)
        alike = [share for share, count in shares.items() if count >= committee.threshold]
        if len(alike) != 1:
            return None
        certain[part] = alike[0]
    agreeing, _ = _sides(released, certain)
    return certain if len(agreeing) >= committee.threshold else None


def _attempts(committee: Committee, released: Mapping[int, Parts]) -> Iterator[dict[int, bytes]]:
    """The distinct sets of all parts on which some t custodians agree."""
    tried: set[bytes] = set()
    for subset in combinations(sorted(released), committee.threshold):
        parts = _agreed([released[index] for index in subset])
        if parts is None:
            continue
        key = hashlib.sha256(length_prefixed(*(parts[part] for part in sorted(parts)))).digest()
        if key not in tried:
            tried.add(key)
            yield parts


def _agreed(releases: Sequence[Parts]) -> dict[int, bytes] | None:
    """All parts of some custodians, or None when two of them differ on one."""
    parts: dict[int, bytes] = {}
    for release in releases:
        for part, share in release.items():
            if not hmac.compare_digest(parts.setdefault(part, share), share):
                return None
    return parts


def _are_same(one: Parts, other: Parts) -> bool:
    return one.keys() == other.keys() and all(
        hmac.compare_digest(share, other[part]) for part, share in one.items()
    )


def _sides(released: Mapping[int, Parts], parts: Parts) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Who released what opened the sum, and who did not; both ascending."""
    agreeing = [
        index
        for index, release in sorted(released.items())
        if all(hmac.compare_digest(share, parts[part]) for part, share in release.items())
    ]
    return tuple(agreeing), tuple(sorted(set(released).difference(agreeing)))
