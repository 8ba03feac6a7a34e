"""The rows and the plot of bench_seals.py: which figure is held against which."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from blindsum_cli.bench.chart import OTHERS, OURS, Bar, Chart, Panel
from blindsum_cli.bench.row import Row
from blindsum_cli.bench.table import figure

_BYTES: Final = "bytes a value"
_PEER: Final = "TenSEAL, usual path"
_LIMIT: Final = "bare limit of masking"
_PLOTTED: Final = {
    "Seal one client's vector": {
        _PEER: "tenseal_seal_time",
        "ckks": "ckks_seal_time",
        "masking": "masking_seal_time",
        _LIMIT: "bare_keystream_add_time",
    },
    "Bytes a value": {
        _PEER: "tenseal_bytes",
        "ckks": "ckks_seal_bytes",
        "masking": "masking_bytes",
    },
    "Add one more client's bytes to the sum": {
        _PEER: "tenseal_add_time",
        "ckks": "ckks_add_time",
        "masking": "masking_add_time",
    },
    "Open the sum": {
        _PEER: "tenseal_open_time",
        "ckks": "ckks_open_time",
        "masking": "masking_open_time",
    },
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured.

    Attributes:
        seconds: Median process time of every task, by the task's name.
        bytes_a_value: Bytes that one client sends for each value: `ckks`, `masking`, `tenseal`.
        tenseal_error: How far TenSEAL's opened sum is from the true one at most, in levels.
    """

    seconds: Mapping[str, float]
    bytes_a_value: Mapping[str, float]
    tenseal_error: float

    def rows(self) -> list[Row]:
        """Every figure with what it is held against; the bars are the project's own."""
        return [*self._ckks(), *self._masking(), *self._others()]

    def _ckks(self) -> Iterator[Row]:
        seconds, size = self.seconds, self.bytes_a_value
        yield self._time(
            "ckks_seal",
            "integers to wire bytes; TenSEAL: floats to wire bytes",
            "tenseal_seal",
            bar=0.08,
        )
        yield Row(
            "ckks_seal_bytes",
            size["ckks"],
            _BYTES,
            size["tenseal"],
            "what one client sends; TenSEAL: the same",
            0.047,
        )
        yield Row(
            "ckks_codec_seal_time",
            seconds["codec"] + seconds["ckks_seal"],
            "s",
            seconds["tenseal_seal"],
            "floats to wire bytes; TenSEAL: the same",
        )
        yield self._time("codec", "float32 to integers: clip, grid, one rounding; both seals")
        yield self._time("ckks_check_own", "a client opens its own payload before it sends it")
        yield self._time(
            "ckks_add", "one client's bytes into the sum; TenSEAL: same", "tenseal_add"
        )
        yield self._time("ckks_release", "one custodian's parts for all clients")
        yield self._time("ckks_open", "sum to integers; TenSEAL: sum to floats", "tenseal_open")

    def _masking(self) -> Iterator[Row]:
        limit, copy = "bare_keystream_add", "bare_copy"
        yield self._time(
            "masking_seal", "integers to wire bytes; limit: keystream and addition", limit, bar=2.0
        )
        size = self.bytes_a_value["masking"]
        yield Row("masking_bytes", size, _BYTES, None, "what one client sends", 2.1)
        yield self._time("masking_check_own", "a client opens its own payload before it sends it")
        yield self._time("masking_add", "one client's bytes into the sum; limit: a copy", copy)
        yield self._time("masking_release", "one custodian's leaves for all clients")
        yield self._time("masking_open", "sum to integers; limit: keystream and addition", limit)

    def _others(self) -> Iterator[Row]:
        yield self._time("tenseal_seal", "ckks_vector, serialize")
        yield Row("tenseal_bytes", self.bytes_a_value["tenseal"], _BYTES, None, "as serialised")
        yield self._time("tenseal_add", "ckks_vector_from, +")
        yield self._time("tenseal_open", "decrypt")
        yield Row("tenseal_error", self.tenseal_error, "levels", None, "largest error of the sum")
        yield self._time("bare_keystream_add", "AES-256-CTR and 16-bit additions, all masks")
        yield self._time("bare_copy", "a copy of one masking payload in memory")

    def _time(self, task: str, note: str, baseline: str = "", bar: float | None = None) -> Row:
        against = self.seconds[baseline] if baseline else None
        return Row(f"{task}_time", self.seconds[task], "s", against, note, bar)


def chart_of(title: str, rows: Iterable[Row], footer: Sequence[str]) -> Chart:
    """The rows that people ask for first."""
    by_name = {row.name: row for row in rows}
    panels = [
        Panel(heading, [_bar(label, by_name[name]) for label, name in bars.items()])
        for heading, bars in _PLOTTED.items()
    ]
    return Chart(title, panels, footer)


def _bar(label: str, row: Row) -> Bar:
    colour = OTHERS if label in {_PEER, _LIMIT} else OURS
    return Bar(label, row.value, figure(row.value, row.unit), colour)
