"""The effective anonymity set: among how many clients a sum hides each, whoever else tells.

The n-1 attack of mix networks (Serjantov, Dingledine, Syverson 2002): of a sum over U, colluding
organisations take their own clients out, and what is left is the sum of the others. So |U| says too
much; what counts is |U| minus the clients of the organisations that may collude.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from blindsum_rules.manifest import Manifest

_FEWEST: Final = 2
"""A sum over one client is that client."""


@dataclass(frozen=True, slots=True)
class AnonymitySet:
    """Among whom a sum hides each honest client, at the worst choice of colluders.

    Attributes:
        colluders: Organisations that may pool what they know, 1 or more.
        clients: Fewest clients that are left when they have taken their own out, 0 or more.
        organisations: Fewest organisations that those can be of, 0 or more.
    """

    colluders: int
    clients: int
    organisations: int

    @property
    def against(self) -> str:
        """Against whom it counts."""
        return f"against {_counted(self.colluders, 'colluding organisation')}"

    @property
    def in_words(self) -> str:
        """Who is hidden, among how many, against whom."""
        if self.clients < _FEWEST:
            return f"nobody, {self.against}: without their own clients a sum is of one at most"
        return (
            f"each client among at least {self.clients:,} of "
            f"{_counted(self.organisations, 'organisation')}, {self.against}"
        )


def colluders_of(manifest: Manifest) -> int:
    """The organisations that a study reckons with: those of its privacy policy, or one."""
    return 1 if manifest.privacy is None else manifest.privacy.colluders


def anonymity_of(manifest: Manifest, members: Iterable[str]) -> AnonymitySet:
    """The anonymity set of one frozen set.

    Args:
        manifest: The study's manifest.
        members: Client ids of U; ids that are not enrolled are passed over.
    """
    houses = {client.name: client.organisation for client in manifest.clients}
    held = Counter(houses[member] for member in members if member in houses)
    colluders = colluders_of(manifest)
    honest = held.total() - sum(count for _, count in held.most_common(colluders))
    return AnonymitySet(colluders, honest, max(0, len(held) - colluders))


def anonymity_of_size(manifest: Manifest, size: int) -> AnonymitySet:
    """The smallest anonymity set of any frozen set of so many clients that the floors permit.

    The colluding organisations are those with most clients, all of them in the set, and the rest is
    of as few organisations as the floor on organisations and their sizes allow.
    """
    colluders = colluders_of(manifest)
    sizes = sorted(Counter(one.organisation for one in manifest.clients).values(), reverse=True)
    floor = max(0, manifest.min_organisations - colluders)
    honest = max(size - sum(sizes[:colluders]), min(floor, size))
    return AnonymitySet(colluders, honest, max(floor, _fewest(sizes[colluders:], honest)))


def smallest_anonymity(manifest: Manifest) -> AnonymitySet:
    """The smallest anonymity set of any sum that a study permits."""
    return anonymity_of_size(manifest, manifest.min_cohort)


def _fewest(sizes: Iterable[int], clients: int) -> int:
    """How many organisations of these sizes, largest first, so many clients need."""
    organisations = 0
    for size in sizes:
        if clients <= 0:
            break
        clients -= size
        organisations += 1
    return organisations


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count:,} {noun}s"
