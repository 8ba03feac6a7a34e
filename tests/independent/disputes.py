"""Section 11 of docs/specification.md from the page alone: who is left out for a dispute.

What alternating paths reach from unmatched lefts is found without them: a left is reached exactly
when some largest matching leaves it out, that is, when taking it away makes none smaller.
"""

from collections.abc import Collection, Mapping, Sequence

Disputes = Mapping[str, Collection[str]]
"""Whom each client disputes: both ends name each other."""


def disputes_of(cohort: Sequence[str], tables: Mapping[str, bytes]) -> Disputes:
    """Who disputes whom by their pair tables, 64 bytes a peer."""
    stated = {
        client: dict(zip([one for one in cohort if one != client], _halves(table), strict=True))
        for client, table in tables.items()
    }
    return {
        client: [peer for peer in stated if peer != client and own[peer] != stated[peer][client]]
        for client, own in stated.items()
    }


def _halves(table: bytes) -> list[bytes]:
    return [table[at + 32 : at + 64] for at in range(0, len(table), 64)]


def left_out(disputes: Disputes) -> list[str]:
    """Everybody above 0 in the half-integral optimum, ascending."""
    most = _largest(disputes, disputes)
    without = {left: [one for one in disputes if one != left] for left in disputes}
    reached = [left for left in disputes if _largest(disputes, without[left]) == most]
    rights = {peer for left in reached for peer in disputes[left]}
    return sorted(one for one in disputes if one not in reached or one in rights)


def _largest(disputes: Disputes, lefts: Collection[str]) -> int:
    """The size of a largest matching of these lefts with any rights."""
    left_of: dict[str, str] = {}
    return sum(_matched(left, disputes, left_of, set()) for left in lefts)


def _matched(left: str, disputes: Disputes, left_of: dict[str, str], seen: set[str]) -> bool:
    for right in disputes[left]:
        if right not in seen:
            seen.add(right)
            if right not in left_of or _matched(left_of[right], disputes, left_of, seen):
                left_of[right] = left
                return True
    return False
