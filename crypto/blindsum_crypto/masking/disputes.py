"""Disputes: pairs whose two ends state different h_ij, settled before the freeze.

Whoever has most disputes is left out, everybody with as many beside it, until none is left: a
client that disputes two or more alone goes alone. A dispute is no proof of who lied, so it is
recorded and the operator settles it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from blindsum_crypto.masking.pairs import read_pair_table
from blindsum_crypto.seal import SealedMember


def disputing(cohort: Sequence[str], members: Sequence[SealedMember]) -> frozenset[str]:
    """Who is left out, so that no two of the others dispute.

    Args:
        cohort: Everybody invited, ascending.
        members: Whose payloads are here, each with its pair table.

    Raises:
        Rejected: `pair-table-length`.
    """
    disputes = _disputes(cohort, members)
    remaining = np.ones(len(members), bool)
    while True:
        counts = disputes[:, remaining].sum(axis=1) * remaining
        most = counts.max(initial=0)
        if not most:
            return frozenset(
                member.client for member, stays in zip(members, remaining, strict=True) if not stays
            )
        remaining &= counts < most


def _disputes(cohort: Sequence[str], members: Sequence[SealedMember]) -> npt.NDArray[np.bool_]:
    """Which two of the members state different h_ij: symmetric, shape (members, members).

    32 MB for 1,000 members: one row of digests a pair and end.
    """
    places = {client: place for place, client in enumerate(cohort)}
    own = np.array([places[member.client] for member in members], np.intp)
    stated = np.zeros((len(members), len(members), 32), np.uint8)
    for row, member in enumerate(members):
        entries = read_pair_table(member.pair_table, len(cohort) - 1)[:, 1]
        # A client has no entry of its own: behind its place every peer stands one earlier.
        others = own - (own > own[row])
        others[row] = 0
        stated[row] = entries[others] if len(entries) else 0
        stated[row, row] = 0
    differing: npt.NDArray[np.bool_] = (stated != stated.transpose(1, 0, 2)).any(axis=2)
    return differing
