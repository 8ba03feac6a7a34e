"""What goes wrong in the demo, on purpose, in every study at once.

A hospital is killed between its header and its payload, stays away for a round and comes back: its
queue still holds the sealed bytes, the round went on without it, nothing of it was opened. Then a
custodian is away for a round: a quorum is three of four, and two open. At last a hospital's payload
comes when the round is frozen: it is refused, and nobody ever gets the parts that would open it.

All of it comes before the payload, so the same hospitals are in the sums of all studies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.hospital import NOBODY_HELD
from blindsum_cli.demo.places import custodian_of

FEWEST_ROUNDS: Final = 3
"""Killed, away, back."""

_EACH_IN_A_ROUND_OF_ITS_OWN: Final = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is away when.

    Attributes:
        killed: The hospital whose client is killed.
        killed_in: The round in which that happens, between header and payload.
        back_in: The round in which it takes part again; the one after, or later.
        custodian_in: The hospital whose custodian is killed and misses a round.
        custodian_away_in: The round that it misses.
        late: The hospital whose payload comes after the freeze.
        late_in: The round in which that happens.
    """

    killed: str
    killed_in: int
    back_in: int
    custodian_in: str
    custodian_away_in: int
    late: str
    late_in: int

    def held_round(self, hospital: str) -> int:
        """The round in which a hospital is to stand still between header and payload, or -1."""
        return {self.killed: self.killed_in, self.late: self.late_in}.get(hospital, NOBODY_HELD)

    def absent(self, round_number: int) -> frozenset[str]:
        """The hospitals that are not in a round's sum."""
        away = {self.killed} if self.killed_in <= round_number < self.back_in else set()
        return frozenset(away | ({self.late} if round_number == self.late_in else set()))

    def attending(self, round_number: int) -> Sequence[str]:
        """The custodians that attend in a round."""
        return [
            custodian_of(hospital)
            for hospital in HOSPITALS
            if (hospital, round_number) != (self.custodian_in, self.custodian_away_in)
        ]

    def in_words(self, round_number: int) -> str:
        """What is special about a round, or empty."""
        return ", ".join(self._events(round_number))

    def _events(self, round_number: int) -> list[str]:
        events = []
        if round_number == self.killed_in:
            events.append(f"{self.killed} was killed between header and payload")
        if self.killed_in < round_number < self.back_in:
            events.append(f"{self.killed} is away")
        if round_number == self.back_in:
            events.append(f"{self.killed} is back")
        if round_number == self.custodian_away_in:
            events.append(f"{custodian_of(self.custodian_in)} is away")
        if round_number == self.late_in:
            events.append(f"{self.late} was late: its payload was refused and stays sealed")
        return events


def plan(rounds: int) -> Plan:
    """Spread the interruptions over a study; in a short one the last of them share a round.

    Args:
        rounds: At least `FEWEST_ROUNDS`.
    """
    killed_in = max(0, min(rounds // 3, rounds - _EACH_IN_A_ROUND_OF_ITS_OWN))
    return Plan(
        killed="hungary",
        killed_in=killed_in,
        back_in=killed_in + 2,
        custodian_in="switzerland",
        custodian_away_in=min(killed_in + 3, rounds - 1),
        late="va-long-beach",
        late_in=min(killed_in + 4, rounds - 1),
    )
