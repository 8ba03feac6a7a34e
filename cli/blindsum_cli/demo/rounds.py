"""What came of one round of the demo, in every study, and how a line says it."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from blindsum_cli.demo.heart_disease import HOSPITALS

TERMINAL: Final = 80
"""Columns of a terminal that no line of a round is wider than."""

_WIDE: Final = 7
"""Columns of a round's seconds."""

_INDENT: Final = " " * len("round 12  ")


@dataclass(frozen=True, slots=True)
class SealedRound:
    """A round of one study.

    Attributes:
        members: The clients of U.
        is_exact: Whether the opened sum equals the sum of their integers.
        phases: Seconds of each phase, as the aggregator says: from its proposal to a quorum of
            closes.
    """

    members: tuple[str, ...]
    is_exact: bool
    phases: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """Of the whole round."""
        return sum(self.phases.values())


@dataclass(frozen=True, slots=True)
class RoundResult:
    """A round of all studies.

    Attributes:
        number: Which round.
        seals: The round of each study, by seal.
        same_sums: Whether all studies summed the same integers of the same clients to one sum.
        same_models: Whether all of them started from one model, byte for byte.
        remark: What was disturbed; empty: nothing, and the studies had the round one by one.
    """

    number: int
    seals: Mapping[str, SealedRound]
    same_sums: bool
    same_models: bool
    remark: str

    @property
    def members(self) -> tuple[str, ...]:
        """The clients of U, the same in all studies where `same_sums` holds."""
        return next(iter(self.seals.values())).members

    @property
    def holds(self) -> bool:
        """Whether every sum is exact, and sums and models are the same in all studies."""
        return self.same_sums and self.same_models and all(s.is_exact for s in self.seals.values())

    def in_words(self) -> str:
        """The round in a line of markup below `heading`, and below it what was disturbed."""
        seconds = "".join(f"{one.seconds:{_WIDE}.1f} s" for one in self.seals.values())
        line = f"round {self.number:2}  {self._comparison()}{seconds}  {self._summed()}"
        remarks = textwrap.wrap(self.remark, TERMINAL - len(_INDENT))
        return "\n".join([line, *(f"{_INDENT}[dim]{remark}[/]" for remark in remarks)])

    def _comparison(self) -> str:
        wrong = [f"{seal} is not the plain sum" for seal, s in self.seals.items() if not s.is_exact]
        wrong += [] if self.same_sums else ["the studies' sums differ"]
        wrong += [] if self.same_models else ["the studies' models differ"]
        if wrong:
            return f"[bold red]{', '.join(wrong)}[/]"
        return f"[green]{_equal(self.seals)}[/]"

    def _summed(self) -> str:
        absent = [hospital for hospital in HOSPITALS if hospital not in self.members]
        return f"all but {', '.join(absent)}" if absent else f"all {len(HOSPITALS)}"


def timed(rounds: Sequence[RoundResult]) -> Sequence[RoundResult]:
    """The rounds whose seconds say something, or all of them where there is no such round.

    Undisturbed ones, which the studies had one by one, and not the first: there every process does
    for the first time whatever it does.
    """
    return [one for one in rounds[1:] if not one.remark] or rounds


def heading(seals: Iterable[str]) -> str:
    """The line above the rounds'."""
    names = list(seals)
    seconds = "".join(f"{name:>{_WIDE + 2}}" for name in names)
    return f"{_INDENT}{'opened sums':{len(_equal(names))}}{seconds}  U, who is in the sum"


def _equal(seals: Iterable[str]) -> str:
    return " = ".join([*seals, "plain"])
