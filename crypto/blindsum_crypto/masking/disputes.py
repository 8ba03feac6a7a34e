"""Disputes: pairs whose two ends state different h_ij, settled before the freeze.

Honest clients never dispute each other, so the liars cover every dispute. Who is left out comes
from the half-integral optimum of that cover (Nemhauser and Trotter, Mathematical Programming 8,
1975): a client counts 1 when it alone explains two or more disputes, and 1/2, as both ends of a
single dispute do, when nothing tells the ends apart; everybody above 0 is left out. So a client
that disputes two or more alone goes alone, and f colluding clients take at most f others with them,
fewer than f if none of themselves is to go: the optimum matches every other that counts 1 to a
liar that counts 0, and pairs those of 1/2 among themselves. (Leaving out whoever has most disputes,
again and again, has no such bound: 8 colluders evicted 12 others that way and 32 of them 80.)

A dispute is no proof of who lied, so it is recorded and the operator settles it.
"""

from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused
from blindsum_crypto.masking.pairs import read_pair_table
from blindsum_crypto.primitives import DIGEST_BYTES
from blindsum_crypto.seal import SealedMember

_NOBODY = -1

Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]


def disputing(cohort: Sequence[str], members: Iterable[SealedMember]) -> frozenset[str]:
    """Who is left out, so that no two of the others dispute; the same for every order of members.

    Args:
        cohort: Everybody invited, ascending.
        members: Whose payloads are here, each with its pair table; read one after the other.

    Raises:
        Refused: `not-invited`, when somebody is not of the cohort.
        Rejected: `pair-table-length`.
    """
    left_out = _covering(_disputes(cohort, members))
    return frozenset(client for client, goes in zip(cohort, left_out, strict=True) if goes)


def _covering(disputes: Flags) -> Flags:
    """Who counts above 0 in the half-integral cover: shape (cohort,).

    Every member stands on a left and on a right side, and a dispute joins either end's left to the
    other's right. By Koenig's theorem a largest matching gives the smallest cover of that graph:
    with everything that alternating paths reach from unmatched lefts, it is the lefts that are not
    reached and the rights that are. What is reached is the same for every largest matching
    (Dulmage and Mendelsohn, 1958).
    """
    right_of, left_of = _largest_matching(disputes)
    lefts = right_of == _NOBODY
    rights = np.zeros_like(lefts)
    frontier = lefts
    while frontier.any():
        rights_found = disputes[frontier].any(axis=0) & ~rights
        rights |= rights_found
        frontier = np.zeros_like(lefts)
        # A right that is reached is matched: an unmatched one would make the matching larger.
        frontier[left_of[rights_found]] = True
        frontier &= ~lefts
        lefts |= frontier
    left_out: Flags = ~lefts | rights
    return left_out


def _largest_matching(disputes: Flags) -> tuple[Places, Places]:
    """By augmenting paths: for every left its right and for every right its left, or nobody."""
    right_of = np.full(len(disputes), _NOBODY, np.intp)
    left_of = right_of.copy()
    for left in np.flatnonzero(disputes.any(axis=1)):
        _augment(disputes, right_of, left_of, int(left))
    return right_of, left_of


def _augment(disputes: Flags, right_of: Places, left_of: Places, start: int) -> None:
    """Match one more left, if some path of others that give way leads to a free right."""
    came_from = np.full(len(disputes), _NOBODY, np.intp)
    waiting = deque([start])
    while waiting:
        left = waiting.popleft()
        found = np.flatnonzero(disputes[left] & (came_from == _NOBODY))
        came_from[found] = left
        free = found[left_of[found] == _NOBODY]
        if free.size:
            _give_way(right_of, left_of, came_from, int(free[0]))
            return
        waiting.extend(left_of[found].tolist())


def _give_way(right_of: Places, left_of: Places, came_from: Places, free: int) -> None:
    right = free
    while right != _NOBODY:
        left = int(came_from[right])
        right_of[left], right_before = right, int(right_of[left])
        left_of[right] = left
        right = right_before


def _disputes(cohort: Sequence[str], members: Iterable[SealedMember]) -> Flags:
    """Which two of the members state different h_ij: symmetric, shape (cohort, cohort).

    Memory: 16 of 32 MB for 1,000 clients, and one pair table. Both ends of a pair are XORed where
    the smaller id's row meets the greater one's column, and cancel if they are the same.
    """
    places = {client: place for place, client in enumerate(cohort)}
    # Whole words, and never touched below the diagonal: those pages are not there.
    stated = np.zeros((len(cohort), len(cohort), DIGEST_BYTES // 8), np.uint64)
    are_members = np.zeros(len(cohort), np.bool_)
    for member in members:
        own = places.get(member.client)
        if own is None:
            raise Refused("not-invited", f"expected a client of the cohort, got {member.client!r}")
        table = read_pair_table(member.pair_table, len(cohort) - 1)
        entries = np.ascontiguousarray(table[:, 1]).view(np.uint64)
        # A client has no entry of its own: behind its place every peer stands one earlier.
        stated[:own, own] ^= entries[:own]
        stated[own, own + 1 :] ^= entries[own:]
        are_members[own] = True
    differing: Flags = np.asarray(stated.any(axis=2))
    differing &= are_members
    differing &= are_members[:, None]
    return differing | differing.T
