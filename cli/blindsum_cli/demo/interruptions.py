"""What goes wrong in the demo, on purpose: a hospital and a custodian die and come back.

A hospital is killed between its header and its payload, stays away for a round and comes back: its
queue still holds the sealed bytes, the round went on without it, nothing of it was opened. Later a
custodian is away for a round: a quorum is three of four, and two open.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from blindsum_cli.demo.heart_disease import HOSPITALS
from blindsum_cli.demo.hospital import NOBODY_HELD
from blindsum_cli.demo.places import custodian_of

FEWEST_ROUNDS: Final = 3
"""Killed, away, back."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is away when.

    Attributes:
        hospital: Whose client is killed.
        killed_in: The round in which that happens, between header and payload.
        custodian_in: The hospital whose custodian is killed and misses a round.
        custodian_away_in: The round that it misses.
    """

    hospital: str
    killed_in: int
    custodian_in: str
    custodian_away_in: int

    @property
    def back_in(self) -> int:
        """The round in which the hospital takes part again."""
        return self.killed_in + 2

    def held_round(self, hospital: str) -> int:
        """The round in which a hospital is to stand still between header and payload, or -1."""
        return self.killed_in if hospital == self.hospital else NOBODY_HELD

    def attending(self, round_number: int) -> Sequence[str]:
        """The custodians that attend in a round."""
        return [
            custodian_of(hospital)
            for hospital in HOSPITALS
            if (hospital, round_number) != (self.custodian_in, self.custodian_away_in)
        ]

    def in_words(self, round_number: int) -> str:
        """What is special about a round, or empty."""
        words = {
            self.killed_in: f"{self.hospital} was killed between header and payload",
            self.killed_in + 1: f"{self.hospital} is away",
            self.back_in: f"{self.hospital} is back",
            self.custodian_away_in: f"{custodian_of(self.custodian_in)} is away",
        }
        if self.back_in == self.custodian_away_in == round_number:
            return f"{self.hospital} is back, {words[round_number]}"
        return words.get(round_number, "")


def plan(rounds: int) -> Plan:
    """Spread the interruptions over a study.

    Args:
        rounds: At least `FEWEST_ROUNDS`.
    """
    killed_in = min(rounds // 3, rounds - FEWEST_ROUNDS)
    return Plan(
        hospital="hungary",
        killed_in=killed_in,
        custodian_in="switzerland",
        custodian_away_in=min(killed_in + FEWEST_ROUNDS, rounds - 1),
    )
