"""Groups: a study whose clients are summed group by group, each in a round of its own.

Under the seal masking every two clients of a round share a mask, so a round has at most 1,000 of
them. The operator may split more clients into groups. A model version then takes one published
round of every group, ascending; their sums are added in the clear, and **every group's sum is
visible** to whoever sees the whole. The seal ckks sums any number of clients, and shows none.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from blindsum_crypto.errors import Refused
from blindsum_rules.manifest import EnrolledClient, Manifest
from blindsum_rules.sparsity import SparsityRule
from blindsum_rules.spec import Spec
from blindsum_rules.sum_bounds import sum_bounds

VISIBLE = "the sum of every group is visible, not that of the whole cohort alone"
"""What everybody is told of a study in groups."""


def in_groups(clients: Sequence[EnrolledClient], count: int) -> tuple[EnrolledClient, ...]:
    """Deal clients into groups in turn, organisation by organisation, so that all are alike.

    Args:
        clients: Ascending by id.
        count: How many groups, 1 or more.

    Returns:
        The same clients, ascending by id, each with its group.
    """
    dealt = sorted(clients, key=lambda client: (client.organisation, client.name))
    groups = {client.name: place % count for place, client in enumerate(dealt)}
    return tuple(replace(client, group=groups[client.name]) for client in clients)


def group_count(manifest: Manifest) -> int:
    """How many groups a study has; 1 where its clients are summed together."""
    return 1 + max((client.group for client in manifest.clients), default=0)


def clients_of_group(manifest: Manifest, group: int) -> tuple[EnrolledClient, ...]:
    """The clients whom the rounds of a group invite, ascending by id."""
    return tuple(client for client in manifest.clients if client.group == group)


def largest_group(manifest: Manifest) -> int:
    """Clients of the largest group: what a round must be able to sum."""
    return max(len(clients_of_group(manifest, one)) for one in range(group_count(manifest)))


def check_groups(manifest: Manifest) -> None:
    """Check how a manifest splits its clients.

    Raises:
        Refused: `groups`, when a number below the highest has no client; `groups-seal`, when
            the seal needs none; `groups-floors`, when a group is smaller than the floors or the
            quota; `groups-private`, in a private study: its promise is made for one sum of all;
            `groups-sparsity`, where other coordinates travel in every round; `field-overflow`,
            when the sum of all groups could exceed 63 bits.
    """
    count = group_count(manifest)
    if count == 1:
        return
    # A number that nobody has would be counted to: up to 2^32 of them.
    if len({client.group for client in manifest.clients}) != count:
        raise Refused("groups", f"expected clients in every group from 0 to {count - 1}")
    if manifest.seals != ("masking",):
        raise Refused(
            "groups-seal",
            "expected groups under the seal masking alone: ckks sums any number of clients at once",
        )
    if manifest.privacy is not None:
        raise Refused("groups-private", "expected one group: a private sum is promised for all")
    if manifest.sparsity is not None and manifest.sparsity.rule is SparsityRule.RANDOM_K:
        raise Refused(
            "groups-sparsity", "expected the same coordinates in the rounds of all groups"
        )
    for group in range(count):
        _check_floors(manifest, group)
    largest = len(manifest.clients) * sum_bounds(manifest, len(manifest.clients)).coordinate
    if largest >= 1 << 63:
        raise Refused("field-overflow", "expected the sum of all groups to stay within 63 bits")


def _check_floors(manifest: Manifest, group: int) -> None:
    clients = clients_of_group(manifest, group)
    organisations = len({client.organisation for client in clients})
    fewest = max(manifest.min_cohort, manifest.schedule.quota)
    if len(clients) < fewest or organisations < manifest.min_organisations:
        raise Refused(
            "groups-floors",
            f"expected {fewest} clients of {manifest.min_organisations} organisations in group "
            f"{group}, got {len(clients)} of {organisations}",
        )


def following_group(before: Spec, groups: int, *, is_published: bool) -> int:
    """The group of the round after: the next one once this one's sum is published, else the same.

    Args:
        before: The spec of the round before.
        groups: How many groups its manifest has.
        is_published: Whether the round's record carries the commitment of an aggregate.
    """
    return (before.group + 1) % groups if is_published else before.group


def completes_version(before: Spec, groups: int) -> bool:
    """Say whether this round, once published, was the last that its model version waits for."""
    return before.group == groups - 1


def sum_of_groups(aggregates: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """The sum of all clients: one aggregate for each group, added in the clear.

    Args:
        aggregates: int64, all of one shape; one or more.

    Returns:
        int64, that shape.
    """
    total: npt.NDArray[np.int64] = np.sum(np.stack(aggregates), axis=0, dtype=np.int64)
    return total
