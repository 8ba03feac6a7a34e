"""The roster looked up: who is enrolled, who is invited, whose organisations stand in a set.

Rosters and cohorts ascend by id, so a client is found by bisection: a page of headers of a round
with 100,000 clients is checked without building a table for each.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from blindsum_rules.manifest import EnrolledClient, Manifest


def enrolled_client(manifest: Manifest, name: str) -> EnrolledClient | None:
    """The client of that id, or None if nobody of that id is enrolled."""
    clients = manifest.clients
    position = bisect_left(clients, name, key=lambda client: client.name)
    if position < len(clients) and clients[position].name == name:
        return clients[position]
    return None


def is_invited(cohort: Sequence[str], name: str) -> bool:
    """Say whether a client stands in a cohort that ascends by id."""
    position = bisect_left(cohort, name)
    return position < len(cohort) and cohort[position] == name


def organisations_of(manifest: Manifest, clients: Iterable[str]) -> frozenset[str]:
    """The organisations of enrolled clients; ids that are not enrolled are passed over."""
    by_client = {client.name: client.organisation for client in manifest.clients}
    return frozenset(by_client[client] for client in clients if client in by_client)
