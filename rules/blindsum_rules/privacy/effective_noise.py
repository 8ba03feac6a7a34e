"""Whose noise counts: the shares of a sum that no colluder knows.

Every participant knows its own noise and sees the aggregate, so it can take its share off again;
one that adds none, or subtracts it, is the same case. What is left is n_eff: the shares in the
smallest permitted U minus those of the c organisations that hold most, and c is never below 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from blindsum_crypto.errors import Refused


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who may be summed: clients by organisation, and the floors of the manifest.

    Attributes:
        clients_by_organisation: How many clients each organisation has; each >= 1.
        min_cohort: Fewest clients of a sum; 1 to all of them.
        min_organisations: Fewest organisations of a sum; 1 to all of them.

    Raises:
        Refused: `privacy-cohort`.
    """

    clients_by_organisation: tuple[int, ...]
    min_cohort: int
    min_organisations: int = 1

    def __post_init__(self) -> None:
        if not self.clients_by_organisation or min(self.clients_by_organisation) < 1:
            raise Refused("privacy-cohort", "expected organisations with a client or more each")
        if not 1 <= self.min_cohort <= self.clients:
            raise Refused(
                "privacy-cohort",
                f"expected a min_cohort of 1 to {self.clients} clients, got {self.min_cohort}",
            )
        if not 1 <= self.min_organisations <= self.organisations:
            raise Refused(
                "privacy-cohort",
                f"expected a min_organisations of 1 to {self.organisations}, got "
                f"{self.min_organisations}",
            )

    @property
    def clients(self) -> int:
        """All clients that may be invited."""
        return sum(self.clients_by_organisation)

    @property
    def organisations(self) -> int:
        """All organisations."""
        return len(self.clients_by_organisation)

    def honest_shares(self, colluders: int) -> int:
        """n_eff: fewest shares of a permitted sum that c colluding organisations do not know.

        The worst sum holds every client of the c largest organisations and as few others as the
        floors allow.

        Raises:
            Refused: `privacy-colluders` below 1; `privacy-no-honest-noise`, when none is left.
        """
        held = _held_by_largest(self.clients_by_organisation, colluders)
        return _some(
            max(self.min_cohort - held, self.min_organisations - colluders),
            self.min_cohort,
            colluders,
        )

    def shares_beside(self, colluders: int, more: int) -> int:
        """Shares that c organisations do not know, where more of them know most in comparison.

        Ledgers count c organisations. More of them know more of a sum's noise: at the most, the
        sum's n_eff falls from what this returns to `honest_shares(more)`, when the larger
        organisations are there with all their clients. No permitted sum has a larger ratio, since
        each sum has at least those shares, and between the two at most what the roster holds there.

        Args:
            colluders: c, as ledgers count; >= 1.
            more: Above c.

        Raises:
            Refused: as `honest_shares`.
        """
        held = self.clients_by_organisation
        between = _held_by_largest(held, more) - _held_by_largest(held, colluders)
        return self.honest_shares(more) + between

    @property
    def most_colluders(self) -> int:
        """The most colluding organisations that leave somebody's noise unknown; 0 when none may."""
        least, too_many = 0, self.organisations
        while too_many - least > 1:
            middle = (least + too_many) // 2
            try:
                self.honest_shares(middle)
            except Refused:
                too_many = middle
            else:
                least = middle
        return least


def evenly(clients: int, organisations: int, min_cohort: int, min_organisations: int = 1) -> Cohort:
    """A cohort whose organisations hold as many clients as each other, or one more.

    Raises:
        Refused: `privacy-cohort`.
    """
    if not 1 <= organisations <= clients:
        raise Refused(
            "privacy-cohort", f"expected 1 to {clients} organisations, got {organisations}"
        )
    each, more = divmod(clients, organisations)
    sizes = (each + 1,) * more + (each,) * (organisations - more)
    return Cohort(sizes, min_cohort, min_organisations)


def honest_shares_in(members_by_organisation: Sequence[int], colluders: int) -> int:
    """The same for a sum that was frozen: |U| minus what the c organisations hold most of in it.

    Args:
        members_by_organisation: How many members of U each organisation has.
        colluders: c, >= 1.

    Raises:
        Refused: `privacy-colluders`, `privacy-no-honest-noise`.
    """
    members = sum(members_by_organisation)
    return _some(members - _held_by_largest(members_by_organisation, colluders), members, colluders)


def _held_by_largest(clients_by_organisation: Sequence[int], colluders: int) -> int:
    if colluders < 1:
        raise Refused(
            "privacy-colluders",
            f"expected 1 colluding organisation or more, since each knows its own noise, got "
            f"{colluders}",
        )
    return sum(sorted(clients_by_organisation, reverse=True)[:colluders])


def _some(shares: int, members: int, colluders: int) -> int:
    if shares < 1:
        raise Refused(
            "privacy-no-honest-noise",
            f"expected noise in a sum of {members} client(s) that {colluders} colluding "
            "organisation(s) do not know, and none is left",
        )
    return shares
