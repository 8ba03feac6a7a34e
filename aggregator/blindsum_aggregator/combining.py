"""Step 8, the combination: which custodians' parts open the sum, and whose differ.

Every part has m - t + 1 twins, and a release is a fixed function of U, so honest twins are equal
byte for byte. Any t custodians hold all parts; t honest ones agree and open. So the t-subsets of
those who answered are tried until one passes the gates of the seal, and whoever differs from that
one is named (threat T13).

A client is named only for a commitment that no t-subset satisfies, and only when 2t - 1 custodians
have answered: then some t of them are honest, so it is the client's own (threat T30).
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from blindsum_crypto.custody import Committee
from blindsum_crypto.errors import Aborted, BlindsumError, Refused
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
    """

    values: Integers
    opened_by: tuple[int, ...]
    disagreeing: tuple[int, ...]

    def __repr__(self) -> str:
        """Show who, never a value."""
        return f"Opened(opened_by={self.opened_by}, disagreeing={self.disagreeing})"


def open_sum(
    seal: AggregatorSeal,
    accumulator: Accumulator,
    members: Sequence[SealedMember],
    committee: Committee,
    released: Mapping[int, Parts],
) -> Opened:
    """Open a sum with the parts of those who answered.

    Args:
        seal: The round's seal.
        accumulator: The sum over exactly the frozen set.
        members: U, ascending by client.
        committee: Who holds what.
        released: By manifest index, the parts that each custodian released.

    Raises:
        Refused: `missing-part`, when those who answered do not hold every part.
        Aborted: the gate at which an attempt failed; `twins-disagree`, when no t-subset agrees
            within itself; `self-commitment` or `pair-commitment`, with the names of the clients
            whose it is as soon as 2t - 1 custodians have answered.
    """
    if not committee.covers(released):
        raise Refused("missing-part", f"expected releases of {committee.threshold} custodians")
    failures: list[BlindsumError] = []
    for parts in _attempts(committee, released):
        try:
            values = seal.open(accumulator, members, parts)
        except BlindsumError as error:
            failures.append(error)
            continue
        return Opened(values, *_sides(released, parts))
    raise _failure(failures, committee, len(released))


def _failure(failures: Sequence[BlindsumError], committee: Committee, answered: int) -> Aborted:
    """Why no attempt opened the sum, and who is to blame if that can be told."""
    if not failures:
        return Aborted(
            "twins-disagree", f"expected {committee.threshold} custodians whose parts agree"
        )
    for failure in failures:
        # An attempt that came past every commitment came furthest: its parts are the true ones.
        if not isinstance(failure, FalseCommitments):
            return Aborted(failure.rule, failure.expected)
    false = [failure for failure in failures if isinstance(failure, FalseCommitments)]
    blamed = frozenset.intersection(*(failure.clients for failure in false))
    rule = min(false, key=lambda failure: len(failure.clients)).rule
    if answered < 2 * committee.threshold - 1 or not blamed:
        return Aborted(rule, "expected the secrets that every member committed to")
    return Aborted(rule, f"expected true commitments of {sorted(blamed)}")


def _attempts(committee: Committee, released: Mapping[int, Parts]) -> Iterator[dict[int, bytes]]:
    """The distinct sets of all parts on which some t custodians agree."""
    tried: set[bytes] = set()
    for subset in combinations(sorted(released), committee.threshold):
        parts = _agreed([released[index] for index in subset])
        if parts is None:
            continue
        key = length_prefixed(*(parts[part] for part in sorted(parts)))
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


def _sides(released: Mapping[int, Parts], parts: Parts) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Who released what opened the sum, and who did not; both ascending."""
    agreeing = [
        index
        for index, release in sorted(released.items())
        if all(hmac.compare_digest(share, parts[part]) for part, share in release.items())
    ]
    return tuple(agreeing), tuple(sorted(set(released).difference(agreeing)))
