"""What `blindsum bench` found: rows for scripts, and one plain sentence a seal for people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from blindsum_cli.bench.figures import MESSAGES, PHASES, Figures
from blindsum_cli.bench.link import Link
from blindsum_cli.bench.memory import process_peak_bytes
from blindsum_cli.bench.row import Results, Row
from blindsum_cli.bench.scenario import Scenario
from blindsum_cli.bench.table import seconds

_BYTES: Final = "bytes"
_WHOLE_PROCESS: Final = "the most that this process held: Python, libraries and every role"
_A_VALUE: Final = "bytes a value"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The measured rounds.

    Attributes:
        scenario: What was asked.
        sealed: One round for every seal.
        plaintext: The same round in the clear.
        link: The link that transfer times are computed for, or None.
    """

    scenario: Scenario
    sealed: Sequence[Figures]
    plaintext: Figures
    link: Link | None = None

    @property
    def is_exact(self) -> bool:
        """Whether every opened sum was exact."""
        return all(figures.is_exact for figures in self.sealed)

    @property
    def every_way(self) -> tuple[Figures, ...]:
        """The sealed rounds and the one in the clear."""
        return (*self.sealed, self.plaintext)

    # Any: plain values of several kinds, for JSON.
    def results(self, environment: dict[str, Any]) -> Results:
        """Everything as rows, the environment beside."""
        scenario = self.scenario
        return Results(
            title="What encryption costs",
            environment=environment,
            sizes={
                "clients": scenario.clients,
                "survivors": scenario.survivors,
                "values": scenario.values,
                "bits": scenario.bits,
                "custodians": scenario.custodians,
                "threshold": scenario.threshold,
            },
            rows=[
                *(row for figures in self.every_way for row in self._rows(figures)),
                Row("process_peak_memory", process_peak_bytes(), _BYTES, None, _WHOLE_PROCESS),
            ],
            checks={f"{figures.way} exact": figures.is_exact for figures in self.sealed},
        )

    def sentence(self, figures: Figures) -> str:
        """What a seal costs, in words."""
        clear = self._a_value(self.plaintext)
        exact = "is exact" if figures.is_exact else "is NOT EXACT"
        return (
            f"Sealing with {figures.way} costs a client {seconds(figures.client_seconds)} of one "
            f"core and {self._a_value(figures):.3g} bytes a value a round, where values in the "
            f"clear take {clear:.3g}; a custodian computes {seconds(figures.custodian_seconds)} "
            f"and the aggregator opens the sum in {seconds(figures.seconds['open'])}. The sum over "
            f"{self.scenario.survivors} of {self.scenario.clients} clients {exact}."
        )

    def _rows(self, figures: Figures) -> Iterator[Row]:
        way, clear = figures.way, self.plaintext
        is_sealed = figures is not clear
        for phase, note in PHASES.items():
            if phase in figures.seconds:
                yield Row(f"{way}_{phase}_time", figures.seconds[phase], "s", None, note)
        took = clear.client_seconds if is_sealed else None
        yield Row(f"{way}_client_time", figures.client_seconds, "s", took, "what a client computes")
        for message, note in MESSAGES.items():
            if figures.sizes.get(message):
                plain = clear.sizes.get(message) if is_sealed else None
                name = f"{way}_{message.replace(' ', '_')}_bytes"
                yield Row(name, figures.sizes[message], _BYTES, plain, note)
        sent, usual = self._a_value(figures), self._a_value(clear) if is_sealed else None
        yield Row(f"{way}_bytes_a_value", sent, _A_VALUE, usual, "what a client sends")
        for role, held in figures.memory.items():
            yield Row(
                f"{way}_{role}_memory", held, _BYTES, None, f"the most that a {role} allocates"
            )
        yield from self._transfers(figures)

    def _transfers(self, figures: Figures) -> Iterator[Row]:
        if self.link is None:
            return
        for role, taken in self.link.transfers(figures).items():
            note = "computed from the bytes and the stated link"
            yield Row(f"{figures.way}_{role}_transfer", taken, "s (computed)", None, note)

    def _a_value(self, figures: Figures) -> float:
        return figures.upload_bytes / self.scenario.values
